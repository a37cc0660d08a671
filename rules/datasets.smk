# Stage datasets: fetch archives once for all scales, and split each task's images.
localrules:
    fetch_dataset,


rule fetch_dataset:
    output:
        expand(
            "{folder}/{{dataset}}/{file}",
            folder=SETTINGS.datasets.folder,
            file=ARCHIVE_FILES,
        ),
    log:
        f"{RESULTS}/logs/datasets/fetch_{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/fetch_{{dataset}}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        settings=to_json(
            SETTINGS.model_dump(include={"scale", "networks", "tasks", "datasets"})
        ),
    shell:
        "python -m aann datasets fetch {wildcards.dataset} --settings {params.settings:q} 2> {log:q}"


rule split_dataset:
    input:
        lambda wildcards: archives_of(wildcards.task),
    output:
        f"{RESULTS}/datasets/{{task}}.safetensors",
    log:
        f"{RESULTS}/logs/datasets/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/{{task}}.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        settings=stage_settings("datasets"),
        code=code_fingerprint("aann.datasets.splits"),
    shell:
        "python -m aann datasets split --task {wildcards.task} --output {output:q}"
        " --settings {params.settings:q} 2> {log:q}"
