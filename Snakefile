# Architecture agnostic neural networks: every figure of the paper, from data to PDF.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/psiren.smk"
include: "rules/neighbors.smk"
include: "rules/embeddings.smk"
include: "rules/sense.smk"
include: "rules/driving.smk"
include: "rules/figures.smk"
include: "rules/claims.smk"
include: "rules/report.smk"


localrules:
    all_figures,


rule all_figures:
    default_target: True
    input:
        FIGURES,
        TABLES,
