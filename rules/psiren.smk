# Stage psiren: Algorithm 1. Steps 1 and 2 run once for a task and seed, steps 3 and 4 for every sparsity. A task that is
# like another takes the other's files of steps that are equal there.
PSIREN = f"{RESULTS}/psiren/{{task}}"
NETWORK = f"{PSIREN}/p{{sparsity}}/seed{{seed}}"


rule dense:
    input:
        data=rules.split_dataset.output,
    output:
        weights=f"{PSIREN}/dense/seed{{seed}}.safetensors",
        curve=f"{PSIREN}/dense/seed{{seed}}.curve.parquet",
    log:
        f"{RESULTS}/logs/psiren/{{task}}/dense/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/psiren/{{task}}/dense/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(10),
        gpu=GPUS,
        batch=1,
    params:
        settings=stage_settings("psiren"),
        code=code_fingerprint("aann.psiren.jobs"),
    shell:
        "python -m aann psiren dense --task {wildcards.task} --seed {wildcards.seed} --data {input.data:q}"
        " --output {output.weights:q} --curve {output.curve:q} --threads {threads}"
        " --settings {params.settings:q} 2> {log:q}"


for TASK in SETTINGS.tasks:

    rule:
        name:
            f"sparsify_{TASK}"
        input:
            data=expand(rules.split_dataset.output, task=TASK),
            dense=expand(rules.dense.output.weights, task=asked(work.maker, TASK, "dense"), allow_missing=True),
        output:
            weights=expand(
                f"{PSIREN}/sparse/p{{sparsity}}/seed{{{{seed}}}}.safetensors",
                task=TASK,
                sparsity=asked(work.sparsities, TASK),
            ),
            curve=expand(f"{PSIREN}/sparse/seed{{{{seed}}}}.curve.parquet", task=TASK),
        log:
            f"{RESULTS}/logs/psiren/{TASK}/sparse/seed{{seed}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/psiren/{TASK}/sparse/seed{{seed}}.jsonl"
        resources:
            mem_mb=growing(3000),
            runtime=growing(15),
            gpu=GPUS,
            batch=1,
        params:
            task=TASK,
            settings=literal(to_json(SETTINGS.part("psiren", TASK))),
            code=code_fingerprint("aann.psiren.jobs"),
            sparsities=[f"--sparsity {sparsity}" for sparsity in asked(work.sparsities, TASK)],
            outputs=lambda wildcards, output: [f"--output {quote(path)}" for path in output.weights],
        shell:
            "python -m aann psiren sparsify --task {params.task} --seed {wildcards.seed} --data {input.data:q}"
            " --dense {input.dense:q} {params.sparsities} {params.outputs} --curve {output.curve:q}"
            " --threads {threads} --settings {params.settings:q} 2> {log:q}"


rule network:
    input:
        data=rules.split_dataset.output,
        sparse=lambda wildcards: expand(
            f"{PSIREN}/sparse/p{{sparsity}}/seed{{seed}}.safetensors",
            **{**wildcards, "task": asked(work.maker, wildcards.task, "sparse")},
        ),
    output:
        network=f"{NETWORK}.safetensors",
        curve=f"{NETWORK}.curve.parquet",
        accuracy=f"{NETWORK}.accuracy.csv",
    log:
        f"{RESULTS}/logs/psiren/{{task}}/p{{sparsity}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/psiren/{{task}}/p{{sparsity}}/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        gpu=GPUS,
        batch=1,
    params:
        settings=stage_settings("psiren"),
        code=code_fingerprint("aann.psiren.jobs"),
    shell:
        "python -m aann psiren network --task {wildcards.task} --sparsity {wildcards.sparsity}"
        " --seed {wildcards.seed} --data {input.data:q} --sparse {input.sparse:q} --output {output.network:q}"
        " --curve {output.curve:q} --accuracy {output.accuracy:q} --threads {threads}"
        " --settings {params.settings:q} 2> {log:q}"


# Other rules that gather the tables of many jobs differ only in what they read and write, and in the command.
rule accuracies:
    input:
        lambda wildcards: filled(rules.network.output.accuracy, work.networks, wildcards.task),
    output:
        f"{PSIREN}/accuracies.csv",
    log:
        f"{RESULTS}/logs/psiren/{{task}}/accuracies.log",
    benchmark:
        f"{RESULTS}/benchmarks/psiren/{{task}}/accuracies.jsonl"
    localrule: True
    resources:
        **SHORT,
    params:
        command="psiren accuracies",
        code=code_fingerprint("aann.gathering"),
    shell:
        "python -m aann {params.command} {input:q} --output {output:q} 2> {log:q}"
