"""Prose that readers see: plain words, and sentences that can be taken in at the first reading.

`python tests/test_prose.py KIND ...` lists what is found in the named kinds of text (all by default), exempt or not.
"""

import ast
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import nbformat
import pytest
import yaml

from aann.cli import main
from aann.settings.study import Settings

ROOT = Path(__file__).parent.parent
LONGEST = 35
"""Words in a sentence; code counts as one word."""
BANNED = {
    r"\bst(ands?|ood)\b(?!-| for| in for)": "say: is, are",
    r"\banew\b": "say: again",
    r"\bof late\b": "say: recently",
    r"\bof whom\b|\bwhom\b": "turn the sentence round",
    r"\bof which\b|\bfor that sees\b": "make two sentences",
    r"\bnobody asks\b|\bthat nobody\b|\bhears? of\b": "say who does what",
    r"\bas ever\b": "say: as before",
    r"\bfor ever\b": "say: forever",
    r"\bis no more\b": "say: has ended",
    r"\bbe had\b": "say: find, get",
    r"\breckon(s|ed)?\b": "say: compute",
    r"\bmend(s|ed)?\b": "say: fix",
    r"\bupon\b|\blest\b|\balbeit\b|\bthere(of|in|upon)\b|\bwhere(of|in|upon)\b|\bin lieu\b": "use a plain word",
    r"\bNor (is|are|do|does|can|has|have)\b|\bNot \w+ (is|are)\b|\bNeither (is|are|do|does)\b": "subject first",
}


class Passage(NamedTuple):
    """One paragraph, item, cell or caption, and the line of the file on which it begins."""

    path: str
    line: int
    text: str


# --- where prose is ---------------------------------------------------------------------------------------------------


def passages_of_markdown(path: str, text: str, first: int = 1) -> Iterator[Passage]:
    """Yield paragraphs, headings, items of lists and cells of tables; no blocks of code."""
    block, begin, fenced = [], first, False
    for number, line in enumerate([*text.splitlines(), ""], first):
        bare = line.strip()
        opens = re.match(r"(#+|[-*>]|\d+\.)\s+", bare)
        if bare.startswith(("```", "~~~")):
            fenced = not fenced
        if block and (fenced or not bare or opens or bare.startswith(("```", "|"))):
            yield Passage(path, begin, "\n".join(block))
            block = []
        if fenced or not bare or bare.startswith("```"):
            continue
        if bare.startswith("|"):
            if not re.fullmatch(r"[|:\s-]+", bare):
                yield from (Passage(path, number, cell) for cell in re.split(r"(?<!\\)\|", bare) if cell.strip())
            continue
        begin = begin if block else number
        block.append(bare[opens.end() :] if opens else bare)


MADE = ("numbers.md", "verdicts.md")
"""Pages that are made from results, by `make numbers` and `make gallery`."""


def documents() -> Iterator[Passage]:
    """Yield the prose of README, CONTRIBUTING and the pages that are written by hand."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "results/README.md"]
    for path in sorted(page for page in pages if page.name not in MADE):
        yield from passages_of_markdown(str(path.relative_to(ROOT)), path.read_text())


def captions() -> Iterator[Passage]:
    """Yield the captions of Snakemake's report."""
    for path in sorted(ROOT.glob("workflow/report/*.rst")):
        yield Passage(str(path.relative_to(ROOT)), 1, re.sub(r"\{\{.*?\}\}", "Title", path.read_text()))


def notebook() -> Iterator[Passage]:
    """Yield the words of the report page, those between computed numbers included."""
    for path in sorted(ROOT.glob("workflow/notebooks/*.ipynb")):
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
            place = f"{path.relative_to(ROOT)}, cell {number}"
            if cell.cell_type == "markdown":
                yield from passages_of_markdown(place, cell.source)
            else:
                for node, text in strings(ast.parse(cell.source)):
                    if " " in text:
                        yield from passages_of_markdown(place, text, node.lineno)


