"""p-SIREN, Algorithm 1: p-sparse networks of -1, 0 and +1 by backpropagation.

Step 1, ``train_dense``: real-valued weights, trained once for each task and seed.
Step 2, ``sparsify``: the smallest weights are pruned, a few at a time, from dense to the largest sparsity. Each
    sparsity asked for is a stop on this way, so all sparsities share the work.
Step 3, ``fine_tune``: training goes on with the mask fixed.
Step 4, ``binarize``: weights become -1, 0 and +1. Training goes on over latent weights in [-1, 1], with a
    straight-through estimator: all layers together, and then the last layer alone over stored features.

The network with the best validation accuracy is kept. Nothing here sees a test image.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from tqdm import tqdm

from aann import devices, training
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.evaluation import reference
from aann.evaluation.inputs import check_images
from aann.networks import Architecture, TernaryNetwork
from aann.psiren.pruning import Pruning, RealWeights, multiply, to_numpy, to_tensors
from aann.settings.psiren import PSirenSettings
from aann.training import Curve, Phase, Weights

_STEPS = ("dense", "sparsify", "network")


@dataclass(frozen=True)
class Problem:
    """What p-SIREN is given: a network to make, images to train it on and to choose it by, settings and a seed.

    ``device`` is where it is trained, as PyTorch calls it. Random numbers are drawn on the CPU, so that they are the
    same everywhere.

    Raises ``InputError`` if the images or their classes do not fit the network, or if the settings ask for more.
    """

    architecture: Architecture
    train: Images
    validation: Images
    settings: PSirenSettings
    seed: int
    device: str = "cpu"

    def __post_init__(self) -> None:
        for images in (self.train, self.validation):
            check_images(self.architecture, images.images)
            if images.labels.max() >= self.architecture.classes:
                raise InputError(
                    f"labels: hold class {images.labels.max()}, but the network's last layer has "
                    f"{self.architecture.classes} units; give it one for each class"
                )

        if self.settings.images != "all" and self.settings.images > len(self.train):
            raise InputError(
                f"psiren.images: is {self.settings.images:,}, but there are {len(self.train):,} training images; "
                "ask for fewer"
            )

    @property
    def trained_on(self) -> Images:
        """The training images that the settings ask for, drawn by the seed."""
        if self.settings.images == "all":
            return self.train
        drawn = np.random.default_rng([self.seed, 6]).permutation(len(self.train))[: self.settings.images]
        return self.train.take(np.sort(drawn))

    @property
    def precision(self) -> str:
        """The precision in which training convolves, `bfloat16` or `float32`."""
        return devices.precision(self.settings.precision, self.device)

    @property
    def surroundings(self) -> dict[str, str]:
        """What a result depends on besides settings and seed: the precision, and the type of a GPU."""
        return {"precision": self.precision, **devices.recorded(self.device)}


class _Trainer:
    """A problem with its images as tensors, the random generator of one step, and the learning curve so far."""

    def __init__(self, problem: Problem, step: str, sparsity: float = 0.0) -> None:
        self.problem = problem
        self.architecture, self.settings, self.validation = problem.architecture, problem.settings, problem.validation
        self.train, self.device = problem.trained_on, problem.device
        # Minibatches inherit the layout that convolutions take: made here once, it costs no time in each of them.
        self.images = self.tensor(self.train.images).contiguous(memory_format=torch.channels_last)
        self.labels = self.tensor(self.train.labels)
        self.generator = _generator(problem.seed, step, sparsity)
        self.curve = Curve()
        tqdm.write(devices.describe_precision(problem.settings.precision, problem.device), file=sys.stderr)

    def tensor(self, array: np.ndarray) -> torch.Tensor:
        """Return an array as tensor on the device; on the CPU, they share their memory."""
        return torch.from_numpy(array).to(self.device)

    def scaled(self, images: torch.Tensor, kind: torch.dtype = torch.float32) -> torch.Tensor:
        """Return integer images as floats of a type, with the input scale mapped to 1."""
        return images.to(kind) / self.architecture.input_scale

    def augmented(self, images: torch.Tensor) -> torch.Tensor:
        """Return a minibatch of images, scaled, and mirrored and shifted at random as the settings ask.

        They have the type in which training convolves. bfloat16 holds integers of a byte, so that nothing is rounded
        but the quotient, as if it were computed in float32.
        """
        kind = self.precision if images.element_size() == 1 else torch.float32
        scaled, pixels = self.scaled(images, kind), self.settings.shift
        if self.settings.mirror:
            scaled = training.mirror(scaled, self.generator)
        return training.shift(scaled, pixels, self.generator) if pixels else scaled

    def accuracy(self, weights: Weights) -> float:
        """Return the validation accuracy of real-valued weights."""
        images, labels = self.tensor(self.validation.images), self.tensor(self.validation.labels)
        right = 0
        with torch.no_grad():
            for start in range(0, len(images), 500):
                batch = slice(start, start + 500)
                logits = training.forward(self.architecture, weights, self.scaled(images[batch]))
                right += int((logits.argmax(1) == labels[batch]).sum())
        return right / len(images)

    def real_phase(self, name: str, weights: Weights, epochs: float, learning_rate: float) -> Phase:
        """Return a phase that trains real-valued weights in place, on shifted images."""
        return Phase(
            name=name,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=self.settings.batch_size,
            parameters=list(weights.values()),
            inputs=self.augmented,
            logits=lambda images: training.forward(self.architecture, weights, images),
            validate=lambda: self.accuracy(weights),
            precision=self.precision,
        )

    @property
    def precision(self) -> torch.dtype:
        """The type in which training convolves."""
        return torch.bfloat16 if self.problem.precision == "bfloat16" else torch.float32

    def run(self, phase: Phase) -> None:
        """Train one phase over the training images."""
        training.run(phase, self.images, self.labels, self.generator, self.curve)


def _generator(seed: int, step: str, sparsity: float = 0.0) -> torch.Generator:
    """Return a random generator of its own for a seed, a step of the algorithm and a sparsity."""
    words = np.random.SeedSequence([seed, _STEPS.index(step), round(sparsity * 1000)]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 32 | int(words[1]))


def train_dense(problem: Problem) -> tuple[RealWeights, Curve]:
    """Algorithm 1, step 1: return the weights of a dense network trained from random ones, and its learning curve."""
    trainer = _Trainer(problem, "dense")
    drawn = training.initial_weights(trainer.architecture, trainer.generator)
    weights = {name: tensor.to(trainer.device) for name, tensor in drawn.items()}
    steps = trainer.settings.dense
    trainer.run(trainer.real_phase("dense", weights, steps.epochs, steps.learning_rate))
    return to_numpy(weights), trainer.curve


def sparsify(
    problem: Problem, dense: RealWeights, sparsities: Sequence[float]
) -> tuple[dict[float, RealWeights], Curve]:
    """Algorithm 1, step 2: return the sparse network at each sparsity (percent) on the way to the largest.

    The sparsity rises as ``p_max (1 - (1 - t)^3)`` with the share t of training done. A pruned weight stays 0. Each
    network returned has exactly round(n p / 100) zeros.
    """
    trainer = _Trainer(problem, "sparsify")
    weights, steps = to_tensors(dense, trainer.device), trainer.settings.sparsify
    pruning = Pruning(weights, sorted(sparsities), steps)
    phase = trainer.real_phase("sparsify", weights, steps.epochs, steps.learning_rate)
    trainer.run(replace(phase, schedule=training.constant, before=pruning.advance, after=pruning.hold))
    return pruning.stops, trainer.curve


def p_siren(problem: Problem, sparse: RealWeights, sparsity: float) -> tuple[TernaryNetwork, Curve]:
    """Algorithm 1, steps 3 and 4: return the ternary network made of a sparse one, and its learning curve.

    Raises ``InputError`` if the sparse weights do not have round(n p / 100) zeros.
    """
    weights = to_tensors(sparse, problem.device)
    zeros = sum(int((tensor == 0).sum()) for tensor in weights.values())
    expected = round(sum(tensor.numel() for tensor in weights.values()) * sparsity / 100)
    if zeros != expected:
        raise InputError(f"sparse weights: hold {zeros} zeros, expected {expected} at {sparsity:g} % sparsity")
    trainer = _Trainer(problem, "network", sparsity)
    _fine_tune(trainer, weights)
    return _binarize(trainer, weights), trainer.curve


def _fine_tune(trainer: _Trainer, weights: Weights) -> None:
    """Step 3: train the non-zero weights in place."""
    masks = {name: (tensor != 0).float() for name, tensor in weights.items()}
    steps = trainer.settings.fine_tune
    if steps.epochs:
        phase = trainer.real_phase("fine_tune", weights, steps.epochs, steps.learning_rate)
        trainer.run(replace(phase, after=lambda progress: multiply(weights, masks)))


class _Latent:
    """Latent weights in [-1, 1] of a ternary network, and the mask of its non-zero weights."""

    def __init__(self, architecture: Architecture, weights: Weights, settings: PSirenSettings) -> None:
        self.architecture = architecture
        self.dynamic = settings.binary.mask == "dynamic"
        self.masks = {name: (tensor != 0).float() for name, tensor in weights.items()}
        self.zeros = {name: int((tensor == 0).sum()) for name, tensor in weights.items()}
        self.weights = {}
        for name, tensor in weights.items():
            mean = tensor.abs().sum() / self.masks[name].sum().clamp(min=1)
            factor = settings.binary.latent_scale / mean.clamp(min=1e-12)
            self.weights[name] = (tensor * factor).clamp(-1, 1)

    @torch.no_grad()
    def constrain(self, *layers: str) -> None:
        """Clamp the latent weights of layers to [-1, 1] and, if the mask is dynamic, choose it again."""
        for name in layers:
            self.weights[name].clamp_(-1, 1)
            if self.dynamic:
                self.masks[name] = training.keep_largest(self.weights[name], self.zeros[name])

    def ternary(self) -> Weights:
        """Return the ternary weights, through which gradients reach the latent ones."""
        return {name: training.ternarize(tensor, self.masks[name]) for name, tensor in self.weights.items()}

    def network(self) -> TernaryNetwork:
        """Return the ternary network."""
        with torch.no_grad():
            weights = {name: tensor.cpu().numpy().astype(np.int8) for name, tensor in self.ternary().items()}
        return TernaryNetwork(self.architecture, weights)

    def fan_in(self, layer: str) -> float:
        """Return the mean number of features that a unit adds up, at least 1: those that its non-zero weights meet."""
        return max(1.0, self.architecture.added[layer] * float(self.masks[layer].sum()) / len(self.masks[layer]))

    def copy(self) -> tuple[Weights, Weights]:
        """Return copies of weights and masks, for ``restore``."""
        weights = {name: tensor.detach().clone() for name, tensor in self.weights.items()}
        return weights, dict(self.masks)

    @torch.no_grad()
    def restore(self, state: tuple[Weights, Weights]) -> None:
        """Return to a copied state."""
        for name, tensor in state[0].items():
            self.weights[name].copy_(tensor)
        self.masks = dict(state[1])


class _Best:
    """The latent state with the most correct validation images so far; the first of equal ones."""

    def __init__(self, latent: _Latent) -> None:
        self.latent = latent
        self.correct = -1

    def offer(self, correct: int) -> None:
        """Keep the present state if it is better than the best so far."""
        if correct > self.correct:
            self.correct, self.state = correct, self.latent.copy()


def _binarize(trainer: _Trainer, weights: Weights) -> TernaryNetwork:
    """Step 4: return the best network by validation accuracy."""
    latent = _Latent(trainer.architecture, weights, trainer.settings)
    best = _Best(latent)
    trainer.run(_all_layers_phase(trainer, latent, best))
    latent.restore(best.state)
    if trainer.settings.binary.last_layer_epochs:
        _train_last_layer(trainer, latent, best)
        latent.restore(best.state)
    return latent.network()


def _all_layers_phase(trainer: _Trainer, latent: _Latent, best: _Best) -> Phase:
    settings = trainer.settings.binary
    *hidden, last = latent.weights
    windows = {name: max(1.0, settings.gradient_window * math.sqrt(latent.fan_in(name))) for name in hidden}

    def validate() -> float:
        validation = trainer.validation
        network = latent.network()
        correct = reference.correct_count(network, validation.images, validation.labels, trainer.device)
        best.offer(correct)
        return correct / len(validation.labels)

    phase = trainer.real_phase("binary", latent.weights, settings.epochs, settings.learning_rate)
    return replace(
        phase,
        logits=lambda images: training.forward(trainer.architecture, latent.ternary(), images, windows),
        validate=validate,
        logit_scale=settings.logit_scale / latent.fan_in(last),
        after=lambda progress: latent.constrain(*latent.weights),
    )


def _train_last_layer(trainer: _Trainer, latent: _Latent, best: _Best) -> None:
    """Go on with the last layer alone. The layers before it are fixed, so their outputs are computed once."""
    settings, scale = trainer.settings.binary, trainer.architecture.input_scale
    last = trainer.architecture.layers[-1].name
    network = latent.network()
    exact = reference.exact_type(trainer.device, scale * latent.weights[last][0].numel())
    inputs = trainer.tensor(reference.features(network, trainer.train.images, trainer.device))
    validation = trainer.tensor(reference.features(network, trainer.validation.images, trainer.device))
    labels = trainer.validation.labels

    def ternary() -> torch.Tensor:
        return training.ternarize(latent.weights[last], latent.masks[last])

    @torch.no_grad()
    def validate() -> float:
        logits = validation.to(exact) @ ternary().to(exact).T
        correct = int((logits.cpu().numpy().argmax(axis=1) == labels).sum())
        best.offer(correct)
        return correct / len(labels)

    phase = Phase(
        name="last_layer",
        epochs=settings.last_layer_epochs,
        learning_rate=settings.last_layer_learning_rate,
        batch_size=settings.last_layer_batch_size,
        parameters=[latent.weights[last]],
        inputs=lambda features: features.float() / scale,
        logits=lambda features: features @ ternary().T,
        validate=validate,
        logit_scale=settings.logit_scale / latent.fan_in(last),
        after=lambda progress: latent.constrain(last),
    )
    training.run(phase, inputs, trainer.labels, trainer.generator, trainer.curve)
