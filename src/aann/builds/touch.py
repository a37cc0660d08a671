"""Making copied results fresh, if their seals and records prove that a build would make the same again.

Copies get the time of copying, in any order, so Snakemake takes some files for older than their inputs. A copy also
lacks Snakemake's records (`.snakemake`), without which Snakemake notices no change of settings or code.

A job is proven if each of its outputs is what its seal says, and if its record names the inputs, the settings and the
code of today. All jobs that it waits for must be proven, too. Snakemake then touches the outputs of proven jobs in
order, and writes its records. Outputs of other jobs are named, and the next build makes them again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aann.artifacts import is_sealed, require_intact, seal_of, sha256
from aann.datasets import archives
from aann.errors import InputError
from aann.lineage import provenance, records
from aann.settings.files import read_yaml

FIGURES = "all_figures"
_OTHERS = {"claims": "claims/claims.json", "report_page": "report/page.html"}
"""Other targets, which not every study has, and a file of each."""
_UNREAD = {"beside", "figures"}
"""Names, in rules, of inputs that must exist but that the job does not read, so that no record names them."""
_CALLED_OTHERWISE = {"count": "number"}
"""Names in records that differ from those of the rule's parameters."""
_DEVICE = "device"
"""A setting that records have only where it is not its default."""
_TOUCHED = "nothing was touched"


@dataclass(frozen=True)
class Job:
    """A job as it would run today: its files, its settings, and other values such as those of its wildcards.

    ``settings`` are those of the stage, or how a figure looks, and None for a job that gets none. ``archive_of`` is the
    data set whose archive it fetches. ``changed`` says that the rule has changed, by Snakemake's records. ``earlier``
    are the numbers of the jobs that it waits for.
    """

    rule: str
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    settings: Mapping[str, Any] | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    archive_of: str | None = None
    changed: bool = False
    earlier: frozenset[int] = frozenset()

    @property
    def is_there(self) -> bool:
        """Whether all its outputs exist."""
        return all(path.is_file() for path in self.outputs)


@dataclass(frozen=True)
class Verdict:
    """The numbers of proven jobs, and a line on each job with doubts, by number, that says why it is not proven."""

    proven: frozenset[int]
    doubts: Mapping[int, str]


def verify(jobs: Iterable[Job], folder: Path) -> int:
    """Return how many files under the folder of a scale are what their seals say.

    Raises ``InputError`` with the name of the first file that is not what its seal says, or of the first result of
    ``jobs`` that has no seal.
    """
    made = [job for job in jobs if not job.archive_of]
    bare = [path for job in made for path in job.outputs if path.is_file() and not is_sealed(path)]
    if bare:
        raise InputError(
            f"{bare[0]}: has no seal ({seal_of(bare[0]).name}; {_number(bare, 'file')} without one); copy hidden "
            f"files too, or delete files without a seal, so that they are made again; {_TOUCHED}"
        )
    sealed = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_sealed(path)]
    for path in sealed:
        try:
            require_intact(path)
        except InputError as error:
            raise InputError(f"{error}; {_TOUCHED}") from error
    return len(sealed)


def judge(jobs: Mapping[int, Job]) -> Verdict:
    """Return which jobs are proven. Raises ``InputError`` if an archive or a record is damaged."""
    fetched = _verified_archives(jobs.values())
    doubts = {number: line for number, job in jobs.items() if job.is_there for line in _doubts(job, fetched)[:1]}
    proven = {number for number, job in jobs.items() if job.is_there and number not in doubts}
    while unproven := {number for number in proven if not jobs[number].earlier <= proven}:
        proven -= unproven
    return Verdict(frozenset(proven), doubts)


def _verified_archives(jobs: Iterable[Job]) -> set[Path]:
    """Return the archives of all complete data sets; raise ``InputError`` if one does not have its MD5 sum."""
    fetching: dict[str, set[Path]] = {}
    for job in jobs:
        if job.archive_of and job.is_there:
            fetching.setdefault(job.archive_of, set()).update(job.outputs)
    complete = {dataset: paths for dataset, paths in fetching.items() if len(paths) == len(archives.FILES)}
    for dataset, paths in complete.items():
        try:
            archives.load(dataset, min(paths).parent)
        except InputError as error:
            raise InputError(f"{error}; {_TOUCHED}") from error
    return set().union(*complete.values())


def _doubts(job: Job, fetched: set[Path]) -> list[str]:
    """Return why a job is not proven, a line for each reason; none if it is."""
    if job.archive_of:
        return [] if fetched >= {*job.outputs} else [f"{job.outputs[0]}: is not verified without the other archives"]
    if job.changed:
        return [f"{job.outputs[0]}: rule {job.rule!r} has changed since it was made, by Snakemake's records"]
    return [f"{path}: {reason}" for path in job.outputs for reason in _reasons(path, job)]


def _reasons(path: Path, job: Job) -> Iterator[str]:
    record = records.find(path)
    if record is None:
        yield "does not say what it came from"
        return
    recorded = record.provenance
    if record.sha256 not in (None, sha256(path)):
        yield f"was changed after it was made, as {record.source} shows"
    yield from _other_inputs(recorded.get("inputs", {}), job.inputs)
    yield from _other_settings(recorded.get("settings", {}), job.settings)
    for name in sorted(recorded.keys() - {"module", "code"}):
        value, today = recorded[name], job.values.get(_CALLED_OTHERWISE.get(name, name))
        if _is_plain(value) and _is_plain(today) and not _is_same(value, today):
            yield f"was made with {name} {value}, which is {today} today"
    module = recorded.get("module", "")
    if recorded.get("code") != _fingerprint(module):
        yield f"was made by other code of {module or 'an unknown module'}"


