"""Stage datasets: where data come from and how they are split."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aann.settings.types import Folder, Printable, Section, Seed

IMAGES = {
    "mnist": ([1, 28, 28], 10),
    "fashion-mnist": ([1, 28, 28], 10),
    "digits": ([1, 28, 28], 10),
    "letters": ([1, 28, 28], 10),
    "driving": ([2, 84, 84], 3),
    "driving-rgb": ([3, 72, 72], 3),
}
"""Of every data set: channels, height and width of an image, and the number of classes."""

SIGNED = {"driving": 51, "driving-rgb": 128}
"""Data sets whose images hold negative integers, and the largest magnitude in them."""


TITLES = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "digits": "scikit-learn digits",
    "letters": "Drawn letters",
    "driving": "CarRacing",
    "driving-rgb": "CarRacing, one color frame",
}
"""What figures call each data set."""


class DatasetSettings(Section):
    """Where data come from and how they are split."""

    folder: Folder = Field("results/datasets", description="Where archives are kept, for all scales.")
    mirrors: list[Annotated[str, Field(min_length=1), Printable]] = Field(
        default=[],
        description="Folders or URLs that hold `mnist/` and `fashion-mnist/`, or torchvision's `MNIST/raw/` and "
        "`FashionMNIST/raw/`; tried after the environment variable `AANN_DATA_MIRROR` and before torchvision's own "
        "addresses.",
    )
    validation_images: int = Field(10_000, ge=1, description="Training images set aside to choose networks by.")
    test_images: int = Field(600, ge=1, description="Test images of the data sets that are made here.")
    letters: int = Field(3000, ge=20, description="Images that are drawn for `letters`.")
    seed: Seed = Field(0, description="Draws the validation images (and, for made data sets, the data).")
