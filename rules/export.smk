# Stage export: networks as files that others run. The setting `export` says which, and in which formats.
EXPORT = f"{RESULTS}/export/{{task}}/p{{sparsity}}/seed{{seed}}"
FORMATS = {
    "packed": [f"{EXPORT}.aann"],
    "c": [f"{EXPORT}.c/{name}" for name in ("network.h", "test_vector.h", "aann.c", "main.c")],
    "onnx": [f"{EXPORT}.onnx"],
}
PAGE_FILES = [beside(f"src/aann/export/page/{name}") for name in ("engine.js", "explorer.js", "explorer.html")]
C_FILES = [beside(f"src/aann/export/c/{name}") for name in ("aann.c", "main.c")]


def export_output(form):
    """Return a params function: the file that a format is, or the folder."""
    return lambda wildcards, output: os.path.dirname(output[0]) if form == "c" else output[0]


for FORMAT, FILES in FORMATS.items():

    rule:
        name:
            f"export_{FORMAT}"
        input:
            rules.network.output.network,
        output:
            FILES,
        log:
            f"{RESULTS}/logs/export/{{task}}/p{{sparsity}}/seed{{seed}}.{FORMAT}.log",
        benchmark:
            f"{RESULTS}/benchmarks/export/{{task}}/p{{sparsity}}/seed{{seed}}.{FORMAT}.jsonl"
        localrule: True
        resources:
            **SHORT,
        params:
            form=FORMAT,
            output=export_output(FORMAT),
            code=code_fingerprint("aann.export.formats"),
            content=[sha256(path) for path in C_FILES],
        shell:
            "python -m aann export {input:q} --format {params.form} --output {params.output:q} 2> {log:q}"


rule export_page:
    input:
        data=rules.split_dataset.output,
        network=rules.network.output.network,
    output:
        f"{EXPORT}.html",
    log:
        f"{RESULTS}/logs/export/{{task}}/p{{sparsity}}/seed{{seed}}.page.log",
    benchmark:
        f"{RESULTS}/benchmarks/export/{{task}}/p{{sparsity}}/seed{{seed}}.page.jsonl"
    localrule: True
    resources:
        **SHORT,
    params:
        code=code_fingerprint("aann.export.formats"),
        content=[sha256(path) for path in PAGE_FILES],
    shell:
        "python -m aann export {input.network:q} --format page --data {input.data:q} --output {output:q} 2> {log:q}"


rule explorer:
    input:
        filled(rules.export_page.output, work.exports, "page"),
    localrule: True


rule export:
    input:
        [path for form, files in FORMATS.items() for file in files for path in filled(file, work.exports, form)],
        rules.explorer.input,
    localrule: True
