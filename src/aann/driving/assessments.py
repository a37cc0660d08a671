"""How well networks drive: their return in the closed loop, beside the expert's, and which classes they confuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch

from aann.artifacts import write_table
from aann.datasets.splits import Images, load
from aann.driving import CLASSES, driven
from aann.driving.demonstrations import tracks
from aann.driving.episodes import Driver, ExpertDriver, NetworkDriver, each, returned
from aann.errors import InputError
from aann.evaluation import reference
from aann.lineage import provenance, records
from aann.networks import Architecture, TernaryNetwork
from aann.settings.datasets import DrivingDataSettings
from aann.settings.driving import DrivingSettings
from aann.settings.study import Settings
from aann.tables import CONFUSION, EXPERT_RETURNS, RETURNS


def expert_returns(settings: DrivingSettings, tracks: Sequence[int], processes: int = 1) -> pandas.DataFrame:
    """Return what the expert gets on each track, columns ``EXPERT_RETURNS``."""
    rewards = _rewards(ExpertDriver(settings), None, settings, tracks, processes)
    return pandas.DataFrame({"track": tracks, "expert_return": rewards}, columns=list(EXPERT_RETURNS.columns))


def network_returns(
    network: TernaryNetwork,
    data: DrivingDataSettings,
    settings: DrivingSettings,
    expert: pandas.DataFrame,
    processes: int = 1,
) -> pandas.DataFrame:
    """Return what a network gets on each of the expert's tracks: what ``RETURNS`` measures."""
    rewards = _rewards(NetworkDriver(network), data, settings, expert.track.tolist(), processes)
    columns = {"track": expert.track, "return": rewards, "expert_return": expert.expert_return}
    return pandas.DataFrame(columns)


def _rewards(
    driver: Driver, data: DrivingDataSettings | None, settings: DrivingSettings, tracks: Sequence[int], processes: int
) -> list[float]:
    """Return the sum of rewards on each track, to a hundred-millionth: digits after that are noise of summation."""
    found = each(partial(returned, driver, data, settings), tracks, processes)
    return [round(reward, 8) for reward in found]


def confusion(network: TernaryNetwork, splits: Mapping[str, Images]) -> pandas.DataFrame:
    """Return how many frames of each class a network puts into each: what ``CONFUSION`` measures."""
    tables = []
    for split in ("validation", "test"):
        images = splits[split]
        chosen = reference.predictions(network, images.images)
        counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        np.add.at(counts, (images.labels, chosen), 1)
        label, prediction = np.indices(counts.shape)
        columns = {"split": split, "label": label.ravel(), "prediction": prediction.ravel(), "frames": counts.ravel()}
        tables.append(pandas.DataFrame(columns))
    return pandas.concat(tables)


def assess_expert(settings: Settings, count: int, output: Path, threads: int) -> None:
    """Write what the expert gets on the first ``count`` tracks for returns."""
    chosen = {"scale": settings.scale, "driving": settings.driving.model_dump(include={"repeat", "steps", "expert"})}
    write_table(output, expert_returns(settings.driving, tracks("returns", count), threads))
    records.write_beside(output, provenance.describe("aann.driving.assessments", [], chosen, count=count))


@dataclass(frozen=True)
class Inputs:
    """The files that an assessment reads."""

    network: Path
    data: Path
    expert: Path


def assess(
    settings: Settings,
    keys: Mapping[str, Any],
    inputs: Inputs,
    count: int,
    returns: Path,
    confusions: Path,
    threads: int,
) -> None:
    """Write what a network gets on ``count`` tracks, and how many frames of each class it puts into each.

    ``keys`` are those of ``tables.RUN``.

    Raises ``InputError`` for a task that is not driven, files that do not fit it, and too few tracks of the expert.
    """
    torch.set_num_threads(threads)
    task = keys["task"]
    data = driven(settings, task)
    network = TernaryNetwork.load(inputs.network, Architecture.from_dict(settings.network(task)))
    on = EXPERT_RETURNS.read(inputs.expert).head(count)
    if len(on) < count:
        raise InputError(
            f"{inputs.expert}: has {len(on)} tracks, expected {count}; run `driving expert` with --count {count}"
        )
    part = settings.driving_part(task, ("repeat", "steps", "expert"))
    recorded = provenance.describe("aann.driving.assessments", astuple(inputs), part, count=count, **keys)
    made = {
        confusions: CONFUSION.make(confusion(network, load(inputs.data)), **keys),
        returns: RETURNS.make(network_returns(network, data, settings.driving, on, threads), **keys),
    }
    for output, table in made.items():
        write_table(output, table)
        records.write_beside(output, recorded)
