"""Networks of one task side by side: where they differ, what they get wrong together, and what they know together.

The terms are those of the literature on Rashomon sets: the *disagreement* of two networks is the number of images that
they put into different classes. The *ambiguity* of several is the number on which not all agree, and their
*discrepancy* is the largest disagreement of two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from aann.artifacts import write_table
from aann.datasets.splits import Images, load
from aann.errors import InputError
from aann.evaluation.reference import logits
from aann.families.distances import hamming, matched, require_alike
from aann.families.disturbances import disturbed
from aann.families.ensembles import factor, votes
from aann.lineage import provenance, records
from aann.networks import Architecture, TernaryNetwork
from aann.settings.families import ONE, GroupSettings
from aann.settings.study import Settings
from aann.settings.work import members
from aann.tables import ENSEMBLE, PAIR

_WHOLE = ""
"""The name of test images that are not disturbed."""


@dataclass
class Member:
    """A network of a set, its classes for each way of disturbing test images, and what its votes are made of."""

    keys: Mapping[str, Any]
    network: TernaryNetwork
    logits: Mapping[str, np.ndarray]
    factor: int

    @property
    def classes(self) -> np.ndarray:
        """The class of each test image."""
        return votes([self.logits[_WHOLE]], [1])


class Group:
    """Networks by set, on validation images and on test images as they are and disturbed.

    ``rows`` say what each network is (``work.members``), and are in the order of ``networks``. A network that is in
    several sets has a row of the same path in each.

    Raises ``InputError`` for networks of other architectures, and images that do not fit them.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        networks: Sequence[TernaryNetwork],
        splits: Mapping[str, Images],
        settings: GroupSettings,
    ) -> None:
        for network in networks[1:]:
            require_alike(networks[0], network)
        self._sizes, self._compared = dict(sorted(settings.sizes.items())), settings.compared
        self._labels = splits["test"].labels
        images = disturbed(splits["test"].images, settings.disturbances, *networks[0].architecture.input_range)
        self._members: list[Member] = []
        distinct: dict[str, Member] = {}
        for row, network in zip(rows, networks, strict=True):
            found = distinct.get(row["path"])
            if found is None:
                known = {name: logits(network, each) for name, each in images.items()}
                found = Member(row, network, known, factor(logits(network, splits["validation"].images)))
                distinct[row["path"]] = found
            self._members.append(replace(found, keys=row))

    def pairs(self) -> pandas.DataFrame:
        """Return a row for each two networks: what ``tables.PAIR`` measures. One in several sets is in its first.

        They are those of the sets that ``settings.pairs`` names.
        """
        compared: dict[str, Member] = {}
        for one in self._members:
            if one.keys["set"] in self._compared:
                compared.setdefault(one.keys["path"], one)
        rows = []
        for first, second in combinations(compared.values(), 2):
            wrong = [one.classes != self._labels for one in (first, second)]
            rows.append(
                {
                    **{
                        f"{place}_{key}": one.keys[key]
                        for place, one in (("first", first), ("second", second))
                        for key in _KEYS
                    },
                    "connections": sum(int(np.count_nonzero(array)) for array in first.network.weights.values()),
                    "distance": sum(hamming(first.network, second.network).values()),
                    "matched_distance": sum(hamming(first.network, matched(first.network, second.network)).values()),
                    "disagreement": int((first.classes != second.classes).sum()),
                    "both_wrong": int((wrong[0] & wrong[1]).sum()),
                    "test_images": len(self._labels),
                }
            )
        return pandas.DataFrame(rows, columns=list(PAIR.measured))

    def ensembles(self) -> pandas.DataFrame:
        """Return a row for each set, size, choice and way of disturbing images: what ``tables.ENSEMBLE`` measures.

        Choices of a size are the members from each on, round and round. One network has as many connections as several.
        """
        sets = dict.fromkeys(one.keys["set"] for one in self._members if one.keys["set"] != ONE)
        rows = [row for name in sets for row in self._of_set(name)]
        for size, sparsity in self._sizes.items():
            wide = [one for one in self._members if one.keys["set"] == ONE and one.keys["sparsity"] == sparsity]
            rows += [row for number, one in enumerate(wide) for row in self._voted(ONE, size, number, [one])]
        return pandas.DataFrame(rows, columns=list(ENSEMBLE.measured))

    def _of_set(self, name: str) -> Iterator[dict[str, Any]]:
        those = [one for one in self._members if one.keys["set"] == name]
        for size in self._sizes or {1: 0.0, len(those): 0.0}:
            choices = range(len(those) if size < len(those) else 1) if size <= len(those) else ()
            for number in choices:
                yield from self._voted(
                    name, size, number, [those[(number + more) % len(those)] for more in range(size)]
                )

    def _voted(self, name: str, size: int, number: int, chosen: Sequence[Member]) -> Iterator[dict[str, Any]]:
        classes = np.stack([one.classes for one in chosen])
        disagreements = [int((first != second).sum()) for first, second in combinations(classes, 2)]
        common = {
            "set": name,
            "size": size,
            "number": number,
            "ambiguity": int((classes != classes[0]).any(axis=0).sum()),
            "discrepancy": max(disagreements, default=0),
            "all_wrong": int((classes != self._labels).all(axis=0).sum()),
            "test_images": len(self._labels),
        }
        for way in chosen[0].logits:
            found = votes([one.logits[way] for one in chosen], [one.factor for one in chosen])
            yield {**common, "disturbance": way, "test_correct": int((found == self._labels).sum())}


_KEYS = ("set", "walk", "seed")


@dataclass(frozen=True)
class Outputs:
    """The files that a comparison writes."""

    pairs: Path
    ensembles: Path


def compare(settings: Settings, task: str, name: str, networks: Sequence[Path], data: Path, outputs: Outputs) -> None:
    """Compare the networks of a group and let them vote; write both tables, each with a record of what it came from.

    ``networks`` are in the order of ``work.members``.

    Raises ``InputError`` for an unknown group, another number of networks, and what does not fit.
    """
    group, rows = settings.group(name), members(settings, name)
    if len(rows) != len(networks):
        raise InputError(f"group {name!r}: has {len(rows)} networks, but {len(networks)} were given; give all in order")
    recorded = provenance.describe("aann.families.members", [*networks, data], settings.group_part(name), task=task)
    architecture = Architecture.from_dict(settings.network(task))
    compared = Group(rows, [TernaryNetwork.load(path, architecture) for path in networks], load(data), group)
    keys = {"task": task, "group": name}
    for path, table, found in (
        (outputs.pairs, PAIR, compared.pairs()),
        (outputs.ensembles, ENSEMBLE, compared.ensembles()),
    ):
        write_table(path, table.make(found, **keys))
        records.write_beside(path, recorded)