def claims() -> Iterator[Passage]:
    """Yield the statements of the claims, and their reasons."""
    path = "config/claims.yaml"
    for name, claim in yaml.safe_load((ROOT / path).read_text())["claims"].items():
        yield from (Passage(f"{path}, {name}", 1, claim[key]) for key in ("statement", "reason") if key in claim)


def commands() -> Iterator[Passage]:
    """Yield the help of every command, and of its options."""
    pending: list[tuple[str, click.Command]] = [("aann", main)]
    while pending:
        name, command = pending.pop()
        if isinstance(command, click.Group):
            context = click.Context(command)
            named = {key: command.get_command(context, key) for key in command.list_commands(context)}
            pending += [(f"{name} {key}", one) for key, one in named.items() if one]
        yield from passages_of_markdown(f"{name} --help", command.help or "")
        yield from (Passage(f"{name} --{one.name}", 1, one.help) for one in command.params if getattr(one, "help", ""))


def settings() -> Iterator[Passage]:
    """Yield the descriptions of all settings and of their sections."""
    schema = Settings.model_json_schema()
    for name, model in {"Settings": schema, **schema["$defs"]}.items():
        yield from passages_of_markdown(name, model.get("description", ""))
        for key, value in model.get("properties", {}).items():
            yield Passage(f"{name}.{key}", 1, value.get("description", ""))


def modules() -> Iterator[tuple[str, str]]:
    """Yield path and text of each module of the package."""
    for path in sorted(ROOT.glob("src/aann/**/*.py")):
        yield str(path.relative_to(ROOT)), path.read_text()


def docstrings() -> Iterator[Passage]:
    """Yield docstrings of modules, classes and functions, and those below constants."""
    for path, text in modules():
        for node in ast.walk(ast.parse(text)):
            constant = node.value if isinstance(node, ast.Expr) else None
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                bare = re.sub(r"^\s*>>>.*\n(.+\n?)*", "", constant.value, flags=re.MULTILINE)
                yield from passages_of_markdown(path, bare.replace("``", "`"), constant.lineno)


def messages() -> Iterator[Passage]:
    """Yield what errors say."""
    for path, text in modules():
        for raised in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Raise)):
            yield from (Passage(path, node.lineno, words) for node, words in strings(raised) if " " in words)


def comments() -> Iterator[Passage]:
    """Yield comments of modules and rules; lines that follow one another are one."""
    rules = [(str(path.relative_to(ROOT)), path.read_text()) for path in sorted(ROOT.glob("rules/*.smk"))]
    for path, text in [*modules(), *rules]:
        found: dict[int, str] = {}
        for token in tokenize.generate_tokens(iter(text.splitlines(keepends=True)).__next__):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("# ")
        for line in [line for line in found if line - 1 not in found]:
            following = range(line, line + next(more for more in range(len(found) + 1) if line + more not in found))
            yield Passage(path, line, "\n".join(found[number] for number in following))


