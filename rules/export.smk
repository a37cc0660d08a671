# Stage export: networks as files that others run. The setting `export` says which, and in which formats.
EXPORT = f"{RESULTS}/export/{{task}}/p{{sparsity}}/seed{{seed}}"
C_FILES = [beside(f"src/aann/export/c/{name}") for name in ("aann.c", "main.c")]
EXPORTED = {
    "packed": f"{EXPORT}.aann",
    "onnx": f"{EXPORT}.onnx",
    "c": [f"{EXPORT}.c/{name}" for name in ("network.h", "test_vector.h", "aann.c", "main.c")],
    "page": f"{EXPORT}.html",
}
PAGE_FILES = [beside(f"src/aann/export/page/{name}") for name in ("engine.js", "explorer.js", "explorer.html")]


rule export_packed:
    input:
        rules.network.output.network,
    output:
        EXPORTED["packed"],
    log:
        f"{RESULTS}/logs/export/{{task}}/p{{sparsity}}/seed{{seed}}.packed.log",
    benchmark:
        f"{RESULTS}/benchmarks/export/{{task}}/p{{sparsity}}/seed{{seed}}.packed.jsonl"
    localrule: True
    resources:
        **SHORT,
    params:
        form="packed",
        output=lambda wildcards, output: output[0],
        code=code_fingerprint("aann.export.formats"),
    shell:
        "python -m aann export {input:q} --format {params.form} --output {params.output:q} 2> {log:q}"


use rule export_packed as export_onnx with:
    output:
        EXPORTED["onnx"],
    log:
        f"{RESULTS}/logs/export/{{task}}/p{{sparsity}}/seed{{seed}}.onnx.log",
    benchmark:
        f"{RESULTS}/benchmarks/export/{{task}}/p{{sparsity}}/seed{{seed}}.onnx.jsonl"
    params:
        form="onnx",
        output=lambda wildcards, output: output[0],
        code=code_fingerprint("aann.export.formats"),


use rule export_packed as export_c with:
    output:
        EXPORTED["c"],
    log:
        f"{RESULTS}/logs/export/{{task}}/p{{sparsity}}/seed{{seed}}.c.log",
    benchmark:
        f"{RESULTS}/benchmarks/export/{{task}}/p{{sparsity}}/seed{{seed}}.c.jsonl"
    params:
        form="c",
        output=subpath(output[0], parent=True),
        content=[sha256(path) for path in C_FILES],
        code=code_fingerprint("aann.export.formats"),


rule export_page:
    input:
        data=rules.split_dataset.output,
        network=rules.network.output.network,
    output:
        EXPORTED["page"],
    log:
        f"{RESULTS}/logs/export/{{task}}/p{{sparsity}}/seed{{seed}}.page.log",
    benchmark:
        f"{RESULTS}/benchmarks/export/{{task}}/p{{sparsity}}/seed{{seed}}.page.jsonl"
    localrule: True
    resources:
        **SHORT,
    params:
        content=[sha256(path) for path in PAGE_FILES],
        code=code_fingerprint("aann.export.formats"),
    shell:
        "python -m aann export {input.network:q} --format page --data {input.data:q} --output {output:q} 2> {log:q}"


# Asked when a target is, since a study need not export anything.
exported = lambda forms: [
    path for form in asked(work.formats_of, forms) for path in filled(EXPORTED[form], work.exports, form)
]


rule explorer:
    input:
        lambda wildcards: exported(["page"]),
    localrule: True


# Files are named by their pattern, since a workflow that imports this one may take some of its rules.
rule export:
    input:
        lambda wildcards: exported(EXPORTED),
    localrule: True
