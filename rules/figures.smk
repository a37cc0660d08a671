# Stage figures: each entry of the setting `figures` is a target of its own. Its kind, a module of aann.figures, plans what
# it is drawn from, and says which files it writes.
from aann.figures import kinds
from aann.settings.figures import label, target

FIGURES = asked(kinds.plans)


for NAME, PLAN in FIGURES.items():
    ENTRY = SETTINGS.figures[NAME]

    rule:
        name:
            target(NAME)
        input:
            [f"{RESULTS}/{path}" for path in PLAN.paths],
            beside=[f"{RESULTS}/{path}" for path in PLAN.beside],
        output:
            **{
                ending: (
                    f"{RESULTS}/{path}"
                    if ending in ("pdf", "csv")  # which a browser does not show in Snakemake's report
                    else report(
                        f"{RESULTS}/{path}",
                        caption=f"../workflow/report/{ENTRY.kind}.rst",
                        category=ENTRY.category,
                        labels={
                            "figure": label(NAME),
                            "shows": "the same, interactive" if ending == "html" else ENTRY.shows,
                        },
                    )
                )
                for ending, path in kinds.files(NAME, ENTRY.kind).items()
            },
        log:
            f"{RESULTS}/logs/figures/{target(NAME)}.log",
        benchmark:
            f"{RESULTS}/benchmarks/figures/{target(NAME)}.jsonl"
        localrule: True
        resources:
            mem_mb=growing(kinds.memory_mb(PLAN.kind)),
            runtime=growing(5),
        params:
            name=NAME,
            title=literal(PLAN.title),
            options=literal(PLAN.options),
            plan=literal(PLAN.model_dump_json()),
            results=subpath(output[0], ancestor=2),
            picture=lambda wildcards, output: output[0],
            code=code_fingerprint(f"aann.figures.{PLAN.kind}"),
        shell:
            "python -m aann figures draw {params.name} --plan {params.plan:q} --results {params.results:q}"
            " --output {params.picture:q} 2> {log:q}"


# Any other figure ends here, with a list of those that exist. A workflow that imports these rules may have its own.
if not MODULE:

    rule unknown_figure:
        input:
            lambda wildcards: asked(work.refuse_figure, wildcards.figure),
        output:
            "figure_{figure}",
        log:
            f"{RESULTS}/logs/figures/unknown_{{figure}}.log",
        shell:
            "exit 1"
