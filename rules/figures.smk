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


rule figure_3:
    input:
        summaries=expand(rules.surveys.output, task="mnist"),
        histograms=lambda wildcards: [
            path
            for _, _, path in histograms_of("mnist", rules.survey.output.histogram)
        ],
    output:
        pdf=f"{FIGURE}3.pdf",
        png=report(
            f"{FIGURE}3.png",
            caption="../workflow/report/histograms.rst",
            category="Networks and neighbors",
            labels={"figure": "3", "shows": "accuracy of first neighbors"},
        ),
        csv=f"{FIGURE}3.csv",
    log:
        f"{RESULTS}/logs/figures/figure_3.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_3.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        panels=lambda wildcards: [
            f"--histogram {sparsity} {layer} {quote(path)}"
            for sparsity, layer, path in histograms_of(
                "mnist", rules.survey.output.histogram
            )
        ],
        seed=SETTINGS.task("mnist").seeds[0],
        title=data_title("mnist"),
        code=code_fingerprint("aann.figures.histograms"),
    shell:
        "python -m aann figures histograms --summaries {input.summaries:q} {params.panels} --seed {params.seed}"
        " --title {params.title:q} --output {output.png:q} 2> {log:q}"


# What is seen in each panel of a layer: the method, and from where.
EMBEDDINGS = {
    "4": [("tsne", "side"), ("tsne", "top")],
    "11": [("lle", "side"), ("isomap", "side")],
}

for NAME, VIEWS in EMBEDDINGS.items():

    rule:
        name:
            f"figure_{NAME}"
        input:
            points=lambda wildcards: embeddings_of("mnist", rules.embed.output.points),
            clustering=expand(rules.clustering.output, task="mnist"),
        output:
            pdf=f"{FIGURE}{NAME}.pdf",
            png=report(
                f"{FIGURE}{NAME}.png",
                caption="../workflow/report/embedding.rst",
                category="Networks and neighbors",
                labels={"figure": NAME, "shows": "embedded first neighbors"},
            ),
            csv=f"{FIGURE}{NAME}.csv",
            html=report(
                f"{FIGURE}{NAME}.html",
                caption="../workflow/report/embedding.rst",
                category="Networks and neighbors",
                labels={"figure": NAME, "shows": "the same, interactive"},
            ),
        log:
            f"{RESULTS}/logs/figures/figure_{NAME}.log",
        benchmark:
            f"{RESULTS}/benchmarks/figures/figure_{NAME}.jsonl"
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        params:
            panels=lambda wildcards, views=VIEWS: [
                f"--panel {layer} {method} {view}"
                for layer in embedded("mnist").layers
                for method, view in views
            ],
            sampling=lambda wildcards: embedded("mnist").drawn,
            title=lambda wildcards: embedding_title("mnist"),
            code=code_fingerprint("aann.figures.embedding"),
        shell:
            "python -m aann figures embedding {input.points:q} --sampling {params.sampling} {params.panels}"
            " --title {params.title:q} --output {output.png:q} 2> {log:q}"


FIGURES = [
    f"{FIGURE}{name}.{ending}"
    for name in ("1", "2a", "3", "4", "11", "12")
    for ending in ("pdf", "png", "csv")
]
TABLES = expand(rules.clustering.output, task="mnist")


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
