# Stage neighbors: exact accuracies of first neighbors, for each network and layer that the settings name.
NEIGHBORS = f"{RESULTS}/neighbors/{{task}}"
SURVEY = f"{NEIGHBORS}/p{{sparsity}}/seed{{seed}}/{{layer}}"


rule survey:
    input:
        data=rules.split_dataset.output,
        network=rules.network.output.network,
    output:
        neighbors=f"{SURVEY}.parquet",
        best=f"{SURVEY}.best.parquet",
        histogram=f"{SURVEY}.histogram.csv",
        summary=f"{SURVEY}.summary.csv",
    log:
        f"{RESULTS}/logs/neighbors/{{task}}/p{{sparsity}}/seed{{seed}}/{{layer}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/neighbors/{{task}}/p{{sparsity}}/seed{{seed}}/{{layer}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        batch=1,
    params:
        amount=lambda wildcards: asked(work.amount, wildcards.task, int(wildcards.seed), wildcards.layer),
        code=code_fingerprint("aann.neighbors"),
    shell:
        "python -m aann neighbors survey --task {wildcards.task} --network {input.network:q} --data {input.data:q}"
        " --layer {wildcards.layer} --amount {params.amount} --seed {wildcards.seed} --sparsity {wildcards.sparsity}"
        " --output {output.neighbors:q} --best {output.best:q} --histogram {output.histogram:q}"
        " --summary {output.summary:q} --threads {threads} 2> {log:q}"


use rule accuracies as surveys with:
    input:
        lambda wildcards: filled(rules.survey.output.summary, work.surveys, wildcards.task),
    output:
        f"{NEIGHBORS}/surveys.csv",
    log:
        f"{RESULTS}/logs/neighbors/{{task}}/surveys.log",
    benchmark:
        f"{RESULTS}/benchmarks/neighbors/{{task}}/surveys.jsonl"
    localrule: True
    params:
        command="neighbors summaries",
        code=code_fingerprint("aann.gathering"),
