# Stage sense: climbs from neighbor to neighbor, from random networks and from those of p-SIREN. A run is named by where
# it starts (task, sparsity, origin: random or psiren) and by its search: mnist-p80-random.greedy.
SENSE = f"{RESULTS}/sense"
START = "{task}-p{sparsity}-{origin}"
SEARCHED = f"{SENSE}/{START}.{{search}}/seed{{seed}}"


rule random_start:
    output:
        f"{SENSE}/{{task}}-p{{sparsity}}-random/seed{{seed}}.safetensors",
    log:
        f"{RESULTS}/logs/sense/{{task}}-p{{sparsity}}-random/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sense/{{task}}-p{{sparsity}}-random/seed{{seed}}.jsonl"
    localrule: True
    resources:
        **SHORT,
    params:
        settings=lambda wildcards: to_json(SETTINGS.network_part(wildcards.task)),
        code=code_fingerprint("aann.sense.starts"),
    shell:
        "python -m aann sense start --task {wildcards.task} --sparsity {wildcards.sparsity}"
        " --seed {wildcards.seed} --output {output:q} --settings {params.settings:q} 2> {log:q}"


STARTS = {
    "random": rules.random_start.output[0],
    "psiren": rules.network.output.network,
}  # the networks that runs start from


rule search:
    input:
        data=rules.split_dataset.output,
        network=lambda wildcards: STARTS[wildcards.origin].format(**wildcards),
    output:
        trace=f"{SEARCHED}.parquet",
        network=f"{SEARCHED}.safetensors",
        outcome=f"{SEARCHED}.outcome.csv",
    log:
        f"{RESULTS}/logs/sense/{START}.{{search}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sense/{START}.{{search}}/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(5000),
        runtime=growing(30),
        batch=1,
    params:
        settings=lambda wildcards: to_json(SETTINGS.search(wildcards.task, wildcards.search)),
        code=code_fingerprint("aann.sense.search"),
    shell:
        "python -m aann sense search --task {wildcards.task} --search {wildcards.search}"
        " --sparsity {wildcards.sparsity} --origin {wildcards.origin} --seed {wildcards.seed}"
        " --network {input.network:q} --data {input.data:q}"
        " --trace {output.trace:q} --output {output.network:q} --outcome {output.outcome:q} --threads {threads}"
        " --settings {params.settings:q} 2> {log:q}"


use rule accuracies as outcomes with:
    input:
        lambda wildcards: filled(rules.search.output.outcome, work.improvement),
    output:
        f"{SENSE}/improvement.csv",
    log:
        f"{RESULTS}/logs/sense/improvement.log",
    benchmark:
        f"{RESULTS}/benchmarks/sense/improvement.jsonl"
    localrule: True
    params:
        command="sense outcomes",
        code=code_fingerprint("aann.gathering"),


rule backpropagation:
    input:
        data=rules.split_dataset.output,
        network=lambda wildcards: STARTS[wildcards.origin].format(**wildcards),
    output:
        f"{SENSE}/{START}.backpropagation/seed{{seed}}.parquet",
    log:
        f"{RESULTS}/logs/sense/{START}.backpropagation/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sense/{START}.backpropagation/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(10),
        gpu=GPUS,
        batch=1,
    params:
        settings=lambda wildcards: to_json(SETTINGS.sense_part(wildcards.task, "backpropagation")),
        code=code_fingerprint("aann.sense.backpropagation"),
    shell:
        "python -m aann sense backpropagation --task {wildcards.task} --sparsity {wildcards.sparsity}"
        " --origin {wildcards.origin} --seed {wildcards.seed}"
        " --network {input.network:q} --data {input.data:q} --output {output:q} --threads {threads}"
        " --settings {params.settings:q} 2> {log:q}"


rule climb:
    input:
        data=rules.split_dataset.output,
        network=rules.network.output.network,
    output:
        f"{SENSE}/{{task}}-p{{sparsity}}-psiren.climb/seed{{seed}}.parquet",
    log:
        f"{RESULTS}/logs/sense/{{task}}-p{{sparsity}}-psiren.climb/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sense/{{task}}-p{{sparsity}}-psiren.climb/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        batch=1,
    params:
        command="sense climb",
        settings=lambda wildcards: to_json(SETTINGS.sense_part(wildcards.task, "climb")),
        code=code_fingerprint("aann.sense.climbs"),
    shell:
        "python -m aann {params.command} --task {wildcards.task} --sparsity {wildcards.sparsity}"
        " --seed {wildcards.seed} --network {input.network:q} --data {input.data:q} --output {output:q}"
        " --threads {threads} --settings {params.settings:q} 2> {log:q}"


use rule climb as selection with:
    output:
        f"{SENSE}/{{task}}-p{{sparsity}}-psiren.selection/seed{{seed}}.parquet",
    log:
        f"{RESULTS}/logs/sense/{{task}}-p{{sparsity}}-psiren.selection/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sense/{{task}}-p{{sparsity}}-psiren.selection/seed{{seed}}.jsonl"
    params:
        command="sense selection",
        settings=lambda wildcards: to_json(SETTINGS.sense_part(wildcards.task, "selection")),
        code=code_fingerprint("aann.sense.selection"),
