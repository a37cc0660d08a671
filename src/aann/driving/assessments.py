"""How well networks drive: their return in the closed loop, beside the expert's, and what they take for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas

from aann.datasets.splits import Images
from aann.driving import CLASSES
from aann.driving.episodes import Driver, ExpertDriver, NetworkDriver, each, returned
from aann.evaluation import reference
from aann.networks import TernaryNetwork
from aann.settings.driving import DrivingSettings
from aann.tables import CONFUSION, EXPERT_RETURNS, RETURNS


def expert_returns(settings: DrivingSettings, tracks: Sequence[int], processes: int = 1) -> pandas.DataFrame:
    """Return what the expert gets on each track, columns ``EXPERT_RETURNS``."""
    rewards = _rewards(ExpertDriver(settings), None, settings, tracks, processes)
    return pandas.DataFrame({"track": tracks, "expert_return": rewards}, columns=list(EXPERT_RETURNS))


def network_returns(
    network: TernaryNetwork,
    dataset: str,
    settings: DrivingSettings,
    expert: pandas.DataFrame,
    processes: int = 1,
    **names: float,
) -> pandas.DataFrame:
    """Return what a network gets on each of the expert's tracks, columns ``RETURNS``.

    ``names`` are its sparsity in percent, and its seed.
    """
    rewards = _rewards(NetworkDriver(network), dataset, settings, expert.track.tolist(), processes)
    columns = {**names, "return": rewards, "track": expert.track, "expert_return": expert.expert_return}
    return pandas.DataFrame(columns)[list(RETURNS)]


def _rewards(
    driver: Driver, dataset: str | None, settings: DrivingSettings, tracks: Sequence[int], processes: int
) -> list[float]:
    """Return the sum of rewards on each track, to a hundred-millionth: what follows is noise of summation."""
    found = each(partial(returned, driver, dataset, settings), tracks, processes)
    return [round(reward, 8) for reward in found]


def confusion(network: TernaryNetwork, splits: Mapping[str, Images], **names: float) -> pandas.DataFrame:
    """Return how many frames of each class a network puts into each, columns ``CONFUSION``."""
    tables = []
    for split in ("validation", "test"):
        images = splits[split]
        chosen = reference.predictions(network, images.images)
        counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        np.add.at(counts, (images.labels, chosen), 1)
        label, prediction = np.indices(counts.shape)
        columns = {"split": split, "label": label.ravel(), "prediction": prediction.ravel(), "frames": counts.ravel()}
        tables.append(pandas.DataFrame({**names, **columns}))
    return pandas.concat(tables)[list(CONFUSION)]
