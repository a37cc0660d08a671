# Stage figures: each figure of the paper is a target of its own, drawn from tables as PDF, PNG and CSV.
FIGURE = f"{RESULTS}/figures/figure_"


rule figure_1:
    output:
        pdf=f"{FIGURE}1.pdf",
        png=report(
            f"{FIGURE}1.png",
            caption="../workflow/report/figure_1.rst",
            category="Networks and neighbors",
            labels={"figure": "1", "shows": "first neighbors"},
        ),
        csv=f"{FIGURE}1.csv",
    log:
        f"{RESULTS}/logs/figures/figure_1.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_1.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_fingerprint("aann.figures.schematic"),
    shell:
        "python -m aann figures schematic --output {output.png:q} 2> {log:q}"


for NAME, TASK in {"2a": "mnist", "12": "fashion"}.items():

    rule:
        name:
            f"figure_{NAME}"
        input:
            expand(rules.accuracies.output, task=TASK),
        output:
            pdf=f"{FIGURE}{NAME}.pdf",
            png=report(
                f"{FIGURE}{NAME}.png",
                caption="../workflow/report/sparsity.rst",
                category="p-SIREN",
                labels={"figure": NAME, "shows": "accuracy against sparsity"},
            ),
            csv=f"{FIGURE}{NAME}.csv",
        log:
            f"{RESULTS}/logs/figures/figure_{NAME}.log",
        benchmark:
            f"{RESULTS}/benchmarks/figures/figure_{NAME}.jsonl"
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        params:
            title=data_title(TASK),
            code=code_fingerprint("aann.figures.sparsity"),
        shell:
            "python -m aann figures sparsity --accuracies {input:q} --title {params.title:q}"
            " --output {output.png:q} 2> {log:q}"


FIGURES = [
    f"{FIGURE}{name}.{ending}"
    for name in ("1", "2a", "12")
    for ending in ("pdf", "png", "csv")
]


# A figure that is no rule ends here, with the list of those that are.
rule unknown_figure:
    input:
        lambda wildcards: refuse_figure(wildcards.figure),
    output:
        "figure_{figure}",
    log:
        f"{RESULTS}/logs/figures/unknown_{{figure}}.log",
    shell:
        "exit 1"
