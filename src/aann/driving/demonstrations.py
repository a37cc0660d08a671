"""Demonstrations: what a network would have seen on many tracks, and what the expert would have chosen there.

The expert drives first. Then networks made from its demonstrations drive, and the expert says at each frame what it
would have done (DAgger: Ross, Gordon and Bagnell, 2011). So networks learn to come back from where they get to. Noise,
in bursts of one random action, has the same effect. Training, validation and test frames are of different tracks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from aann.artifacts import is_sealed, read_arrays, remedy, write_arrays
from aann.datasets import splits
from aann.datasets.splits import Images
from aann.driving import CLASSES, GO, LEFT, RIGHT, driven
from aann.driving.episodes import Driver, Episode, ExpertDriver, NetworkDriver, each
from aann.errors import InputError
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.settings.datasets import DrivingDataSettings
from aann.settings.driving import DrivingSettings, NoiseSettings
from aann.settings.study import Settings


@dataclass(frozen=True)
class Round:
    """Episodes to demonstrate: a driver on tracks, and what is seen.

    Without a ``network`` the expert drives. ``name`` makes the noise of rounds differ.
    """

    name: str
    data: DrivingDataSettings
    tracks: Sequence[int]
    settings: DrivingSettings
    network: TernaryNetwork | None = None

    def demonstrate(self, track: int) -> Images:
        """Return every n-th frame of an episode (setting ``every``), int8, with the expert's classes, int64."""
        random = np.random.default_rng([self.settings.seed, track, *self.name.encode()])
        episode, expert = Episode(track, self.data, self.settings), ExpertDriver(self.settings)
        driver: Driver = NetworkDriver(self.network) if self.network else expert
        noise = _Noise(self.settings.noise, random)
        seen, labels = [], []
        while not episode.over:
            seen.append(episode.seen)
            labels.append(expert.choose(episode))
            episode.act(noise.disturb(driver.choose(episode)))
        first = min(int(random.integers(self.settings.every)), len(seen) - 1)
        kept = slice(first, None, self.settings.every)
        return Images(np.array(seen[kept]), np.array(labels[kept], np.int64))


class _Noise:
    """Bursts in which the car does one random thing; how often they begin is drawn for each episode."""

    def __init__(self, settings: NoiseSettings, random: np.random.Generator) -> None:
        self._settings, self._random = settings, random
        self._probability = random.uniform(0, settings.most)
        self._left, self._chosen = 0, 0

    def disturb(self, choice: int) -> int:
        """Return the class that the car acts on: that of a burst, if there is one, or else the choice."""
        if self._left:
            self._left -= 1
            return self._chosen
        if self._random.random() < self._probability:
            self._left = int(self._random.integers(self._settings.shortest, self._settings.longest + 1))
            self._chosen = int(self._random.integers(len(CLASSES)))
        return choice


def record(episodes: Round, output: Path, recorded: Mapping[str, Any], processes: int = 1) -> None:
    """Write the demonstrations of a round as one file, in the order of its tracks.

    Finished episodes are kept in a folder beside ``output`` until all are finished. An interrupted round goes on with
    those that are missing, unless ``recorded``, their provenance, differs. ``processes`` changes the speed only.

    Raises ``InputError`` for an episode that fails; it names the track.
    """
    folder = output.with_name(f"{output.name}.parts")
    parts = {track: folder / f"{track}.safetensors" for track in episodes.tracks}
    missing = [track for track, path in parts.items() if not _is_part(path, recorded)]
    with tqdm(total=len(parts), initial=len(parts) - len(missing), unit=" episodes", mininterval=1) as progress:
        for _ in each(partial(_demonstrate, episodes, folder, recorded), missing, processes):
            progress.update()
    _save(output, join([load(path) for path in parts.values()]), recorded)
    shutil.rmtree(folder)


def _demonstrate(episodes: Round, folder: Path, recorded: Mapping[str, Any], track: int) -> None:
    _save(folder / f"{track}.safetensors", episodes.demonstrate(track), recorded)


def _save(path: Path, images: Images, recorded: Mapping[str, Any]) -> None:
    arrays = {"seen": images.images, "labels": images.labels.astype(np.uint8)}
    write_arrays(path, arrays, {"sha256": images.sha256, "provenance": dict(recorded)})


def _is_part(path: Path, recorded: Mapping[str, Any]) -> bool:
    """Return whether a file holds an episode of this round."""
    if not path.is_file():
        return False
    with suppress(InputError):
        load(path)
        return bool(read_arrays(path)[1]["provenance"] == recorded)
    return False


