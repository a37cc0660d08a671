# What jobs need, for `--software-deployment-method conda`: one environment for all rules that run something. Without that
# option, they run in the environment of Snakemake.
for RULE in workflow.modifier.rules:
    if RULE.shellcmd and RULE.conda_env is None:
        RULE.conda_env = str(ROOT / "envs/jobs.yaml")
