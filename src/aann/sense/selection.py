"""How much of a climb's gain is selection (Figure S3).

Algorithm 2 as printed chooses neighbors by test accuracy, and the paper's values are multiples of 1/1024: it looked at
1,024 test images. Here, climbs of Figure 5's kind choose by as many test images, or by all validation images. After
each neighborhood, the network is counted on the images that choose and on fresh test images, the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from aann.artifacts import write_table
from aann.datasets.splits import Images, load
from aann.errors import InputError
from aann.evaluation.evaluator import Evaluator, EvaluatorFactory
from aann.evaluation.incremental import IncrementalEvaluator
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork, require_layer
from aann.sense.neighborhoods import draw
from aann.settings.sense import SelectionSettings
from aann.settings.study import Settings
from aann.swaps import require_neighbors
from aann.tables import SELECTION


def climbs(
    start: TernaryNetwork,
    splits: Mapping[str, Images],
    settings: SelectionSettings,
    seed: int,
    threads: int = 1,
    evaluator: EvaluatorFactory = IncrementalEvaluator,
) -> pandas.DataFrame:
    """Return the counts along climbs of each size and both ways of choosing, as columns ``tables.SELECTION``.

    A climb goes on to the neighbor with the most correct of the images that choose, unless that is worse. ``threads``
    and ``evaluator`` change the speed only.

    Raises ``InputError`` for a layer that the network does not have, or that has no neighbors, and if no test images
    are left that do not choose.
    """
    layer = settings.layer
    require_layer(layer, start.layers)
    require_neighbors(layer, start.weights[layer])
    chosen, fresh = divided(splits["test"], settings.images, seed)
    counted = {
        name: evaluator(start, images.images, images.labels, [layer], threads)
        for name, images in (("test", chosen), ("validation", splits["validation"]), ("fresh", fresh))
    }
    rows = [
        {"chosen_by": name, "size": size, **row}
        for size in settings.neighbors
        for name in ("test", "validation")
        for row in _climb(
            start, counted[name], counted["fresh"], size, settings, np.random.default_rng([seed, 7, size])
        )
    ]
    return pandas.DataFrame(rows).assign(layer=layer)


def divided(images: Images, count: int, seed: int) -> tuple[Images, Images]:
    """Return ``count`` images drawn at random, and all others; raise ``InputError`` if there are no others."""
    if count >= len(images):
        raise InputError(
            f"sense.selection.images: is {count:,}, but there are {len(images):,} test images, and some must be left; "
            "ask for fewer"
        )
    drawn = np.random.default_rng([seed, 8]).permutation(len(images))
    return images.take(np.sort(drawn[:count])), images.take(np.sort(drawn[count:]))


def _climb(
    start: TernaryNetwork,
    choosing: Evaluator,
    fresh: Evaluator,
    size: int,
    settings: SelectionSettings,
    random: np.random.Generator,
) -> Iterator[dict[str, int]]:
    """Yield the counts at the start and after each neighborhood."""
    layer = settings.layer
    for each in (choosing, fresh):
        each.move_to(start)
    for neighborhood in range(settings.neighborhoods + 1):
        if neighborhood:
            swaps = draw(choosing.network.weights[layer], size, "uniform", random)
            found = choosing.correct_counts(layer, *swaps)
            best = int(found.argmax())
            if found[best] >= choosing.correct_count():
                for each in (choosing, fresh):
                    each.accept(layer, int(swaps.from_index[best]), int(swaps.to_index[best]))
        yield {
            "neighborhood": neighborhood,
            "choosing_correct": choosing.correct_count(),
            "choosing_images": choosing.images,
            "fresh_correct": fresh.correct_count(),
            "fresh_images": fresh.images,
        }


def make_selection(
    settings: Settings, keys: Mapping[str, Any], network: Path, data: Path, output: Path, threads: int
) -> None:
    """Climb from a network in both ways and write the counts.

    ``keys`` are those of ``tables.NETWORK``. Raises ``InputError`` for an unknown task, and what does not fit it.
    """
    task, seed = keys["task"], keys["seed"]
    chosen, part = settings.selection_of(task), settings.sense_part(task, "selection")
    recorded = provenance.describe("aann.sense.selection", [network, data], part, **keys)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    table = climbs(start, load(data), chosen, seed, threads)
    write_table(output, SELECTION.make(table, **keys), {"provenance": recorded})
