"""How well networks serve another task: a search adapts them to its images, in the last layer alone or in all.

Every start gets equally many evaluations. Validation images choose the network, and test images are only counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas

from aann.arguments import listed, require_mapping, require_network, whole
from aann.artifacts import write_table
from aann.checkpoints import until_done
from aann.datasets.given import images_by_split, looking_at
from aann.datasets.splits import Images, load
from aann.errors import InputError
from aann.families.disturbances import turned
from aann.lineage import provenance, records
from aann.networks import Architecture, TernaryNetwork
from aann.sense.search import Search, summary_of
from aann.settings import named
from aann.settings.families import RotationSettings
from aann.settings.sense import SearchSettings
from aann.settings.study import Settings
from aann.tables import SPLITS, TRANSFER

_MEASURED = ("source", *TRANSFER.measured[TRANSFER.measured.index("search") :])
"""What a transfer counts by itself; what else its table has is in the settings."""


def transfer(
    starts: Mapping[str, TernaryNetwork],
    data: Mapping[str, Images | tuple[np.ndarray, np.ndarray]],
    searches: Sequence[str] | Mapping[str, SearchSettings] = ("adapt-last", "adapt-all"),
    seed: int = 0,
    threads: int = 1,
) -> pandas.DataFrame:
    """Return how many images networks get right before and after each search: a row for each start and search.

    ``starts`` are networks by name, and ``data`` the images of the new task by split. ``searches`` are names in the
    settings (``sense.searches``), or searches by name. The columns are ``source``, and those of ``tables.TRANSFER``
    from ``search`` on.

    Raises ``InputError`` for an unknown search, a layer that a network does not have, a split that is absent, images
    that do not fit, and numbers that are none.
    """
    seed, threads = whole("seed", seed), whole("threads", threads, 1)
    chosen = searches if isinstance(searches, Mapping) else {name: name for name in listed("searches", searches)}
    require_mapping("starts", starts, "networks by name, such as {'trained': network}")
    for name, given in (("starts", starts), ("searches", chosen)):
        if not given:
            raise InputError(f"{name}: has none; expected one or more")
    for network in starts.values():
        require_network(network)
    placed = {
        (name, search): named.search(which, network.layers)
        for name, network in starts.items()
        for search, which in chosen.items()
    }
    splits = images_by_split(data)
    rows = []
    for (name, search), one in placed.items():
        fitting = looking_at(one, splits) if isinstance(chosen[search], str) else one
        rows.append({"source": name, "search": search, **_adapted(starts[name], splits, fitting, seed, threads)})
    return pandas.DataFrame(rows, columns=list(_MEASURED))


def _adapted(
    network: TernaryNetwork, data: Mapping[str, Images], settings: SearchSettings, seed: int, threads: int
) -> dict[str, Any]:
    """Return what a search counts: what it spends, and correct images where it starts and where it chooses to end."""
    with until_done(None) as checkpoint:
        trace = Search(network, data, settings, seed, threads=threads).run(checkpoint).trace
    found = {name: int(value) for name, value in summary_of(trace, "correct").items()}
    images = {f"{split}_images": len(data[split]) for split in SPLITS}
    return {"layers": " ".join(settings.layers.names), **found, **images}


def shuffled(network: TernaryNetwork, seed: int) -> TernaryNetwork:
    """Return a random network of the same family: the weights of each layer at random places."""
    random = np.random.default_rng([seed, 10])
    weights = {name: random.permutation(array.ravel()).reshape(array.shape) for name, array in network.weights.items()}
    return TernaryNetwork(network.architecture, weights)


def turned_splits(splits: Mapping[str, Images], rotation: RotationSettings) -> dict[str, Images]:
    """Return the images of each split, each turned by an angle that the rotation's seed draws."""
    found = {}
    for number, (name, part) in enumerate(splits.items()):
        random = np.random.default_rng([rotation.seed, number])
        angles = random.integers(rotation.least, rotation.most + 1, len(part))
        found[name] = Images(turned(part.images, angles), part.labels)
    return found


def make_transfer(
    settings: Settings, name: str, seed: int, networks: Sequence[Path], data: Path, output: Path, threads: int
) -> None:
    """Adapt the starts of a transfer to its task; write the table, with a record of what it came from.

    ``networks`` are in the order of the names of ``starts`` (``work.sources``), ``data`` the splits of the new task.

    Raises ``InputError`` for an unknown transfer, another number of networks, and what does not fit.
    """
    chosen = settings.transfer(name)
    if len(networks) != len(chosen.starts):
        raise InputError(
            f"transfer {name!r}: has {len(chosen.starts)} starts, but {len(networks)} were given; give all"
        )
    recorded = provenance.describe(
        "aann.families.transfers", [*networks, data], settings.transfer_part(name), transfer=name, seed=seed
    )
    architecture, starts = Architecture.from_dict(settings.network(chosen.task)), {}
    for path, (source, one) in zip(networks, sorted(chosen.starts.items()), strict=True):
        network = TernaryNetwork.load(path, architecture)
        starts[source] = shuffled(network, seed) if one.shuffled else network
    searches = {search: settings.search_of(chosen.task, search) for search in chosen.searches}
    images = load(data)
    try:
        images = turned_splits(images, chosen.rotation) if chosen.rotation else images
        found = transfer(starts, images, searches, seed, threads)
    except InputError as error:
        raise InputError(f"{data}: {error}") from error
    sources = [chosen.starts[source] for source in found.source]
    found = found.assign(sparsity=[one.start.sparsity for one in sources], walk=[one.walk for one in sources])
    keys = {"task": chosen.task, "to": chosen.to, "transfer": name, "seed": seed}
    write_table(output, TRANSFER.make(found, **keys))
    records.write_beside(output, recorded)
