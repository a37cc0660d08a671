# Stage families: walks from trained networks to networks of their family that share no connection with them. A walk is
# named by the network that it starts from, the result of a search or not, and by how it walks: mnist-p90-psiren.walk.
FAMILIES = f"{RESULTS}/families"
WALKED = f"{FAMILIES}/{START}{{searched}}.{{walk}}/seed{{seed}}"


rule walk:
    input:
        data=rules.split_dataset.output,
        network=lambda wildcards: (
            rules.search.output.network.format(**wildcards, search=wildcards.searched[1:])
            if wildcards.searched
            else STARTS[wildcards.origin].format(**wildcards)
        ),
    output:
        table=f"{WALKED}.parquet",
        network=f"{WALKED}.safetensors",
    log:
        f"{RESULTS}/logs/families/{START}{{searched}}.{{walk}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/families/{START}{{searched}}.{{walk}}/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(5000),
        runtime=growing(150),
        batch=1,
    params:
        settings=lambda wildcards: to_json(SETTINGS.walk(wildcards.task, wildcards.walk)),
        search=lambda wildcards: wildcards.searched[1:],
        code=code_fingerprint("aann.families.walks"),
    shell:
        "python -m aann families walk --task {wildcards.task} --walk {wildcards.walk}"
        " --sparsity {wildcards.sparsity} --origin {wildcards.origin} --search={params.search:q} --seed {wildcards.seed}"
        " --network {input.network:q} --data {input.data:q} --table {output.table:q} --output {output.network:q}"
        " --threads {threads} --settings {params.settings:q} 2> {log:q}"


rule compare:
    input:
        data=lambda wildcards: rules.split_dataset.output[0].format(task=asked(work.task_of_group, wildcards.group)),
        networks=lambda wildcards: filled(f"{RESULTS}/{{path}}.safetensors", work.members, wildcards.group),
    output:
        pairs=f"{FAMILIES}/{{group}}/pairs.csv",
        ensembles=f"{FAMILIES}/{{group}}/ensembles.csv",
    log:
        f"{RESULTS}/logs/families/{{group}}/compare.log",
    benchmark:
        f"{RESULTS}/benchmarks/families/{{group}}/compare.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        task=lambda wildcards: asked(work.task_of_group, wildcards.group),
        settings=lambda wildcards: to_json(asked(type(SETTINGS).group_part, wildcards.group)),
        code=code_fingerprint("aann.families.members"),
    shell:
        "python -m aann families compare --group {wildcards.group} --task {params.task} --data {input.data:q}"
        " --pairs {output.pairs:q} --ensembles {output.ensembles:q} {input.networks:q} --settings {params.settings:q}"
        " 2> {log:q}"


rule path:
    input:
        data=lambda wildcards: rules.split_dataset.output[0].format(task=asked(work.task_of_path, wildcards.path)),
        ends=lambda wildcards: filled(f"{RESULTS}/{{path}}.safetensors", work.ends, wildcards.path),
    output:
        f"{FAMILIES}/{{path}}/path.parquet",
    log:
        f"{RESULTS}/logs/families/{{path}}/path.log",
    benchmark:
        f"{RESULTS}/benchmarks/families/{{path}}/path.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        settings=lambda wildcards: to_json(asked(type(SETTINGS).path_part, wildcards.path)),
        code=code_fingerprint("aann.families.paths"),
    shell:
        "python -m aann families path --path {wildcards.path} --start {input.ends[0]:q} --end {input.ends[1]:q}"
        " --data {input.data:q} --output {output:q} --settings {params.settings:q} 2> {log:q}"


rule transfer:
    input:
        data=lambda wildcards: rules.split_dataset.output[0].format(
            task=asked(work.task_of_transfer, wildcards.transfer)
        ),
        networks=lambda wildcards: filled(
            f"{RESULTS}/{{path}}.safetensors", work.sources, wildcards.transfer, wildcards.seed
        ),
    output:
        f"{FAMILIES}/{{transfer}}/seed{{seed}}.csv",
    log:
        f"{RESULTS}/logs/families/{{transfer}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/families/{{transfer}}/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        batch=1,
    params:
        settings=lambda wildcards: to_json(asked(type(SETTINGS).transfer_part, wildcards.transfer)),
        code=code_fingerprint("aann.families.transfers"),
    shell:
        "python -m aann families transfer --transfer {wildcards.transfer} --seed {wildcards.seed} --data {input.data:q}"
        " --output {output:q} --threads {threads} {input.networks:q} --settings {params.settings:q} 2> {log:q}"
