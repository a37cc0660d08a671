# The workflow is in workflow/Snakefile, where standard tools look for it. From here, `snakemake` finds the profiles, too.
# It has the same default target, which the directive `include` would not take over.
workflow.include("workflow/Snakefile", overwrite_default_target=True)
