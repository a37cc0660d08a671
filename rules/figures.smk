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
    localrule: True
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
        localrule: True
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


rule figure_2b:
    input:
        confusions=expand(rules.confusions.output, task="car"),
        returns=expand(rules.returns.output, task="car"),
    output:
        pdf=f"{FIGURE}2b.pdf",
        png=report(
            f"{FIGURE}2b.png",
            caption="../workflow/report/driving.rst",
            category="p-SIREN",
            labels={"figure": "2b", "shows": "accuracy and return against sparsity"},
        ),
        csv=f"{FIGURE}2b.csv",
    log:
        f"{RESULTS}/logs/figures/figure_2b.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_2b.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        title=data_title("car"),
        code=code_fingerprint("aann.figures.driving"),
    shell:
        "python -m aann figures driving --confusions {input.confusions:q} --returns {input.returns:q}"
        " --title {params.title:q} --output {output.png:q} 2> {log:q}"


for NAME, TASK in {"3": "mnist", "9": "car"}.items():

    rule:
        name:
            f"figure_{NAME}"
        input:
            summaries=expand(rules.surveys.output, task=TASK),
            histograms=lambda wildcards, task=TASK: [
                path
                for _, _, path in histograms_of(task, rules.survey.output.histogram)
            ],
        output:
            pdf=f"{FIGURE}{NAME}.pdf",
            png=report(
                f"{FIGURE}{NAME}.png",
                caption="../workflow/report/histograms.rst",
                category="Networks and neighbors",
                labels={"figure": NAME, "shows": "accuracy of first neighbors"},
            ),
            csv=f"{FIGURE}{NAME}.csv",
        log:
            f"{RESULTS}/logs/figures/figure_{NAME}.log",
        benchmark:
            f"{RESULTS}/benchmarks/figures/figure_{NAME}.jsonl"
        localrule: True
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        params:
            panels=lambda wildcards, task=TASK: [
                f"--histogram {sparsity} {layer} {quote(path)}"
                for sparsity, layer, path in histograms_of(
                    task, rules.survey.output.histogram
                )
            ],
            seed=SETTINGS.task(TASK).seeds[0],
            title=data_title(TASK),
            code=code_fingerprint("aann.figures.histograms"),
        shell:
            "python -m aann figures histograms --summaries {input.summaries:q} {params.panels} --seed {params.seed}"
            " --title {params.title:q} --output {output.png:q} 2> {log:q}"


# The task, and what is seen in each panel of a layer: the method, and from where.
EMBEDDINGS = {
    "4": ("mnist", [("tsne", "side"), ("tsne", "top")]),
    "10": ("car", [("tsne", "side"), ("tsne", "top")]),
    "11": ("mnist", [("lle", "side"), ("isomap", "side")]),
}

for NAME, (TASK, VIEWS) in EMBEDDINGS.items():

    rule:
        name:
            f"figure_{NAME}"
        input:
            points=lambda wildcards, task=TASK: embeddings_of(
                task, rules.embed.output.points
            ),
            clustering=expand(rules.clustering.output, task=TASK),
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
        localrule: True
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        params:
            panels=lambda wildcards, task=TASK, views=VIEWS: [
                f"--panel {layer} {method} {view}"
                for layer in embedded(task).layers
                for method, view in views
            ],
            sampling=lambda wildcards, task=TASK: embedded(task).drawn,
            title=lambda wildcards, task=TASK: embedding_title(task),
            code=code_fingerprint("aann.figures.embedding"),
        shell:
            "python -m aann figures embedding {input.points:q} --sampling {params.sampling} {params.panels}"
            " --title {params.title:q} --output {output.png:q} 2> {log:q}"


# Where the searches of Figures 6 to 8 start, and those of Figure S1: task, sparsity, and random or of p-SIREN.
CLIMBS = {
    "6": ("mnist", "90", "random"),
    "7": ("mnist", "90", "random"),
    "8a": ("mnist", "80", "random"),
}
# In Figure 8b: what a start is called, the start, and our search from it.
CAR = ("car", "80", "random")
CAR_SEARCHES = {
    "random 80 %": (CAR, "car-greedy"),
    "p-SIREN 90 %": (("car", "90", "psiren"), "car-polish"),
}
COMPARED = [
    ("mnist", "80", "random"),
    ("mnist", "90", "random"),
    ("mnist", "90", "psiren"),
]


