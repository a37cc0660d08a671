"""What tests of exported networks share: networks of every kind of layer, compiled C, and emulated boards."""

import gzip
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from commands import lacks

from aann.evaluation import reference
from aann.export import source
from aann.layers import Convolution, Dense
from aann.networks import Architecture
from aann.sense.starts import random_network

STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")
SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

KINDS = {
    "dense": Architecture((1, 3, 4), (Dense("fc", 5),)),
    "two dense": Architecture((2, 3, 4), (Dense("a", 7), Dense("b", 3)), input_scale=1000, signed=True),
    "a step without pooling": Architecture((1, 8, 8), (Convolution("1", 3, 3, pool_stride=2), Dense("fc", 4))),
    "no pooling": Architecture((1, 6, 5), (Convolution("1", 3, 3), Dense("fc", 4))),
    "max": Architecture(
        (2, 11, 9), (Convolution("1", 3, 3, padding=1, pool=3, pool_stride=2), Dense("fc", 4)), signed=True
    ),
    "average": Architecture(
        (3, 9, 11),
        (Convolution("1", 4, 3, pool=(2, 3), pool_stride=(1, 2), pooling="average"), Dense("fc", 4)),
        input_scale=100,
        signed=True,
    ),
    "by side": Architecture(
        (1, 13, 17),
        (
            Convolution("1", 4, kernel=(3, 5), stride=(2, 3), padding=(2, 1), pool=(1, 2), pool_stride=(2, 1)),
            Convolution("2", 3, kernel=(2, 1), padding=(1, 0)),
            Dense("fc1", 6),
            Dense("fc2", 3),
        ),
    ),
    "wide padding": Architecture((1, 4, 4), (Convolution("1", 2, 2, padding=3, pool=2), Dense("fc", 3))),
    "large stride": Architecture(
        (1, 12, 12), (Convolution("1", 2, 2, stride=4, pool=1, pool_stride=2), Dense("fc", 2))
    ),
    "wide sums": Architecture(
        (8, 8, 8), (Convolution("1", 2, 5, padding=2, pool=2), Dense("fc", 2)), input_scale=2**14
    ),
    "one unit": Architecture((1, 300, 2), (Convolution("1", 1, (3, 1)), Dense("fc", 1))),
}
"""Architectures that together have all that layers can have."""


def network_of(name, sparsity=60):
    return random_network(KINDS[name], sparsity, 0)


def images_of(architecture, count, seed=0):
    """Return random images of an architecture, in the type of exported networks."""
    lowest = -architecture.input_scale if architecture.signed else 0
    random = np.random.default_rng(seed)
    images = random.integers(lowest, architecture.input_scale, (count, *architecture.input_shape), endpoint=True)
    return images.astype(source.input_type(architecture))


def mnist_test(mirror):
    """Return the 10,000 test images of MNIST, uint8 (10000, 1, 28, 28), and their labels."""
    folder = Path(mirror) / "mnist"
    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    return np.frombuffer(images, np.uint8).reshape(-1, 1, 28, 28), np.frombuffer(labels, np.uint8)


def require(*programs):
    """Fail in CI and skip elsewhere unless programs are here."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        packages = "gcc gcc-arm-none-eabi qemu-system-arm"
        lacks(f"needs {' and '.join(missing)}; on Debian: apt-get install {packages}")


@dataclass(frozen=True)
class Program:
    """A network in C, compiled."""

    folder: Path
    architecture: Architecture
    options: tuple[str, ...] = ()

    def compile(self):
        """Compile it, without a warning."""
        require("gcc")
        command = ["gcc", *STRICT, *self.options, "main.c", "aann.c", "-o", "run"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def run(self, *arguments):
        command = [self.folder / "run", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def logits(self, images):
        """Return the logits that it prints."""
        images.astype(source.input_type(self.architecture)).tofile(self.folder / "images.bin")
        done = self.run("images.bin")
        assert done.returncode == 0, done.stderr
        printed = [line.split(" class ") for line in done.stdout.splitlines()]
        logits = np.array([row.split() for row, _ in printed], np.int64)
        assert np.array_equal(logits.argmax(axis=1), [int(number) for _, number in printed])
        return logits


def compiled(network, folder, *options, lanes=1):
    """Return a network in C, compiled."""
    image = images_of(network.architecture, 1, seed=1)
    source.save(network, folder, image[0], reference.logits(network, image)[0])
    program = Program(folder, network.architecture, (f"-DAANN_LANES={lanes}", *options))
    program.compile()
    return program
