# Stage figures: each figure of the paper is a target of its own, drawn from tables as PDF, PNG and CSV.
FIGURE = f"{RESULTS}/figures/figure_"

DATASET_TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "digits": "scikit-learn digits (quick scale)",
    "letters": "Drawn letters (quick scale)",
}


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
    params:
        stem=f"{FIGURE}1",
        code=code_fingerprint("aann.figures.schematic"),
    log:
        f"{RESULTS}/logs/figures/figure_1.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_1.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        "python -m aann figures schematic --output {params.stem} 2> {log}"


def draw_sparsity(name, task):
    """Make the rule of a figure that shows a task's test accuracy against sparsity."""

    rule:
        name:
            f"figure_{name}"
        input:
            expand(rules.accuracies.output, task=task),
        output:
            pdf=f"{FIGURE}{name}.pdf",
            png=report(
                f"{FIGURE}{name}.png",
                caption=f"../workflow/report/figure_{name}.rst",
                category="p-SIREN",
                labels={"figure": name, "shows": "accuracy against sparsity"},
            ),
            csv=f"{FIGURE}{name}.csv",
        params:
            stem=f"{FIGURE}{name}",
            title=DATASET_TITLES[SETTINGS.task(task).dataset],
            code=code_fingerprint("aann.figures.sparsity"),
        log:
            f"{RESULTS}/logs/figures/figure_{name}.log",
        benchmark:
            f"{RESULTS}/benchmarks/figures/figure_{name}.jsonl"
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        shell:
            "python -m aann figures sparsity --accuracies {input} --title {params.title:q}"
            " --output {params.stem} 2> {log}"


for NAME, TASK in {"2a": "mnist", "12": "fashion"}.items():
    draw_sparsity(NAME, TASK)


FIGURES = [f"{FIGURE}{name}.{ending}" for name in ("1", "2a", "12") for ending in ("pdf", "png", "csv")]