def _other_inputs(recorded: Mapping[str, str], inputs: Sequence[Path]) -> Iterator[str]:
    """Yield how today's inputs differ from the recorded ones, by name and hash; folders do not count."""
    absent = [path for path in inputs if not path.is_file()]
    if absent:
        yield f"was made from {absent[0]}, which is not there"
        return
    names = provenance.recorded_paths(inputs)
    today = {name: sha256(path) for name, path in zip(names, inputs, strict=True)}
    if today == recorded:
        return
    changed = [name for name, digest in today.items() if recorded.get(name, digest) != digest]
    if changed:
        yield f"was made from another {changed[0]}"
    elif _names(today) != _names(recorded) or len(today) < len(inputs):
        yield "today, it would be made from other files"


def _names(inputs: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((Path(name).name, digest) for name, digest in inputs.items())


def _other_settings(recorded: Mapping[str, Any], today: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield the first setting that differs from the record. A record has whole sections, those that matter."""
    if today is None:
        return
    sections = [*recorded, *({_DEVICE} & today.keys() - recorded.keys())]
    found = (_difference(name, recorded.get(name), today.get(name)) for name in sections)
    different = next(filter(None, found), None)
    if different:
        yield f"was made with another setting {different!r}"


def _difference(name: str, recorded: Any, today: Any) -> str | None:
    """Return the name of a setting that differs from the record; None if there is none."""
    if not isinstance(recorded, dict) or not isinstance(today, dict):
        return None if recorded == today else name
    keys = dict.fromkeys((*recorded, *today))
    return next(filter(None, (_difference(f"{name}.{key}", recorded.get(key), today.get(key)) for key in keys)), None)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is_same(one: Any, other: Any) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return str(one) == str(other)


def _fingerprint(module: str) -> str | None:
    """Return the fingerprint of a module of this package today; None if there is no such module."""
    try:
        return provenance.code_fingerprint(module)
    except OSError:
        return None


def _number(items: Sequence[Any], kind: str) -> str:
    return f"{len(items)} {kind}{'s' if len(items) > 1 else ''}"


# --- with Snakemake ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Touched:
    """What ``touch`` did: the results, how many files are intact, how many jobs there are and are fresh, and doubts."""

    results: Path
    files: int
    jobs: int
    fresh: int
    doubts: list[str]


def touch(configfiles: Sequence[Path], snakefile: Path = Path("Snakefile")) -> Touched:
    """Make results fresh by the settings of the workflow, with ``configfiles`` laid over them.

    Files that are not proven are marked as incomplete in Snakemake's records, so that they are made again. Raises
    ``InputError`` if a file of settings cannot be read, if a result is damaged or has no seal, or if the workflow
    itself fails; then nothing is touched.
    """
    if not snakefile.is_file():
        raise InputError(f"{snakefile}: there is no such file; run this in the folder of the workflow")
    for path in configfiles:
        read_yaml(path)
    workflow = _run(snakefile, configfiles, "dryrun", [FIGURES])
    results = Path(workflow.globals["RESULTS"])
    others = [target for target, path in _OTHERS.items() if (results / path).exists()]
    if others:
        workflow = _run(snakefile, configfiles, "dryrun", [FIGURES, *others])
    numbered = {job.jobid: job for job in workflow.dag.jobs if job.output}
    jobs = {number: _job(job, workflow) for number, job in numbered.items()}
    files = verify(jobs.values(), results)
    verdict = judge(jobs)
    outputs = [str(path) for number in sorted(verdict.proven) for path in jobs[number].outputs]
    if outputs:
        _run(snakefile, configfiles, "touch", outputs)
    for number in verdict.doubts:
        workflow.persistence.started(numbered[number])
    there = sum(job.is_there for job in jobs.values())
    return Touched(results, files, there, len(verdict.proven), list(verdict.doubts.values()))


def _run(snakefile: Path, configfiles: Sequence[Path], executor: str, targets: Sequence[str]) -> Any:
    """Return the workflow after Snakemake's `dryrun` or `touch` (``executor``) of targets and all before them."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        ExecutionSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )
    from snakemake_interface_common.exceptions import ApiError, WorkflowError

    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, enable_file_logging=False)) as api:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=list(configfiles)),
                snakefile=snakefile,
            )
            dag = workflow.dag(DAGSettings(targets=set(targets), forceall=executor == "touch", force_incomplete=True))
            dag.execute_workflow(executor=executor, execution_settings=ExecutionSettings(lock=False))
            return workflow._workflow
    except (ApiError, WorkflowError) as error:
        raise InputError(" ".join(str(error).split())) from error


def _job(job: Any, workflow: Any) -> Job:
    """Return the ``Job`` that a job of Snakemake is."""
    unread = Counter(path for name, paths in job.input.items() if name in _UNREAD for path in _listed(paths))
    read = [path for path, times in Counter(job.input).items() if times > unread[path]]
    settings = job.params.get("settings")
    records_of = workflow.persistence
    changed = records_of.params_changed(job) or any(records_of.code_changed(job)) or any(records_of.input_changed(job))
    return Job(
        job.rule.name,
        tuple(map(Path, read)),
        tuple(Path(path) for path in job.output),
        job.params.get("options") if settings is None else json.loads(settings),
        {**dict(job.params.items()), **job.wildcards_dict},
        job.wildcards_dict["dataset"] if job.rule.name == "fetch_archive" else None,
        bool(changed),
        frozenset(other.jobid for other in workflow.dag.dependencies[job]),
    )


def _listed(paths: Any) -> list[str]:
    """Return the paths that a name of a rule's inputs stands for: one or several."""
    return [paths] if isinstance(paths, str) else list(paths)
