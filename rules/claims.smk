# Stage claims: what the paper states, judged from the tables that config/claims.yaml names.
from functools import cache

from aann.claims.models import load, load_served

CLAIMS_FILE = beside("config/claims.yaml")

# Claims are read when the target is asked for, since a study need not have what they are about. A workflow that imports
# this one may leave out rules, so that only here an error names a claim whose tables or figure no rule makes.
is_made = lambda path: MODULE or any(
    output.match(f"{RESULTS}/{path}") for rule in workflow.rules for output in rule.output
)
if workflow.is_main_process and (SETTINGS.claims.without or SETTINGS.claims.without_figures):
    checked(lambda: load(CLAIMS_FILE).without(SETTINGS.claims))
served_claims = cache(lambda: checked(load_served, CLAIMS_FILE, is_made, SETTINGS.claims))


rule claims:
    input:
        claims=CLAIMS_FILE,
        tables=lambda wildcards: [f"{RESULTS}/{path}" for path in served_claims().tables],
        figures=lambda wildcards: [f"{RESULTS}/{path}" for path in served_claims().figures],
    output:
        json=f"{RESULTS}/claims/claims.json",
        markdown=f"{RESULTS}/claims/claims.md",
        html=report(
            f"{RESULTS}/claims/claims.html",
            caption="../workflow/report/claims.rst",
            category="Claims",
            labels={
                "figure": "all",
                "shows": "what the paper states, and what was measured",
            },
        ),
    log:
        f"{RESULTS}/logs/claims/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims/claims.jsonl"
    localrule: True
    resources:
        **SHORT,
    params:
        content=sha256(CLAIMS_FILE),
        results=subpath(output.json, ancestor=2),
        settings=literal(to_json(SETTINGS.part("claims", next(iter(SETTINGS.tasks))))),
        code=code_fingerprint("aann.claims.jobs"),
    shell:
        "python -m aann claims judge --claims {input.claims:q} --results {params.results:q} --output {output.json:q}"
        " --settings {params.settings:q} 2> {log:q}"
