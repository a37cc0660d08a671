# Stage families: walks from trained networks to networks of their family that share no connection with them. A walk is
# named by the network that it starts from, the result of a search or not, and by how it walks: mnist-p90-psiren.walk.
FAMILIES = f"{RESULTS}/families"
WALKED = f"{FAMILIES}/{START}{{searched}}.{{walk}}/seed{{seed}}"


def start_of_walk(wildcards):
    """Return the network that a walk starts from."""
    if wildcards.searched:
        return rules.search.output.network.format(**wildcards, search=wildcards.searched[1:])
    return STARTS[wildcards.origin].format(**wildcards)


rule walk:
    input:
        data=rules.split_dataset.output,
        network=start_of_walk,
    output:
        table=f"{WALKED}.parquet",
        network=f"{WALKED}.safetensors",
    log:
        f"{RESULTS}/logs/families/{START}{{searched}}.{{walk}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/families/{START}{{searched}}.{{walk}}/seed{{seed}}.jsonl"
    resources:
        mem_mb=growing(5000),
        runtime=growing(100),
        batch=1,
    params:
        settings=lambda wildcards: to_json(SETTINGS.walk(wildcards.task, wildcards.walk)),
        search=lambda wildcards: wildcards.searched[1:],
        code=code_fingerprint("aann.families.walks"),
    shell:
        "python -m aann families walk --task {wildcards.task} --walk {wildcards.walk}"
        " --sparsity {wildcards.sparsity} --origin {wildcards.origin} --search {params.search:q} --seed {wildcards.seed}"
        " --network {input.network:q} --data {input.data:q} --table {output.table:q} --output {output.network:q}"
        " --threads {threads} --settings {params.settings:q} 2> {log:q}"
