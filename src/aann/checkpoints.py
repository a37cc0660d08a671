"""Checkpoints: where a long run has come to, so that an interrupted one goes on to the same end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from aann import arguments
from aann.artifacts import discard, read_arrays, remedy, write_arrays
from aann.errors import InputError
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork

if TYPE_CHECKING:
    from aann.datasets.splits import Images

SECONDS_BETWEEN = 30.0
"""How often a run writes one."""


@dataclass(frozen=True)
class State:
    """What a run goes on from: networks and values by name, and the rows of integers of its table."""

    networks: Mapping[str, TernaryNetwork]
    rows: list[tuple[int, ...]]
    values: Mapping[str, Any]


@dataclass
class Checkpoint:
    """The file of one run. ``run`` is the run's name in messages; ``identity`` is what its result depends on."""

    path: Path
    run: str
    identity: Mapping[str, Any]
    _written: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        """Whether it is time to write it again."""
        return time.monotonic() - self._written > SECONDS_BETWEEN

    def write(self, state: State) -> None:
        """Replace the file at once."""
        self._written = time.monotonic()
        arrays = {
            f"{kind}.{name}": array
            for kind, network in state.networks.items()
            for name, array in network.weights.items()
        }
        described = {"identity": dict(self.identity), **state.values}
        write_arrays(self.path, arrays | {"rows": np.array(state.rows, np.int64)}, {"state": json.dumps(described)})

    def read(self, architecture: Architecture, networks: Sequence[str], values: Sequence[str]) -> State:
        """Return the state in the file, with networks and values of these names.

        Raises ``InputError`` for a file that is damaged or has not all of them, and for one of another identity; the
        message names the first entry that differs.
        """
        arrays, metadata = read_arrays(self.path)
        hint = remedy(self.path, "delete it to start again")
        try:
            found = json.loads(metadata["state"])
            identity = found["identity"]
            state = State(
                {kind: _network(architecture, arrays, kind) for kind in networks},
                [tuple(row) for row in arrays["rows"].tolist()],
                {name: found[name] for name in values},
            )
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise InputError(f"{self.path}: is no checkpoint of this {self.run} ({error}); {hint}") from error
        different = _difference(identity, json.loads(json.dumps(dict(self.identity))))
        if different:
            raise InputError(f"{self.path}: belongs to another run or version of the code ({different}); {hint}")
        return state


@contextmanager
def until_done(path: Path | str | None) -> Iterator[Path]:
    """Yield the path of a checkpoint that is deleted when the run is done, and stays if it is interrupted."""
    if path is None:
        with TemporaryDirectory() as folder:
            yield Path(folder) / "checkpoint.safetensors"
        return
    kept = arguments.path("checkpoint", path)
    yield kept
    discard(kept)


def identity(
    module: str, settings: BaseModel, seed: int, start: TernaryNetwork, splits: Mapping[str, Images]
) -> dict[str, Any]:
    """Return what the result of a run from Python depends on, by name; ``module`` has the code of the run."""
    images = {f"{split}.{part}": getattr(data, part) for split, data in splits.items() for part in ("images", "labels")}
    return {
        "code": provenance.code_fingerprint(module),
        "settings": settings.model_dump(mode="json"),
        "seed": seed,
        "architecture": start.architecture.to_dict(),
        "network": _digest(start.weights),
        "images": _digest(images),
    }


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _network(architecture: Architecture, arrays: Mapping[str, np.ndarray], kind: str) -> TernaryNetwork:
    weights = {layer.name: arrays[f"{kind}.{layer.name}"] for layer in architecture.layers}
    return TernaryNetwork(architecture, weights)


def _difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """Return the first entry in which two identities differ, or nothing."""
    names = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
    return f"its {names[0]!r} differs" if names else ""