rule figure_5:
    input:
        lambda wildcards: expand(
            rules.climb.output,
            task="mnist",
            sparsity=f"{SETTINGS.sense.climb.sparsity:g}",
            seed=SETTINGS.task("mnist").seeds[0],
        ),
    output:
        pdf=f"{FIGURE}5.pdf",
        png=report(
            f"{FIGURE}5.png",
            caption="../workflow/report/path.rst",
            category="SENSE",
            labels={"figure": "5", "shows": "a climb over six neighborhoods"},
        ),
        csv=f"{FIGURE}5.csv",
        html=report(
            f"{FIGURE}5.html",
            caption="../workflow/report/path.rst",
            category="SENSE",
            labels={"figure": "5", "shows": "the same, interactive"},
        ),
    log:
        f"{RESULTS}/logs/figures/figure_5.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_5.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        title=f"{data_title('mnist')}, {SETTINGS.sense.climb.sparsity:g} % sparse, layer {SETTINGS.sense.climb.layer}",
        code=code_fingerprint("aann.figures.path"),
    shell:
        "python -m aann figures path --points {input:q} --title {params.title:q} --output {output.png:q} 2> {log:q}"


for NAME, START_AT in CLIMBS.items():

    rule:
        name:
            f"figure_{NAME}"
        input:
            traces=lambda wildcards, start=START_AT, name=NAME: runs_of(
                start, f"figure-{name}", rules.search.output.trace
            ),
            baselines=lambda wildcards, start=START_AT: runs_of(
                start, "backpropagation", rules.backpropagation.output
            ),
        output:
            pdf=f"{FIGURE}{NAME}.pdf",
            png=report(
                f"{FIGURE}{NAME}.png",
                caption="../workflow/report/climbs.rst",
                category="SENSE",
                labels={"figure": NAME, "shows": "a climb from a random network"},
            ),
            csv=f"{FIGURE}{NAME}.csv",
        log:
            f"{RESULTS}/logs/figures/figure_{NAME}.log",
        benchmark:
            f"{RESULTS}/benchmarks/figures/figure_{NAME}.jsonl"
        localrule: True
        threads: 1
        resources:
            mem_mb=500,
            runtime=5,
        params:
            traces=lambda wildcards, input: options(
                "trace", zip(SETTINGS.task("mnist").seeds, input.traces)
            ),
            baselines=lambda wildcards, input: options(
                "baseline", zip(SETTINGS.task("mnist").seeds, input.baselines)
            ),
            layers=[
                f"--layer {layer.name}"
                for layer in SETTINGS.networks[SETTINGS.task("mnist").network].layers
            ],
            title=f"{data_title(START_AT[0])}, random start, {START_AT[1]} % sparse",
            code=code_fingerprint("aann.figures.climbs"),
        shell:
            "python -m aann figures climbs {params.traces} {params.baselines} {params.layers} --title {params.title:q}"
            " --output {output.png:q} 2> {log:q}"


