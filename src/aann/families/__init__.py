"""Families: networks of equal counts of -1, 0 and +1 (paper, section 3.2), and how far apart they can be.

    aann.families.walk(network, data)        # to a network that shares no connection with it
    aann.families.transfer(networks, data)   # how many images of another task they get right

    aann.families.hamming(first, second)     # how many weights differ, by layer
    aann.families.matched(first, second)     # the second, with its units in the order that is nearest to the first

docs/families.md shows what was found. Nothing slow is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aann.families.distances import hamming, matched
    from aann.families.transfers import transfer
    from aann.families.walks import walk

__all__ = ["hamming", "matched", "transfer", "walk"]

_MODULES = {"hamming": "distances", "matched": "distances", "transfer": "transfers", "walk": "walks"}


def __getattr__(name: str) -> Any:
    """Return what the stage offers, from its modules."""
    if name not in _MODULES:
        raise AttributeError(f"module 'aann.families' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f"aann.families.{_MODULES[name]}"), name)
