"""The climb of Figure 5: Algorithm 2 over a few neighborhoods, with all that was surveyed, embedded in a plane."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from sklearn.manifold import TSNE

from aann.artifacts import write_table
from aann.datasets.splits import Images, load
from aann.embeddings import TIE, one_thread
from aann.evaluation.evaluator import EvaluatorFactory
from aann.evaluation.incremental import IncrementalEvaluator
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork, require_layer
from aann.sense.neighborhoods import draw
from aann.settings.embeddings import TSNESettings
from aann.settings.sense import ClimbSettings
from aann.settings.study import Settings
from aann.swaps import apply_swap, require_neighbors
from aann.tables import CLIMB, SPLITS, SURVEYED


def climb(
    start: TernaryNetwork,
    splits: Mapping[str, Images],
    settings: ClimbSettings,
    seed: int,
    threads: int = 1,
    evaluator: EvaluatorFactory = IncrementalEvaluator,
) -> pandas.DataFrame:
    """Return all networks that a climb surveys in one layer, with columns ``tables.SURVEYED``; the start comes first.

    Each neighborhood is drawn around the best network of the one before, by validation accuracy, if that is no worse
    than the best so far. Else it is drawn around the same network again. ``threads`` and ``evaluator`` change the speed
    only.

    Raises ``InputError`` for a layer that the network does not have, or that has no neighbors.
    """
    layer = settings.layer
    require_layer(layer, start.layers)
    require_neighbors(layer, start.weights[layer])
    random = np.random.default_rng([seed, 4])
    evaluators = {
        split: evaluator(start, splits[split].images, splits[split].labels, [layer], threads) for split in SPLITS
    }
    counts = {f"{split}_correct": evaluators[split].correct_count() for split in SPLITS}
    tables = [pandas.DataFrame([{"neighborhood": 0, "from_index": -1, "to_index": -1, "sign": 0, "best": 0, **counts}])]
    for number in range(1, settings.neighborhoods + 1):
        weights = evaluators["validation"].network.weights[layer]
        swaps = draw(weights, settings.neighbors, "uniform", random)
        found = {f"{split}_correct": evaluators[split].correct_counts(layer, *swaps) for split in SPLITS}
        best = int(found["validation_correct"].argmax())
        moves = found["validation_correct"][best] >= evaluators["validation"].correct_count()
        table = pandas.DataFrame({"neighborhood": number, **swaps._asdict(), **found})
        table["sign"] = weights.ravel()[swaps.from_index].astype(int)
        table["best"] = 0
        if moves:
            table.loc[best, "best"] = 1
            for each in evaluators.values():
                each.accept(layer, int(swaps.from_index[best]), int(swaps.to_index[best]))
        tables.append(table)
    images = {f"{split}_images": len(splits[split]) for split in SPLITS}
    return pandas.concat(tables, ignore_index=True).assign(layer=layer, **images)[list(SURVEYED.measured)]


def embed_climb(
    surveyed: pandas.DataFrame, weights: Mapping[str, np.ndarray], settings: TSNESettings, seed: int
) -> pandas.DataFrame:
    """Return the table with columns ``x`` and ``y``: t-SNE of the flattened weights of all networks together.

    Most neighbors of one network are equally far apart; ties are broken at random, as in ``embeddings``. ``weights``
    are those of the start, by layer.

    Raises ``InputError`` for a swap that does not fit the network that it starts from.
    """
    perplexity = min(settings.perplexity, (len(surveyed) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, max_iter=settings.max_iter, init="pca", random_state=seed)
    points = changed_weights(surveyed, weights).astype(float)
    points += TIE * np.random.default_rng(seed).standard_normal(points.shape)
    with one_thread():
        placed = tsne.fit_transform(points)
    return surveyed.assign(x=placed[:, 0].astype(float), y=placed[:, 1].astype(float))


def changed_weights(surveyed: pandas.DataFrame, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the weights of all networks at the places where any two of them differ, int8 (networks, places)."""
    (layer,) = set(surveyed.layer)
    now, rows = weights[layer], []
    for _, group in surveyed.groupby("neighborhood"):
        swaps = zip(group.from_index.tolist(), group.to_index.tolist(), strict=True)
        moved = [now if from_index < 0 else apply_swap(now, from_index, to_index) for from_index, to_index in swaps]
        rows += [network.ravel() for network in moved]
        best = np.flatnonzero(group.best)
        now = moved[best[0]] if len(best) else now
    stacked = np.stack(rows)
    return stacked[:, (stacked != stacked[0]).any(axis=0)]


def make_climb(
    settings: Settings, keys: Mapping[str, Any], network: Path, data: Path, output: Path, threads: int
) -> None:
    """Climb from a network, embed all that was surveyed, and write it.

    ``keys`` are those of ``tables.NETWORK``. Raises ``InputError`` for an unknown task, and what does not fit it.
    """
    task, seed = keys["task"], keys["seed"]
    chosen = settings.climb_of(task)
    part = settings.sense_part(task, "climb")
    recorded = provenance.describe("aann.sense.climbs", [network, data], part, **keys)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    surveyed = climb(start, load(data), chosen, seed, threads)
    points = embed_climb(surveyed, start.weights, chosen.tsne, seed)
    write_table(output, CLIMB.make(points, **keys), {"provenance": recorded})