def strings(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield the text in code, with one word for each computed part of it."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node, "".join(part.value if isinstance(part, ast.Constant) else "Value" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node, node.value


# --- what is wrong with it --------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Return text of the same length without code, addresses and marks of Markdown."""
    text = re.sub(r"(`+).*?\1", lambda found: "C" * len(found[0]), text, flags=re.DOTALL)
    text = re.sub(r"!?\[(.*?)\]\(.*?\)", lambda found: found[1].ljust(len(found[0])), text, flags=re.DOTALL)
    return text.replace("*", " ")


_END = r"[.!?][\"')]*\s+(?=[\"'(]*[A-Z0-9]|\([a-d]\)|[a-z_]+(?:, [a-z_]+)*: )"
"""The end of a sentence: another follows, or a point of a list, or a field of a tuple."""


def sentences(passage: Passage) -> Iterator[tuple[int, str]]:
    """Yield the sentences of a passage, each with the line on which it begins. Each field of a tuple begins one."""
    text = plain(passage.text)
    ends = [
        found.end()
        for found in re.finditer(r"[.!?][\"')]*\s+(?=[\"'(]*[A-Z0-9]|\([a-d]\)|[a-z_]+(?:, [a-z_]+)*: )", text)
    ]
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        yield passage.line + text.count("\n", 0, start), " ".join(text[start:end].split())


def offences(passage: Passage) -> Iterator[str]:
    """Yield a line for each sentence that is too long, and for each phrase that is not plain."""
    for line, sentence in sentences(passage):
        words = [word for word in sentence.split() if re.search(r"\w", word)]
        if len(words) > LONGEST:
            yield f"{passage.path}:{line}: {len(words)} words, make it two sentences: {sentence}"
        for pattern, advice in BANNED.items():
            if found := re.search(pattern, sentence):
                yield f"{passage.path}:{line}: {found[0]!r}, {advice}: {sentence}"


KINDS = {
    one.__name__: one
    for one in (documents, captions, notebook, claims, commands, settings, docstrings, messages, comments)
}


@pytest.mark.parametrize("kind", KINDS)
def test_prose_is_plain(kind):
    passages = list(KINDS[kind]())
    assert len(passages) > 10
    found = [line for passage in passages for line in offences(passage)]
    assert not found, "\n".join(found)


def test_what_is_not_plain_is_found_where_it_is():
    text = "# A page\n\nThis is fine, and `stands`\nis code. What it holds stands\nhere.\n\n| made anew |\n| --- |"
    found = [line for passage in passages_of_markdown("page.md", text) for line in offences(passage)]
    assert found == [
        "page.md:4: 'stands', say: is, are: What it holds stands here.",
        "page.md:7: 'anew', say: again: made anew",
    ]


@pytest.mark.parametrize(
    "text",
    ["a stand-in for data", "it stands for the paper", "![N0](stands.png)", "what is `of late`", "```\nanew\n```"],
)
def test_what_is_plain_passes(text):
    assert [line for passage in passages_of_markdown("page.md", text) for line in offences(passage)] == []


@pytest.mark.parametrize(("count", "wrong"), [(LONGEST, 0), (LONGEST + 1, 1)])
def test_long_sentences_are_found(count, wrong):
    text = f"Short before. {' '.join(['Word'] + (count - 2) * ['word'])} `code with words`. Short after."
    assert len(list(offences(Passage("page.md", 1, text)))) == wrong


def headings(text):
    """Return the anchors of a page of Markdown, as they are made from its headings."""
    found = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_links_lead_to_files_and_headings():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("config/*.md"), *ROOT.glob("results/*.md")]
    found = re.compile(r"(?:\]\(|src=\")([^)\"\s]+)[)\"]")
    links = [(page, link) for page in pages for link in found.findall(page.read_text())]
    wrong = []
    for page, link in links:
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in headings(target.read_text()))):
            wrong.append(f"{page.relative_to(ROOT)}: {link}")
    assert len(links) > 100
    assert not wrong, "\n".join(wrong)


def test_the_index_names_every_page():
    index = (ROOT / "docs/README.md").read_text()
    pages = {page.name for page in ROOT.glob("docs/*.md")} - {"README.md"}
    assert sorted(name for name in pages if index.count(f"]({name})") != 1) == []
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", index, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_page_says_at_its_start_what_it_answers():
    others = (ROOT / name for name in ("CONTRIBUTING.md", "config/README.md", "results/README.md"))
    answers = re.compile(r"# .+\n\nThis page answers: [^?]+\?")
    assert [page.name for page in [*ROOT.glob("docs/*.md"), *others] if not answers.match(page.read_text())] == []


def test_the_readme_is_three_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


if __name__ == "__main__":
    for chosen in sys.argv[1:] or KINDS:
        listed = [line for passage in KINDS[chosen]() for line in offences(passage)]
        print(*listed, f"{chosen}: {len(listed)}", sep="\n")
