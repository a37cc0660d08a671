"""What a result came from: inputs and their hashes, settings, seeds, code and versions. Never times or machine paths.

By the code fingerprint, the workflow runs a stage again when its code changes. It is a hash of the syntax trees of the
stage's module and of all that this module imports from this package, directly or not. Comments and docstrings do not
count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from aann import __version__, checkout
from aann.artifacts import require_intact, sha256

_PACKAGE = Path(__file__).parents[1]
_RECORDED = (
    ("numpy",),
    ("numba",),
    ("llvmlite",),
    ("scipy",),
    ("torch",),
    ("torchvision",),
    ("gymnasium",),
    ("box2d", "box2d-py", "box2d-kengz", "pybox2d"),
    ("pygame-ce", "pygame"),
    ("scikit-learn",),
    ("matplotlib",),
    ("pandas",),
    ("pillow",),
)
"""What results depend on. Names in one row are distributions of the same package; one of them is installed."""
NO_RESULT_DEPENDS_ON = {
    "aann.__main__": "it only calls the command",
    "aann.addresses": "what is downloaded is verified",
    "aann.builds": "builds run jobs and decide nothing in them",
    "aann.checkout": "it only finds files, whose contents are tracked",
    "aann.cli": "it only finds the command",
    "aann.commands": "commands decide nothing; each calls one function of its stage",
    "aann.errors": "messages are no results",
    "aann.extras": "messages are no results",
    "aann.lineage": "records say what a result came from, and change no result",
    "aann.settings": "settings reach a stage as values, which are tracked themselves",
}
"""Modules that no fingerprint covers, and why. A package means all its modules."""


def describe(
    module: str, inputs: Iterable[Path | str], settings: Mapping[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    """Return the provenance of a result that ``module`` (such as ``aann.psiren``) made.

    ``inputs`` are files, recorded by SHA-256 under what ``recorded_paths`` returns. ``values`` are what else the result
    depends on, such as a seed. Raises ``InputError`` if an input is missing or is not what its seal says.
    """
    paths = list(map(Path, inputs))
    return {
        "module": module,
        "code": code_fingerprint(module),
        "inputs": {name: sha256(require_intact(path)) for name, path in zip(recorded_paths(paths), paths, strict=True)},
        "settings": dict(settings or {}),
        **values,
        "versions": versions(),
    }


def recorded_paths(paths: Sequence[Path]) -> list[str]:
    """Return the paths under which provenance names the inputs of one result.

    An absolute path is shortened: to the path below the checkout for its own files. Others keep their last parts, one
    if that tells them apart, so that it does not matter where results are.
    """
    names: list[str] = []
    for parts in range(1, 1 + max((len(path.parts) for path in paths), default=0)):
        names = [_shortened(path, parts) for path in paths]
        if len(set(names)) == len(set(paths)):
            break
    return names


def _shortened(path: Path, parts: int) -> str:
    place = checkout.within(path) or (Path(*path.parts[-parts:]) if path.is_absolute() else path)
    return Path(place).as_posix()


def versions() -> dict[str, str]:
    """Return the versions of Python, of this code and of the packages that results depend on, by name.

    A package that is not installed has the version ``unknown``, since not every result needs every package.
    """
    return {"python": platform.python_version(), "aann": __version__, **dict(map(_version, _RECORDED))}


def _version(names: tuple[str, ...]) -> tuple[str, str]:
    """Return the first of these distributions that is installed, and its version."""
    for name in names:
        try:
            return name, importlib.metadata.version(name) or "unknown"
        except (importlib.metadata.PackageNotFoundError, KeyError):  # KeyError: metadata without a version
            continue
    return names[0], "unknown"


def code_fingerprint(*modules: str) -> str:
    """Return a hash of the code of modules and of all that they import from this package."""
    digest = hashlib.sha256()
    for name in sorted(covered(modules)):
        digest.update(f"{name}\n{_read(name).code}\n".encode())
    return digest.hexdigest()[:16]


def covered(modules: Iterable[str]) -> set[str]:
    """Return what a fingerprint of ``modules`` covers: these, and all modules that they import from this package."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached and not _left_out(name):
            reached.add(name)
            waiting.extend([name.rpartition(".")[0], *_read(name).imports])
    return reached


def _left_out(module: str) -> bool:
    return module == "aann" or ".".join(module.split(".")[:2]) in NO_RESULT_DEPENDS_ON


class _Module(NamedTuple):
    """The modules of this package that a module imports, and its code as it is hashed."""

    imports: list[str]
    code: str


@cache
def _read(name: str) -> _Module:
    """Return what a fingerprint needs of a module, whose file is parsed once."""
    tree = ast.parse(_file(name).read_text(encoding="utf-8"))
    return _Module(_imports(tree), _code(tree))


def _statements(tree: ast.Module) -> Iterator[Any]:
    """Yield a module and all statements in it, without the expressions in these, which are ten times as many."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not _is_for_types_alone(node):
            for part in ("body", "orelse", "handlers", "finalbody", "cases"):
                waiting.extend(getattr(node, part, ()))


def _is_for_types_alone(node: Any) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imports(tree: ast.Module) -> list[str]:
    """Return the modules of this package that are imported anywhere in a module when it runs."""
    found = []
    for node in _statements(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "aann":
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [node.module, *(module for module in submodules if _exists(module))]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] == "aann"]
    return found


def _file(name: str) -> Path:
    path = _PACKAGE.parent.joinpath(*name.split("."))
    module = path.with_suffix(".py")  # a folder of its name may hold what it reads
    return module if module.is_file() or not path.is_dir() else path / "__init__.py"


def _exists(name: str) -> bool:
    return _file(name).is_file()


def _code(tree: ast.Module) -> str:
    """Return code in a form that no layout, comment, docstring or string below a constant changes; prunes the tree."""
    for node in _statements(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(statement: ast.stmt) -> bool:
    """Return whether a statement is a string alone: a docstring, or one below a constant."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
