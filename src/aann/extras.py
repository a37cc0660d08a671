"""What the library does without, and which extra of this package installs it (pyproject.toml)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aann.errors import InputError

EXTRAS = {
    "workflow": (
        "jupyter_client",
        "matplotlib",
        "nbclient",
        "nbconvert",
        "networkx",
        "papermill",
        "plotly",
        "pyarrow",
        "sklearn",
        "snakemake",
        "threadpoolctl",
        "torch",
        "torchvision",
        "traitlets",
    ),
    "driving": ("Box2D", "av", "gymnasium", "pygame"),
    "export": ("onnx",),
}
"""Modules by the extra that installs them. All others that are imported here come with the library."""


@contextmanager
def named() -> Iterator[None]:
    """Raise ``InputError`` with the name of the extra if an import in the block finds that its package is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        for extra, modules in EXTRAS.items():
            if missing in modules:
                raise InputError(
                    f"{missing}: is not installed, and this needs it; install it with what belongs to it: "
                    f"pip install 'aann[{extra}]'"
                ) from error
        raise
