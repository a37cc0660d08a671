# Stage datasets: fetch archives once for all scales, and split each task's images.


# One job a file: an archive that somebody put there is kept. Mirrors are no parameter, since every file is verified;
# rules/common.smk hands them on.
rule fetch_archive:
    output:
        f"{ARCHIVES}/{{dataset}}/{{archive}}",
    log:
        f"{RESULTS}/logs/datasets/{{dataset}}/{{archive}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/{{dataset}}/{{archive}}.jsonl"
    localrule: True
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        folder=subpath(output[0], parent=True),
    shell:
        "python -m aann datasets fetch {wildcards.dataset} {wildcards.archive}" " --folder {params.folder:q} 2> {log:q}"


rule split_dataset:
    input:
        lambda wildcards: sources.files(SETTINGS.dataset(wildcards.task), Path(ARCHIVES)),
    output:
        f"{RESULTS}/datasets/{{task}}.safetensors",
    log:
        f"{RESULTS}/logs/datasets/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/{{task}}.jsonl"
    wildcard_constraints:
        task=any_of(STATIC),
    localrule: True
    resources:
        mem_mb=lambda wildcards: SETTINGS.dataset(wildcards.task).memory_mb,
        runtime=growing(60),
    params:
        settings=stage_settings("datasets"),
        archives=ARCHIVES,
        content=lambda wildcards: folder_content(wildcards.task),
        code=lambda wildcards: code_fingerprint(sources.module_of(SETTINGS.dataset(wildcards.task))),
    shell:
        "python -m aann datasets split --task {wildcards.task} --archives {params.archives:q}"
        " --output {output:q} --settings {params.settings:q} 2> {log:q}"
