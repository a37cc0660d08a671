"""The backpropagation lines of Figures 6 to 8: training by gradients from the networks that searches start from.

``straight-through`` is backpropagation done properly for such networks. Latent weights in [-1, 1] are at the places of
the start's non-zeros, and their signs are the network's weights. Gradients pass a straight-through estimator, as in
step 4 of p-SIREN, with a fixed mask. Signs may change, so it leaves the family; searches never do.

``literal`` takes the paper at its word: a gradient step changes the ternary weights themselves, which are then
binarized. In each layer, the weights of largest size are kept, as many as before, and replaced by their signs. Nothing
is remembered between steps. The paper's line ends at chance, so this is likely what it did.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch

from aann import devices, training
from aann.artifacts import write_table
from aann.datasets.splits import Images, load
from aann.errors import InputError
from aann.evaluation import reference
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.settings.sense import BackpropagationSettings
from aann.settings.study import Settings
from aann.tables import BASELINE, SPLITS
from aann.training import Curve, Phase, Progress, Weights

LITERAL, STRAIGHT_THROUGH = METHODS = ("literal", "straight-through")
"""The two ways of training, as tables call them."""


class _Trained:
    """Real weights that stand for a ternary network: latent ones, or the ternary ones themselves."""

    def __init__(self, start: TernaryNetwork, scale: float, device: str) -> None:
        self.architecture, self.device = start.architecture, device
        self.weights: Weights = {
            name: torch.from_numpy(w.astype(np.float32)).to(device) for name, w in start.weights.items()
        }
        self.masks = {name: w.abs() for name, w in self.weights.items()}
        for tensor in self.weights.values():
            tensor.mul_(scale)

    def ternary(self) -> Weights:
        """Return the ternary weights, through which gradients reach the latent ones."""
        return {name: training.ternarize(tensor, self.masks[name]) for name, tensor in self.weights.items()}

    @torch.no_grad()
    def constrain(self) -> None:
        """Clamp latent weights to [-1, 1]."""
        for tensor in self.weights.values():
            tensor.clamp_(-1, 1)

    @torch.no_grad()
    def binarize(self) -> None:
        """Make weights ternary again, with as many zeros as before in each layer."""
        for name, tensor in self.weights.items():
            zeros = int((self.masks[name] == 0).sum())
            self.masks[name] = training.keep_largest(tensor, zeros)
            tensor.copy_(torch.where(tensor >= 0, self.masks[name], -self.masks[name]))

    def network(self) -> TernaryNetwork:
        """Return the ternary network."""
        with torch.no_grad():
            weights = {name: tensor.cpu().numpy().astype(np.int8) for name, tensor in self.ternary().items()}
        return TernaryNetwork(self.architecture, weights)


class _Record:
    """Exact counts of correct images along the way."""

    def __init__(self, trained: _Trained, splits: Mapping[str, Images], every: int, steps: int) -> None:
        self._trained, self._splits, self._every, self._steps = trained, splits, every, steps
        self._network: TernaryNetwork | None = None
        self.rows: list[dict[str, float]] = []
        self.count(0)

    def after(self, progress: Progress) -> None:
        """Count if it is time to."""
        step = progress.step + 1
        if step % self._every == 0 or step == self._steps:
            self.count(step)

    def count(self, step: int) -> None:
        """Add a row: correct validation and test images of the network now; known ones if it did not change."""
        network = self._trained.network()
        if network == self._network:
            self.rows.append(self.rows[-1] | {"step": step})
            return
        self._network = network
        row: dict[str, float] = {"step": step}
        for split in SPLITS:
            images = self._splits[split]
            correct = reference.correct_count(network, images.images, images.labels, self._trained.device)
            row |= {f"{split}_correct": correct, f"{split}_accuracy": correct / len(images)}
        self.rows.append(row)


def train(
    start: TernaryNetwork,
    splits: Mapping[str, Images],
    settings: BackpropagationSettings,
    method: str,
    seed: int,
    device: str = "cpu",
) -> tuple[TernaryNetwork, pandas.DataFrame]:
    """Train from a sparse ternary network; return the network at the end, and a table with the columns ``BASELINE``.

    ``splits`` holds the images by split. Validation and test images are counted exactly; they decide nothing.
    ``device`` is where it is trained, as PyTorch calls it.

    Raises ``InputError`` for an unknown method.
    """
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}; expected one of {', '.join(METHODS)}")
    literal = method == LITERAL
    trained = _Trained(start, 1.0 if literal else settings.latent_scale, device)
    record = _Record(trained, splits, -(-settings.steps // settings.records), settings.steps)
    train_images = splits["train"]
    phase = _phase(trained, settings, len(train_images) // settings.batch_size)
    if literal:
        phase = replace(
            phase,
            name=LITERAL,
            learning_rate=settings.literal_learning_rate,
            schedule=training.constant,
            logits=lambda images: training.forward(trained.architecture, trained.weights, images),
        )
    constrain = trained.binarize if literal else trained.constrain
    phase = replace(phase, after=_both(constrain, record.after))
    training.run(
        phase,
        torch.from_numpy(train_images.images).to(device),
        torch.from_numpy(train_images.labels).to(device),
        torch.Generator().manual_seed(seed),
        Curve(),
    )
    table = pandas.DataFrame(record.rows).assign(method=method)
    return trained.network(), table[list(BASELINE.measured)]


def _both(first: Callable[[], None], second: Callable[[Progress], None]) -> Callable[[Progress], None]:
    def after(progress: Progress) -> None:
        first()
        second(progress)

    return after


def _phase(trained: _Trained, settings: BackpropagationSettings, batches: int) -> Phase:
    """Return the phase of ``straight-through``; there are ``batches`` minibatches in an epoch."""
    scale, added = trained.architecture.input_scale, trained.architecture.added
    fan_in = {name: max(1.0, added[name] * float(mask.sum()) / len(mask)) for name, mask in trained.masks.items()}
    *hidden, last = fan_in
    windows = {name: max(1.0, settings.gradient_window * math.sqrt(fan_in[name])) for name in hidden}
    return Phase(
        name=STRAIGHT_THROUGH,
        epochs=settings.steps / max(1, batches),
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        parameters=list(trained.weights.values()),
        inputs=lambda images: images.float() / scale,
        logits=lambda images: training.forward(trained.architecture, trained.ternary(), images, windows),
        validate=lambda: math.nan,
        logit_scale=settings.logit_scale / fan_in[last],
    )


def make_baseline(
    settings: Settings, keys: Mapping[str, Any], network: Path, data: Path, output: Path, threads: int
) -> None:
    """Train from a network by all methods, and write the accuracies along the way.

    ``keys`` are those of ``tables.START``. Raises ``InputError`` for an unknown task, and what does not fit it.
    """
    torch.set_num_threads(threads)
    task, device = keys["task"], devices.choose(settings.device)
    part = settings.sense_part(task, "backpropagation")
    values = {**keys, **devices.recorded(device)}
    recorded = provenance.describe("aann.sense.backpropagation", [network, data], part, **values)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    read, chosen = load(data), settings.sense.backpropagation
    trained = [train(start, read, chosen, method, keys["seed"], device)[1] for method in METHODS]
    write_table(output, BASELINE.make(pandas.concat(trained), **keys), {"provenance": recorded})