def load(path: Path, shape: Sequence[int] | None = None) -> Images:
    """Read demonstrations: what was seen, int8, and the expert's classes, int64.

    Raises ``InputError`` if the file is not what its seal says, or has no seal and holds other frames or labels than
    were recorded. Raises it, too, for frames of another ``shape`` (channels, height, width) than is asked for.
    """
    arrays, metadata = read_arrays(path)
    try:
        images = Images(arrays["seen"], arrays["labels"].astype(np.int64))
        expected = metadata["sha256"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: holds no demonstrations; {remedy(path)}") from error
    if not is_sealed(path) and images.sha256 != expected:
        raise InputError(f"{path}: holds other frames or labels than were recorded; {remedy(path)}")
    found = images.images.shape[1:]
    if shape is not None and found != tuple(shape):
        raise InputError(f"{path}: holds frames of shape {found}, expected {tuple(shape)}; name those of the task")
    return images


def join(parts: Iterable[Images]) -> Images:
    """Return demonstrations one after the other."""
    listed = list(parts)
    return Images(np.concatenate([part.images for part in listed]), np.concatenate([part.labels for part in listed]))


def training_frames(paths: Iterable[Path], settings: DrivingSettings, shape: Sequence[int] | None = None) -> Images:
    """Return the demonstrations of files as one; a random share is mirrored, with LEFT and RIGHT exchanged.

    Raises ``InputError`` as ``load`` does; without a ``shape``, all must have that of the first.
    """
    first, *others = paths
    begun = load(first, shape)
    images = join([begun, *(load(path, begun.images.shape[1:]) for path in others)])
    chosen = np.flatnonzero(np.random.default_rng(settings.seed).random(len(images)) < settings.mirror)
    images.images[chosen] = images.images[chosen, :, :, ::-1]
    images.labels[chosen] = np.array([GO, RIGHT, LEFT])[images.labels[chosen]]
    return images


_KINDS = ("validation", "test", "returns", "train")
_TRACKS_OF_A_KIND = 100_000


def tracks(kind: str, count: int) -> range:
    """Return ``count`` tracks of a kind: `train`, `validation`, `test`, `returns`, or `round1` and so on.

    No track belongs to two kinds. Raises ``InputError`` for another kind, and for more than 100,000 tracks.
    """
    number = kind.removeprefix("round")
    if kind in _KINDS:
        place = _KINDS.index(kind)
    elif number != kind and number.isdecimal() and int(number) >= 1:
        place = len(_KINDS) + int(number) - 1
    else:
        raise InputError(f"tracks of kind {kind!r}: there are none; expected {', '.join(_KINDS)}, round1, round2, ...")
    if not 1 <= count <= _TRACKS_OF_A_KIND:
        raise InputError(f"{count} tracks of kind {kind!r}: expected 1 to {_TRACKS_OF_A_KIND}")
    return range(place * _TRACKS_OF_A_KIND, place * _TRACKS_OF_A_KIND + count)


def make_demonstrations(
    settings: Settings, task: str, kind: str, count: int, driver: Path | None, output: Path, threads: int
) -> None:
    """Write the demonstrations on tracks of a kind; goes on where it was stopped. Without a driver, the expert drives.

    Raises ``InputError`` for a task that is not driven, another kind of tracks, and a driver that does not fit.
    """
    torch.set_num_threads(threads)
    data = driven(settings, task)
    if kind == "returns":
        raise InputError("--kind returns: those tracks are for returns alone; expected train, validation, test, round1")
    part = settings.driving_part(task, ("seed", "repeat", "steps", "every", "expert", "noise"))
    inputs = [driver] if driver else []
    recorded = provenance.describe("aann.driving.demonstrations", inputs, part, task=task, kind=kind)
    network = TernaryNetwork.load(driver, Architecture.from_dict(settings.network(task))) if driver else None
    record(Round(kind, data, tracks(kind, count), settings.driving, network), output, recorded, threads)


def make_splits(
    settings: Settings, task: str, train: Sequence[Path], validation: Path, test: Path, output: Path
) -> None:
    """Write demonstrations as the splits of a task.

    Raises ``InputError`` for a task that is not driven, and for frames that do not fit it.
    """
    data = driven(settings, task)
    shape = data.shape
    part = settings.driving_part(task, ("seed", "mirror"))
    recorded = provenance.describe("aann.driving.demonstrations", [*train, validation, test], part, task=task)
    made = {
        "train": training_frames(train, settings.driving, shape),
        "validation": load(validation, shape),
        "test": load(test, shape),
    }
    splits.save(output, made, recorded, splits.describe(data))
