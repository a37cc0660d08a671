"""Architecture agnostic neural networks: p-sparse ternary networks, their neighbors, and SENSE.

    import aann

    network = aann.load_network("release/psiren/mnist/p90/seed0.safetensors.gz")
    test = aann.load_data("mnist", "datasets")["test"]
    aann.evaluate(network, test.images, test.labels)  # an exact count

docs/python.md shows all of it. Nothing slow is imported before it is used.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aann import families
    from aann.api import (
        count_neighbors,
        evaluate,
        load_data,
        load_network,
        predict,
        random_network,
        search,
    )
    from aann.evaluation.incremental import IncrementalEvaluator as Evaluator

__version__ = "0.1.0"

__all__ = [
    "Evaluator",
    "count_neighbors",
    "evaluate",
    "families",
    "load_data",
    "load_network",
    "predict",
    "random_network",
    "search",
]

# Jobs of the workflow ask for it, and so do the processes that they start: all of these pass here.
if "AANN_END_WITH_PARENT" in os.environ:
    from aann.builds import safeguards

    safeguards.end_with_parent()


def __getattr__(name: str) -> Any:
    """Return what the package offers, from ``aann.api`` unless it is a class or a package of its own."""
    if name not in __all__:
        raise AttributeError(f"module 'aann' has no attribute {name!r}; it offers {', '.join(__all__)}")
    if name == "families":
        return import_module("aann.families")
    if name == "Evaluator":
        return import_module("aann.evaluation.incremental").IncrementalEvaluator
    return getattr(import_module("aann.api"), name)


def __dir__() -> list[str]:
    """Return what the package offers, and its modules that are loaded."""
    return sorted({*globals(), *__all__})
