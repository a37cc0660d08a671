"""What ``import aann`` offers: load a network and images, count, look at neighbors, search.

These are thin functions over the stages. ``aann`` loads this module when one of them is first used, and each loads what
it needs: a network predicts before anything else is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aann import arguments, extras, prediction
from aann.export import files
from aann.networks import Architecture, TernaryNetwork
from aann.settings import named
from aann.settings.messages import lookup
from aann.settings.sense import SearchSettings

if TYPE_CHECKING:
    import pandas

    from aann.datasets.splits import Images
    from aann.sense.search import Found


def load_network(path: Path | str) -> TernaryNetwork:
    """Return the ternary network of a file, which may be one of ``release/``, compressed by gzip, or a packed one.

    >>> aann.load_network("release/psiren/mnist/p90/seed0.safetensors.gz")
    TernaryNetwork(layers=['1.0', '2.0', 'fc'], weights=28880, sparsity=90 %)

    Raises ``InputError`` if there is no such file, or if it holds no ternary network.
    """
    return files.load(arguments.path("path", path))


def random_network(network: str = "static", sparsity: float = 90, seed: int = 0) -> TernaryNetwork:
    """Return a random ternary network of an architecture that the settings name (``networks``).

    Raises ``InputError`` for another name, for a sparsity that is not within 0 and 100 percent, and for a seed that is
    no whole number from 0 on.
    """
    from aann.sense import starts

    seed = arguments.whole("seed", seed)
    chosen = lookup(named.paper().networks, network, "network", "networks")
    return starts.random_network(Architecture.from_dict(chosen.model_dump()), sparsity, seed)


@extras.named()
def load_data(dataset: str, folder: Path | str) -> dict[str, Images]:
    """Return the images of a data set by split (`train`, `validation` and `test`), as the settings say (``datasets``).

    Archives, such as those of `mnist`, are fetched once, verified and kept below ``folder``; ``AANN_DATA_MIRROR`` may
    name a folder or URL that has them. Each split has ``images``, uint8 or int8 of shape (images, channels, height,
    width), and ``labels``, int64.

    Raises ``InputError`` for another data set, for one that is driven, if archives cannot be fetched, and if an extra
    of this package is missing that the data set needs.
    """
    from aann.datasets import archives, sources
    from aann.settings.datasets import ArchivesDataSettings

    settings, place = named.paper(), arguments.path("folder", folder)
    data = lookup(settings.datasets, dataset, "data set", "datasets")
    if isinstance(data, ArchivesDataSettings):
        archives.fetch(data.archives, place / data.archives, settings.downloads.mirrors)
    return sources.split(dataset, data, place)[0]


def predict(network: TernaryNetwork, images: np.ndarray | Sequence[Path | str]) -> np.ndarray:
    """Return the class of each image, int64: that of the largest logit, and the lowest class of equal ones.

    ``images`` are integers of shape (images, channels, height, width), or files of pictures. What classes are called
    is in ``network.data["classes"]``. Raises ``InputError`` if images do not fit or cannot be read, and for pictures
    if the network does not say how its inputs are made.
    """
    arguments.require_network(network)
    return prediction.predict(network, images)


def evaluate(network: TernaryNetwork, images: np.ndarray, labels: np.ndarray) -> int:
    """Return how many images the network puts into their labelled class: an exact count, equal on every machine.

    Raises ``InputError`` if the images and labels do not fit the network.
    """
    from aann.evaluation.incremental import IncrementalEvaluator

    arguments.require_network(network)
    return IncrementalEvaluator(network, images, labels).correct_count()


def count_neighbors(
    network: TernaryNetwork,
    layer: str,
    images: np.ndarray,
    labels: np.ndarray,
    amount: int | None = 1000,
    seed: int = 0,
    threads: int = 1,
) -> pandas.DataFrame:
    """Return first neighbors of a network in a layer, and how many images each puts into their labelled class.

    ``amount`` neighbors are drawn with ``seed``; if it is None, or if there are no more, all are counted. A row is a
    neighbor: ``from_index`` and ``to_index`` (flat indices into the layer's weights), the ``sign`` that moves, and the
    count ``correct``. Raises ``InputError`` for another layer or one without neighbors, for an amount, seed or threads
    that are no such numbers, and if images and labels do not fit.
    """
    import pandas

    from aann.evaluation.incremental import IncrementalEvaluator
    from aann.swaps import all_swaps, neighborhood_size, require_neighbors, sample_swaps

    arguments.require_network(network)
    seed, threads = arguments.whole("seed", seed), arguments.whole("threads", threads, 1)
    amount = amount if amount is None else arguments.whole("amount", amount, 1)
    evaluator = IncrementalEvaluator(network, images, labels, layers=[layer], threads=threads)
    weights = network.weights[layer]
    require_neighbors(layer, weights)
    if amount is None or amount >= neighborhood_size(weights):
        swaps = all_swaps(weights)
    else:
        swaps = sample_swaps(weights, amount, np.random.default_rng(seed))
    counts = evaluator.correct_counts(layer, *swaps)
    return pandas.DataFrame({**swaps._asdict(), "sign": weights.ravel()[swaps.from_index], "correct": counts})


def search(
    start: TernaryNetwork,
    data: Mapping[str, Images | tuple[np.ndarray, np.ndarray]],
    search: str | SearchSettings = "greedy",
    seed: int = 0,
    evaluations: int | None = None,
    threads: int = 1,
    checkpoint: Path | str | None = None,
) -> Found:
    """Climb from a network over its neighbors (SENSE, Algorithm 2) and return the ``network`` found and the ``trace``.

    ``data`` has the splits ``train``, ``validation`` and ``test``: images and labels of each, as ``load_data`` returns
    them or as two arrays. ``search`` is the name of a search in the settings (``sense.searches``), which takes all
    images of its split if it asks for more; or it is a search. ``evaluations`` replaces its budget of neighbors.
    Validation images choose the network that is kept; test images are only recorded. With a file ``checkpoint``, an
    interrupted search goes on from it; the file is deleted when the search is done.

    Raises ``InputError`` for another search, for layers that the network does not have, for a split that is absent, for
    images that do not fit, and for numbers that are none. It does so, too, for the checkpoint of another search, seed,
    network, data or version of the code.
    """
    from aann import checkpoints
    from aann.datasets import given
    from aann.sense.search import Search

    arguments.require_network(start)
    seed, threads = arguments.whole("seed", seed), arguments.whole("threads", threads, 1)
    chosen = named.search(search, start.layers)
    splits = given.images_by_split(data)
    if isinstance(search, str):
        chosen = given.looking_at(chosen, splits)
    if evaluations is not None:
        budget = chosen.budget.model_copy(update={"evaluations": arguments.whole("evaluations", evaluations, 1)})
        chosen = chosen.model_copy(update={"budget": budget})
    identity = checkpoints.identity("aann.sense.search", chosen, seed, start, splits)
    run = Search(start, splits, chosen, seed, identity, threads)
    with checkpoints.until_done(checkpoint) as path:
        return run.run(path)
