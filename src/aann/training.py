"""Training of dense, masked and ternary networks by backpropagation, one epoch at a time.

Images are scaled to [0, 1] (or [-1, 1]) and HardTanh clamps at +-1, the paper's units. The integer networks of
``aann.networks`` are the same functions multiplied by ``input_scale``. Convolutions run channels-last, and in bfloat16
if the settings say so. The function is that of the reference evaluator, pooling and all. Adam is fused.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch.optim.adam import adam
from tqdm import tqdm

from aann.evaluation.reference import propagate
from aann.networks import Architecture

Weights = dict[str, torch.Tensor]


class _HardTanh(torch.autograd.Function):
    """HardTanh whose gradient passes wherever the input lies within a window, which is at least (-1, 1)."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, window: float) -> torch.Tensor:
        context.save_for_backward(values)
        context.window = window
        return values.clamp(-1, 1)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (values,) = context.saved_tensors
        # A gradient in another memory layout than the values takes PyTorch ten times longer here.
        gradient = torch.empty_like(values).copy_(gradients[0])
        return torch.ops.aten.hardtanh_backward(gradient, values, -context.window, context.window), None


class _Ternarize(torch.autograd.Function):
    """sign(latent) * mask, with the gradient passed straight through to every latent weight."""

    @staticmethod
    def forward(context: Any, latent: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.where(latent >= 0, mask, -mask)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradients[0], None


def ternarize(latent: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return ternary weights: the sign of ``latent`` where ``mask`` is 1, else 0 (straight-through estimator)."""
    weights: torch.Tensor = _Ternarize.apply(latent, mask)
    return weights


def features(
    architecture: Architecture, weights: Weights, images: torch.Tensor, windows: Mapping[str, float] | None = None
) -> torch.Tensor:
    """Return the inputs of the last layer, shape (images, features), for images scaled to at most 1.

    ``windows`` gives, by layer, how far HardTanh passes gradients (default: 1, its true derivative).
    """
    chosen = windows or {}
    return propagate(
        architecture, weights, images, lambda layer, values: _HardTanh.apply(values, chosen.get(layer, 1.0))
    )


def forward(
    architecture: Architecture, weights: Weights, images: torch.Tensor, windows: Mapping[str, float] | None = None
) -> torch.Tensor:
    """Return the logits, shape (images, classes), for images scaled to at most 1."""
    return features(architecture, weights, images, windows) @ weights[architecture.layers[-1].name].T


def initial_weights(architecture: Architecture, generator: torch.Generator) -> Weights:
    """Draw weights uniformly, scaled so that a unit with inputs of size 1 has variance 1."""
    weights = {}
    for name, shape in architecture.weight_shapes.items():
        bound = math.sqrt(3 / (math.prod(shape[1:]) * architecture.added[name]))
        weights[name] = (torch.rand(shape, generator=generator) * 2 - 1) * bound
    return weights


def keep_largest(weights: torch.Tensor, zeros: int) -> torch.Tensor:
    """Return a mask of 0 at the ``zeros`` weights of smallest magnitude, and 1 elsewhere (exactly, ties included)."""
    mask = torch.ones(weights.numel(), device=weights.device)
    mask[torch.topk(weights.detach().abs().flatten(), zeros, largest=False, sorted=False).indices] = 0
    return mask.view_as(weights)


@dataclass
class Progress:
    """How far a phase of training is: at minibatch ``step`` of ``steps``."""

    step: int
    steps: int

    @property
    def fraction(self) -> float:
        """The share of the phase that is done, from 0 at its first minibatch to almost 1 at its last."""
        return self.step / self.steps


def constant(progress: Progress) -> float:
    """Learning-rate schedule: no change."""
    return 1.0


def cosine(progress: Progress) -> float:
    """Learning-rate schedule: from 1 to 0 as half a cosine."""
    return 0.5 + 0.5 * math.cos(math.pi * progress.fraction)


def _nothing(progress: Progress) -> None:
    pass


@dataclass
class Phase:
    """One phase of training: what is optimised, how a batch gives logits, and what happens around each step.

    ``parameters`` are trained in place by Adam on the cross-entropy of the logits times ``logit_scale``. ``inputs``
    turns a minibatch of stored integers into what ``logits`` takes. ``before`` and ``after`` are called around each
    minibatch. ``validate`` returns the validation accuracy, and is called after each epoch and at the end.
    """

    name: str
    epochs: float
    learning_rate: float
    batch_size: int
    parameters: list[torch.Tensor]
    inputs: Callable[[torch.Tensor], torch.Tensor]
    logits: Callable[[torch.Tensor], torch.Tensor]
    validate: Callable[[], float]
    schedule: Callable[[Progress], float] = cosine
    logit_scale: float = 1.0
    before: Callable[[Progress], None] = _nothing
    after: Callable[[Progress], None] = _nothing
    precision: torch.dtype = torch.float32


CurveRow = tuple[str, float, float, float, float]


@dataclass
class Curve:
    """A learning curve: one row for each epoch, with the columns of ``COLUMNS``.

    Loss and training accuracy (a fraction) are means over the epoch's minibatches; validation accuracy is at its end.
    """

    COLUMNS = ("phase", "epoch", "loss", "train_accuracy", "validation_accuracy")
    rows: list[CurveRow] = field(default_factory=list)


def run(
    phase: Phase,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    generator: torch.Generator,
    curve: Curve,
) -> None:
    """Train one phase over ``inputs`` and ``labels``, shuffled by ``generator`` each epoch, and extend ``curve``.

    Shows a progress bar on a terminal, and writes a line for each epoch to standard error.
    """
    for parameter in phase.parameters:
        parameter.requires_grad_(True)
    optimizer = _Adam(phase.parameters)
    per_epoch = max(1, len(inputs) // phase.batch_size)
    steps = max(1, round(phase.epochs * per_epoch))
    loss, correct, seen = torch.zeros(()), torch.zeros((), dtype=torch.int64), 0
    batches = _batches(len(inputs), phase.batch_size, steps, generator)
    for step, batch in enumerate(tqdm(batches, phase.name, steps, disable=None, leave=False)):
        progress = Progress(step, steps)
        phase.before(progress)
        learning_rate = phase.learning_rate * phase.schedule(progress)
        batch_loss, right = _step(phase, inputs[batch], labels[batch])
        optimizer.step(learning_rate)
        phase.after(progress)
        loss, correct, seen = loss + batch_loss * len(batch), correct + right, seen + len(batch)
        if (step + 1) % per_epoch == 0 or step + 1 == steps:
            row = (phase.name, (step + 1) / per_epoch, loss.item() / seen, correct.item() / seen, phase.validate())
            curve.rows.append(row)
            tqdm.write(_describe(row, steps / per_epoch), file=sys.stderr)
            loss, correct, seen = torch.zeros(()), torch.zeros((), dtype=torch.int64), 0
    for parameter in phase.parameters:
        parameter.requires_grad_(False)


def _describe(row: CurveRow, epochs: float) -> str:
    phase, epoch, loss, train, validation = row
    return (
        f"{phase} epoch {epoch:.4g}/{epochs:.4g}  loss {loss:.4f}  train {100 * train:.2f} %  "
        f"validation {100 * validation:.2f} %"
    )


def _batches(count: int, size: int, steps: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    per_epoch = max(1, count // size)
    for step in range(steps):
        position = step % per_epoch
        if position == 0:
            order = torch.randperm(count, generator=generator)
        yield order[position * size : (position + 1) * size]


class _Adam:
    """Adam by PyTorch's function. PyTorch's class would import its compiler, which takes two seconds of every job."""

    def __init__(self, parameters: list[torch.Tensor]) -> None:
        self.parameters = parameters
        self.means = [torch.zeros_like(parameter) for parameter in parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in parameters]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the parameters by their gradients, and forget these."""
        adam(
            self.parameters,
            [parameter.grad for parameter in self.parameters if parameter.grad is not None],
            self.means,
            self.squares,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=0,
            eps=1e-8,
            maximize=False,
        )
        for parameter in self.parameters:
            parameter.grad = None


def _step(phase: Phase, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Add the gradients of a minibatch to the parameters; return its mean loss and its correct images."""
    inputs = phase.inputs(inputs)
    with torch.autocast(labels.device.type, phase.precision, enabled=phase.precision != torch.float32):
        logits = phase.logits(inputs)
    loss = F.cross_entropy(logits.float() * phase.logit_scale, labels)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), (logits.argmax(1) == labels).sum()


def shift(images: torch.Tensor, pixels: int, generator: torch.Generator) -> torch.Tensor:
    """Return images moved by up to ``pixels`` each way, one draw for the batch, with zeros moving in."""
    down, right = torch.randint(-pixels, pixels + 1, (2,), generator=generator).tolist()
    height, width = images.shape[2:]
    padded = F.pad(images, (pixels,) * 4)
    return padded[:, :, pixels - down :, pixels - right :][:, :, :height, :width]


def mirror(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return images, each mirrored left to right with even odds."""
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(3), images)