rule figure_8b:
    input:
        traces=lambda wildcards: runs_of(CAR, "figure-8b", rules.search.output.trace),
        baselines=lambda wildcards: runs_of(
            CAR, "backpropagation", rules.backpropagation.output
        ),
        runs=lambda wildcards: [
            path for *_, path in car_runs(rules.search.output.trace)
        ],
        returns=lambda wildcards: [
            path for _, path in car_drivers(rules.assess.output.returns)
        ],
    output:
        pdf=f"{FIGURE}8b.pdf",
        png=report(
            f"{FIGURE}8b.png",
            caption="../workflow/report/drives.rst",
            category="SENSE",
            labels={"figure": "8b", "shows": "climbs on the driving task"},
        ),
        csv=f"{FIGURE}8b.csv",
    log:
        f"{RESULTS}/logs/figures/figure_8b.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_8b.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        traces=lambda wildcards, input: options(
            "trace", zip(SETTINGS.task("car").seeds, input.traces)
        ),
        baselines=lambda wildcards, input: options(
            "baseline", zip(SETTINGS.task("car").seeds, input.baselines)
        ),
        runs=lambda wildcards: options("run", car_runs(rules.search.output.trace)),
        returns=lambda wildcards: options(
            "returns", car_drivers(rules.assess.output.returns)
        ),
        layers=[
            f"--layer {layer.name}"
            for layer in SETTINGS.networks[SETTINGS.task("car").network].layers
        ],
        title=data_title("car"),
        code=code_fingerprint("aann.figures.drives"),
    shell:
        "python -m aann figures drives {params.traces} {params.baselines} {params.layers} {params.runs}"
        " {params.returns} --title {params.title:q} --output {output.png:q} 2> {log:q}"


rule video:
    input:
        lambda wildcards: expand(
            rules.network.output.network,
            task="car",
            sparsity=f"{SETTINGS.driving.sparsity:g}",
            seed=SETTINGS.task("car").seeds[0],
        ),
    output:
        report(
            f"{RESULTS}/figures/video.mp4",
            caption="../workflow/report/video.rst",
            category="p-SIREN",
            labels={"figure": "video", "shows": "a sparse ternary network drives"},
        ),
    log:
        f"{RESULTS}/logs/figures/video.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/video.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        title=f"{SETTINGS.driving.sparsity:g} % sparse, weights -1, 0, +1",
        settings=to_json(SETTINGS.driving_part("car", ["repeat", "steps", "expert"])),
        code=code_fingerprint("aann.driving.video"),
    shell:
        "python -m aann driving video --task car --network {input:q} --title {params.title:q} --output {output:q}"
        " --settings {params.settings:q} 2> {log:q}"


rule figure_s1:
    input:
        lambda wildcards: [path for *_, path in compared(rules.search.output.trace)],
    output:
        pdf=f"{FIGURE}s1.pdf",
        png=report(
            f"{FIGURE}s1.png",
            caption="../workflow/report/comparison.rst",
            category="SENSE",
            labels={"figure": "S1", "shows": "accuracy against evaluations"},
        ),
        csv=f"{FIGURE}s1.csv",
    log:
        f"{RESULTS}/logs/figures/figure_s1.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_s1.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        runs=lambda wildcards: options("run", compared(rules.search.output.trace)),
        title=data_title("mnist"),
        code=code_fingerprint("aann.figures.comparison"),
    shell:
        "python -m aann figures comparison {params.runs} --title {params.title:q} --output {output.png:q} 2> {log:q}"


rule figure_s2:
    input:
        rules.outcomes.output,
    output:
        pdf=f"{FIGURE}s2.pdf",
        png=report(
            f"{FIGURE}s2.png",
            caption="../workflow/report/improvement.rst",
            category="SENSE",
            labels={"figure": "S2", "shows": "what SENSE adds to p-SIREN"},
        ),
        csv=f"{FIGURE}s2.csv",
    log:
        f"{RESULTS}/logs/figures/figure_s2.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/figure_s2.jsonl"
    localrule: True
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        titles=options("title", ((task, data_title(task)) for task in STATIC)),
        code=code_fingerprint("aann.figures.improvement"),
    shell:
        "python -m aann figures improvement --outcomes {input:q} {params.titles} --output {output.png:q} 2> {log:q}"


FIGURES = [
    f"{FIGURE}{name}.{ending}"
    for name in FIGURE_NAMES
    for ending in ("pdf", "png", "csv")
] + [*rules.video.output]
TABLES = expand(rules.clustering.output, task="mnist")


# A figure that is no rule ends here, with the list of those that are. A workflow that imports these may have its own.
if not MODULE:

    rule unknown_figure:
        input:
            lambda wildcards: refuse_figure(wildcards.figure),
        output:
            "figure_{figure}",
        log:
            f"{RESULTS}/logs/figures/unknown_{{figure}}.log",
        shell:
            "exit 1"
