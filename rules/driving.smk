# Stage driving: demonstrations in CarRacing, in rounds, and how well networks drive.
DRIVING = f"{RESULTS}/driving/{{task}}"
DEMONSTRATIONS = f"{DRIVING}/demonstrations/{{kind}}"
ASSESSED = f"{DRIVING}/{{stage}}/p{{sparsity}}{{run}}/seed{{seed}}"
FIRST = 1  # demonstrations and their drivers wait for one another, and a third of all work waits for them


DRIVERS = {
    "psiren": f"{RESULTS}/psiren/{{task}}/p{{sparsity}}/seed{{seed}}.safetensors",
    "sense": f"{RESULTS}/sense/{{task}}-p{{sparsity}}{{run}}/seed{{seed}}.safetensors",
}  # the networks that are assessed: of p-SIREN, or where a run of SENSE starts or ends


rule demonstrations:
    input:
        lambda wildcards: (
            expand(
                rules.driver.output,
                task=wildcards.task,
                round=wildcards.kind.removeprefix("round"),
            )
            if wildcards.kind.startswith("round")
            else []
        ),
    output:
        f"{DEMONSTRATIONS}.safetensors",
    log:
        f"{RESULTS}/logs/driving/{{task}}/demonstrations/{{kind}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/driving/{{task}}/demonstrations/{{kind}}.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    priority: FIRST
    threads: lambda wildcards: max(1, min(8, asked(work.tracks, wildcards.kind) // 40))
    resources:
        mem_mb=growing(1500, for_each_thread=800),
        runtime=growing(20),
        batch=1,
    params:
        driver=lambda wildcards, input: [f"--driver {quote(path)}" for path in input],
        number=lambda wildcards: asked(work.tracks, wildcards.kind),
        settings=lambda wildcards: to_json(
            SETTINGS.driving_part(wildcards.task, ("seed", "repeat", "steps", "every", "expert", "noise"))
        ),
        code=code_fingerprint("aann.driving.demonstrations"),
    shell:
        "python -m aann driving demonstrate --task {wildcards.task} --kind {wildcards.kind} --count {params.number}"
        " {params.driver} --output {output:q} --threads {threads} --settings {params.settings:q} 2> {log:q}"


rule driver:
    input:
        train=lambda wildcards: expand(
            rules.demonstrations.output,
            task=wildcards.task,
            kind=work.training_kinds(int(wildcards.round) - 1),
        ),
        validation=expand(rules.demonstrations.output, kind="validation", allow_missing=True),
    output:
        f"{DRIVING}/driver{{round}}.safetensors",
    log:
        f"{RESULTS}/logs/driving/{{task}}/driver{{round}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/driving/{{task}}/driver{{round}}.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    priority: FIRST
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        gpu=GPUS,
        batch=1,
    params:
        train=lambda wildcards, input: [f"--train {quote(path)}" for path in input.train],
        settings=lambda wildcards: to_json(
            SETTINGS.driving_part(wildcards.task, ("seed", "mirror", "psiren", "sparsity"))
        ),
        code=code_fingerprint("aann.driving.drivers"),
    shell:
        "python -m aann driving driver --task {wildcards.task} {params.train} --validation {input.validation:q}"
        " --output {output:q} --threads {threads} --settings {params.settings:q} 2> {log:q}"


rule split_demonstrations:
    input:
        train=recorded(*work.training_kinds(len(SETTINGS.driving.tracks.rounds))),
        validation=recorded("validation"),
        test=recorded("test"),
    output:
        f"{RESULTS}/datasets/{{task}}.safetensors",
    log:
        f"{RESULTS}/logs/datasets/{{task}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/datasets/{{task}}.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    priority: FIRST
    resources:
        mem_mb=growing(4000),
        runtime=growing(5),
        batch=1,
    params:
        train=lambda wildcards, input: [f"--train {quote(path)}" for path in input.train],
        settings=lambda wildcards: to_json(SETTINGS.driving_part(wildcards.task, ("seed", "mirror"))),
        code=code_fingerprint("aann.driving.demonstrations"),
    shell:
        "python -m aann driving split --task {wildcards.task} {params.train} --validation {input.validation:q}"
        " --test {input.test:q} --output {output:q} --settings {params.settings:q} 2> {log:q}"


rule expert:
    output:
        f"{DRIVING}/expert.csv",
    log:
        f"{RESULTS}/logs/driving/{{task}}/expert.log",
    benchmark:
        f"{RESULTS}/benchmarks/driving/{{task}}/expert.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    localrule: True
    resources:
        mem_mb=growing(1500),
        runtime=growing(5),
    params:
        number=SETTINGS.driving.tracks.returns,
        settings=lambda wildcards: to_json(SETTINGS.driving_part(wildcards.task, ("repeat", "steps", "expert"))),
        code=code_fingerprint("aann.driving.assessments"),
    shell:
        "python -m aann driving expert --count {params.number} --output {output:q} --threads {threads}"
        " --settings {params.settings:q} 2> {log:q}"


rule assess:
    input:
        network=lambda wildcards: DRIVERS[wildcards.stage].format(**wildcards),
        data=f"{RESULTS}/datasets/{{task}}.safetensors",
        expert=rules.expert.output,
    output:
        returns=f"{ASSESSED}.returns.csv",
        confusion=f"{ASSESSED}.confusion.csv",
    log:
        f"{RESULTS}/logs/driving/{{task}}/{{stage}}/p{{sparsity}}{{run}}/seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/driving/{{task}}/{{stage}}/p{{sparsity}}{{run}}/seed{{seed}}.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    resources:
        mem_mb=growing(3000),
        runtime=growing(15),
        batch=1,
    params:
        number=lambda wildcards: work.tracks_driven(SETTINGS, wildcards.stage, float(wildcards.sparsity)),
        origin=lambda wildcards: work.driver(wildcards.run)[0],
        search=lambda wildcards: [f"--search {name}" for name in [work.driver(wildcards.run)[1]] if name],
        settings=lambda wildcards: to_json(SETTINGS.driving_part(wildcards.task, ("repeat", "steps", "expert"))),
        code=code_fingerprint("aann.driving.assessments"),
    shell:
        "python -m aann driving assess --task {wildcards.task} --sparsity {wildcards.sparsity} --origin {params.origin}"
        " {params.search} --seed {wildcards.seed} --network {input.network:q} --data {input.data:q} --expert {input.expert:q}"
        " --count {params.number} --returns {output.returns:q} --confusion {output.confusion:q} --threads {threads}"
        " --settings {params.settings:q} 2> {log:q}"


use rule accuracies as returns with:
    input:
        lambda wildcards: filled(rules.assess.output.returns, work.assessments, wildcards.task),
    output:
        f"{DRIVING}/returns.csv",
    log:
        f"{RESULTS}/logs/driving/{{task}}/returns.log",
    benchmark:
        f"{RESULTS}/benchmarks/driving/{{task}}/returns.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    localrule: True
    params:
        command="driving returns",
        code=code_fingerprint("aann.gathering"),


use rule accuracies as confusions with:
    input:
        lambda wildcards: filled(rules.assess.output.confusion, work.assessments, wildcards.task),
    output:
        f"{DRIVING}/confusions.csv",
    log:
        f"{RESULTS}/logs/driving/{{task}}/confusions.log",
    benchmark:
        f"{RESULTS}/benchmarks/driving/{{task}}/confusions.jsonl"
    wildcard_constraints:
        task=any_of(DRIVEN),
    localrule: True
    params:
        command="driving confusions",
        code=code_fingerprint("aann.gathering"),
