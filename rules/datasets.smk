# Stage datasets: fetch archives once for all scales, and split each task's images.
from aann.datasets.archives import DATASETS as DOWNLOADED, FILES as ARCHIVE_FILES


localrules:
    fetch_dataset,


rule fetch_dataset:
    output:
        expand("{folder}/{{dataset}}/{file}", folder=ARCHIVES, file=ARCHIVE_FILES),
    params:
        settings=to_json(SETTINGS.model_dump(include={"scale", "networks", "tasks", "datasets"})),
    log:
        f"{RESULTS}/logs/datasets/fetch_{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/fetch_{{dataset}}.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    shell:
        "python -m aann datasets fetch {wildcards.dataset} --settings {params.settings:q} 2> {log}"


def archives_of(wildcards):
    dataset = SETTINGS.task(wildcards.task).dataset
    return expand(rules.fetch_dataset.output, dataset=dataset) if dataset in DOWNLOADED else []


rule split_dataset:
    input:
        archives_of,
    output:
        f"{RESULTS}/datasets/{{task}}.safetensors",
    params:
        settings=stage_settings("datasets"),
        code=code_fingerprint("aann.datasets.splits"),
    log:
        f"{RESULTS}/logs/datasets/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/{{task}}.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    shell:
        "python -m aann datasets split --task {wildcards.task} --output {output}"
        " --settings {params.settings:q} 2> {log}"
