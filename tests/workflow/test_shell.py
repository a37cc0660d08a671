"""No name from a configuration reaches a shell unquoted."""

import re
import shlex
from string import Formatter

import pytest
import yaml
from dry_runs import dry_run

from aann.settings.files import merge

ODD = """a b'"; touch touched; $(touch touched) `touch touched` & | > # \\ é"""
"""A folder; a name with a line break or with `{}` is refused."""

BRACES = "Digits {x} {y,z}"
"""A title. Snakemake takes words in braces for wildcards."""

NUMBERS_AND_NAMES = {
    "threads": r"\d+",
    "wildcards": r"[A-Za-z0-9._-]+",
    "params.amount": r"exhaustive|\d+",
    "params.number": r"\d+",
    "params.task": r"[a-z0-9_-]+",
    "params.name": r"[a-z0-9][a-z0-9_-]*",
    "params.origin": r"random|psiren",
    "params.command": r"[a-z]+ [a-z]+",
}
"""What a placeholder without `:q` may stand for, whatever the configuration."""

WORDS = {"driver", "train", "sparsities", "outputs", "search", "mirrors"}
"""Parameters that are lists of options, each with its values quoted one by one."""


@pytest.fixture(scope="module")
def jobs(fresh):
    """All jobs of a dry run with odd places and an odd title."""
    odd = {"results": f"results {ODD}", "downloads": {"folder": f"archives {ODD}"}}
    # The real MNIST, for jobs that fetch archives.
    fetching = {"tasks": {"mnist": {"dataset": "mnist"}}, "datasets": {"mnist": {"title": BRACES}}}
    small = yaml.safe_load((fresh.folder / "small.yaml").read_text())
    workflow = dry_run(fresh.folder, merge(merge(small, odd), fetching), "all_figures", "claims", "report_page")
    return [job for job in workflow.dag.jobs if job.shellcmd]


def placeholders(job):
    return [(name, form) for _, name, form, _ in Formatter().parse(job.rule.shellcmd) if name]


def plain(job, name):
    """Return the pattern of a placeholder that needs no quotes; None if it is no such placeholder."""
    return NUMBERS_AND_NAMES.get(name) or NUMBERS_AND_NAMES.get(name.split(".")[0])


def test_placeholders_are_quoted_or_numbers_and_names(jobs):
    rules = {job.rule.name: job for job in jobs}
    assert len(rules) >= 40
    for rule, job in rules.items():
        for name, form in placeholders(job):
            lists = name.removeprefix("params.") in WORDS
            assert form == "q" or plain(job, name) or lists, f"{rule}: {{{name}}} reaches the shell without :q"


def test_numbers_and_names_are_what_they_are_said_to_be(jobs):
    seen = set()
    for job in jobs:
        for name, form in placeholders(job):
            pattern = plain(job, name)
            if form != "q" and pattern:
                place, _, key = name.partition(".")
                value = job.threads if place == "threads" else getattr(getattr(job, place), key)
                assert re.fullmatch(pattern, str(value)), (job.rule.name, name, value)
                seen |= {place, name} & set(NUMBERS_AND_NAMES)
    assert seen == set(NUMBERS_AND_NAMES)


def test_every_command_is_one_command_whose_words_hold_odd_names_whole(jobs):
    options = re.compile(r"--?[a-z-]+|-")
    for job in jobs:
        parsed = shlex.shlex(job.shellcmd, posix=True, punctuation_chars=";&|<>()")
        parsed.whitespace_split, parsed.commenters = True, ""
        words = list(parsed)
        assert words[:3] == ["python", "-m", "aann"]
        operators = [word for word in words if word and set(word) <= set(";&|<>()")]
        assert operators == [">"], job.shellcmd
        odd = [word for word in words if "touch" in word]
        assert odd, job.shellcmd
        for word in odd:
            assert word.startswith(tuple(f"{place} {ODD}" for place in ("results", "archives"))), word
            assert not options.fullmatch(word)


def test_words_in_braces_reach_commands_as_they_are(jobs):
    rules = {job.rule.name for job in jobs if BRACES in job.shellcmd}
    assert {"figure_2a", "report_page"} <= rules


def test_a_build_in_an_odd_folder_runs_nothing_else(workflow_in, tmp_path):
    workflow = workflow_in(tmp_path / "copy")
    (workflow.folder / "odd.yaml").write_text(f"results: |-\n  results {ODD}\n", encoding="utf-8")
    result = workflow.snakemake("odd.yaml", "--", "figure_1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (workflow.folder / f"results {ODD}/small/figures/figure_1.png").is_file()
    assert not list(tmp_path.rglob("touched"))
