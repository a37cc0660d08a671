# Stage embeddings: first neighbors of the first seed's network in two dimensions, and how clustered they are.
EMBEDDED = f"{RESULTS}/embeddings/{{task}}/{{layer}}"


rule embed:
    input:
        neighbors=lambda wildcards: filled(
            rules.survey.output.neighbors, work.embedding, wildcards.task, wildcards.layer
        ),
        summary=lambda wildcards: filled(rules.survey.output.summary, work.embedding, wildcards.task, wildcards.layer),
    output:
        points=f"{EMBEDDED}.parquet",
        statistics=f"{EMBEDDED}.statistics.csv",
    log:
        f"{RESULTS}/logs/embeddings/{{task}}/{{layer}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/embeddings/{{task}}/{{layer}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        batch=1,
    params:
        settings=stage_settings("embeddings"),
        code=code_fingerprint("aann.embeddings"),
    shell:
        "python -m aann embeddings embed --task {wildcards.task} --layer {wildcards.layer}"
        " --neighbors {input.neighbors:q} --summary {input.summary:q} --points {output.points:q}"
        " --statistics {output.statistics:q} --settings {params.settings:q} 2> {log:q}"


use rule accuracies as clustering with:
    input:
        lambda wildcards: filled(rules.embed.output.statistics, work.embeddings, wildcards.task),
    output:
        f"{RESULTS}/embeddings/{{task}}/clustering.csv",
    log:
        f"{RESULTS}/logs/embeddings/{{task}}/clustering.log",
    benchmark:
        f"{RESULTS}/benchmarks/embeddings/{{task}}/clustering.jsonl"
    localrule: True
    params:
        command="embeddings clustering",
        code=code_fingerprint("aann.gathering"),
