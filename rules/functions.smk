# What jobs read and are told where it takes more than a pattern, by stage. Rules are in files of their own.
from functools import cache

from aann.claims.models import load as load_claims


def embedded_survey(wildcards, pattern):
    """Return a file of the survey whose neighbors are embedded."""
    rows = asked(work.embeddings, wildcards.task)
    return [path for row in rows if row["layer"] == wildcards.layer for path in expand(pattern, **row)]


def start_network(wildcards):
    """Return the network that a run starts from."""
    trained = wildcards.origin == "psiren"
    return (rules.network.output.network if trained else rules.random_start.output[0]).format(**wildcards)


def sense_settings(key):
    """Return a params function: what a job of this stage other than a search depends on, as JSON."""
    return lambda wildcards: to_json(SETTINGS.sense_part(wildcards.task, key))


def driving_settings(*keys):
    """Return a params function: what a job of this stage that needs these keys depends on, as JSON."""
    return lambda wildcards: to_json(SETTINGS.driving_part(wildcards.task, keys))


def driven_network(wildcards):
    """Return the network that is assessed: of p-SIREN, or where a run of SENSE starts or ends."""
    folder = "{task}/p{sparsity}" if wildcards.stage == "psiren" else "{task}-p{sparsity}{run}"
    return f"{RESULTS}/{{stage}}/{folder}/seed{{seed}}.safetensors".format(**wildcards)


def files_of_figure(name):
    """Return the files of a figure by their endings. Snakemake's report shows those that a browser shows."""
    entry = SETTINGS.figures[name]
    files = kinds.files(name, entry.kind)
    described = {
        ending: report(
            f"{RESULTS}/{path}",
            caption=f"../workflow/report/{entry.kind}.rst",
            category=entry.category,
            labels={
                "figure": label(name),
                "shows": ("the same, interactive" if ending == "html" else entry.shows),
            },
        )
        for ending, path in files.items()
        if ending not in ("pdf", "csv")
    }
    return {ending: described.get(ending, f"{RESULTS}/{path}") for ending, path in files.items()}


def refuse_figure(wildcards):
    """Raise an error that lists the figures there are."""
    known = ", ".join(map(target, FIGURES)) or "none, since 'figures' is empty"
    raise WorkflowError(f"unknown figure {wildcards.figure!r}; expected one of {known}")


@cache
def served_claims():
    """Return the claims; raise an error that names one whose tables or figure no rule makes.

    They are read when the target is asked for, since a study need not have what they are about. A workflow that imports
    this one may leave out rules.
    """
    try:
        claims = load_claims(CLAIMS_FILE)
    except InputError as error:
        raise WorkflowError(str(error))
    made = [output for rule in workflow.rules for output in rule.output]
    unserved = claims.unserved(lambda file: any(output.match(f"{RESULTS}/{file}") for output in made))
    for line in () if MODULE else unserved:
        raise WorkflowError(f"{CLAIMS_FILE}: {line}")
    return claims
