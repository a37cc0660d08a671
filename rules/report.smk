# Stage report: one page. It tells the paper's story from figures, tables and claims of this scale; that of a study of its
# own shows the data and the networks in place of claims.
from aann.report.contents import contents_of

CONTENTS = contents_of(SETTINGS)
OWN = SETTINGS.standalone
NOTEBOOK = beside(f"workflow/notebooks/{'study' if OWN else 'report'}.ipynb")
TEMPLATE = beside("workflow/notebooks/page.html.j2")


rule report_page:
    input:
        notebook=NOTEBOOK,
        template=TEMPLATE,
        results=[f"{RESULTS}/{path}" for path in CONTENTS.files],
    output:
        report(
            f"{RESULTS}/report/page.html",
            caption=f"../workflow/report/{'study' if OWN else 'page'}.rst",
            category="Report",
            labels={"figure": "all", "shows": "the study on one page" if OWN else "the paper's story on one page"},
        ),
    log:
        f"{RESULTS}/logs/report/page.log",
    benchmark:
        f"{RESULTS}/benchmarks/report/page.jsonl"
    localrule: True
    resources:
        mem_mb=growing(3000 if OWN else 1500),
        runtime=growing(10),
    params:
        content=[sha256(NOTEBOOK), sha256(TEMPLATE)],
        results=subpath(output[0], ancestor=2),
        contents=literal(CONTENTS.model_dump_json()),
        settings=literal(to_json(SETTINGS.part("claims", next(iter(SETTINGS.tasks))))),
        code=code_fingerprint("aann.report.notebook", "aann.report.page"),
    shell:
        "python -m aann report page --notebook {input.notebook:q} --template {input.template:q}"
        " --results {params.results:q} --output {output:q} --contents {params.contents:q}"
        " --settings {params.settings:q} 2> {log:q}"
