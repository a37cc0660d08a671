"""Data sets: where each comes from, what its images are, and how they are split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aann.catalog import ACTIONS, BRIGHTEST, HALF, LETTERS, SMALL_GREY, VIEWS, Archives, View
from aann.settings.types import Folder, Printable, Section, Seed

Title = Annotated[str, Field(max_length=100), Printable]
ClassName = Annotated[str, Field(min_length=1, max_length=64), Printable]
Classes = Annotated[list[ClassName], Field(min_length=2)] | Annotated[int, Field(ge=2, le=10_000)]


class DownloadsSettings(Section):
    """Where archives of data sets come from and are kept."""

    folder: Folder = Field("results/datasets", description="Where archives are kept, for all scales.")
    mirrors: list[Annotated[str, Field(min_length=1), Printable]] = Field(
        default=[],
        description="Folders or URLs that hold `mnist/` and `fashion-mnist/`, or torchvision's `MNIST/raw/` and "
        "`FashionMNIST/raw/`; tried after the environment variable `AANN_DATA_MIRROR` and before torchvision's own "
        "addresses.",
    )


class DatasetSettings(Section):
    """What the data sets of all kinds have."""

    kind: str
    title: Title = Field("", description="What figures call it; without one, its name.")

    @property
    def shape(self) -> list[int]:
        """Channels, height and width of an image."""
        return list(SMALL_GREY)

    @property
    def class_names(self) -> list[str]:
        """The names of its classes, in the order of their numbers."""
        return [str(number) for number in range(10)]

    @property
    def signed(self) -> bool:
        """Whether its images hold negative integers."""
        return False

    @property
    def largest(self) -> int:
        """The largest magnitude in its images."""
        return BRIGHTEST


def _names(classes: list[str] | int) -> list[str]:
    return [str(number) for number in range(classes)] if isinstance(classes, int) else classes


class ArchivesDataSettings(DatasetSettings):
    """MNIST and data sets that torchvision has in archives like its own: downloaded, with test images of their own."""

    kind: Literal["archives"] = Field(description="Where the data come from.")
    archives: Archives = Field(description="Which archives.")
    classes: Classes = Field(10, description="Names of the classes, or how many there are.")
    validation_images: int = Field(10_000, ge=1, description="Training images set aside to choose networks by.")
    seed: Seed = Field(0, description="Draws the validation images.")

    @property
    def class_names(self) -> list[str]:
        """The names of its classes, in the order of their numbers."""
        return _names(self.classes)


class DigitsDataSettings(DatasetSettings):
    """The 1,797 digits that scikit-learn has, enlarged to 28 x 28 pixels."""

    kind: Literal["digits"] = Field(description="Where the data come from.")
    validation_images: int = Field(300, ge=1, description="Images set aside to choose networks by.")
    test_images: int = Field(600, ge=1, description="Images set aside to test networks.")
    seed: Seed = Field(0, description="Draws the images that are set aside.")


class LettersDataSettings(DatasetSettings):
    """Ten letters, drawn in nine fonts, rotated, scaled, sheared and shifted."""

    kind: Literal["letters"] = Field(description="Where the data come from.")
    images: int = Field(3000, ge=20, description="Images that are drawn.")
    validation_images: int = Field(300, ge=1, description="Images set aside to choose networks by.")
    test_images: int = Field(600, ge=1, description="Images set aside to test networks.")
    seed: Seed = Field(0, description="Draws the letters, and the images that are set aside.")

    @property
    def class_names(self) -> list[str]:
        """The letters."""
        return list(LETTERS)


class DrivingDataSettings(DatasetSettings):
    """What a network sees of a drive in CarRacing, and what the expert does (section `driving`)."""

    kind: Literal["driving"] = Field(description="Where the data come from.")
    sees: View = Field(
        description="`two-frames`: where the road is and how it moves, in green; `color`: the frame now, as in the "
        "paper."
    )
    limit: int = Field(
        51,
        ge=1,
        lt=HALF,
        description="Of `two-frames`: larger values count no more. 51 is half of what is between road and grass.",
    )

    @property
    def shape(self) -> list[int]:
        """Channels, height and width of what is seen."""
        return list(VIEWS[self.sees])

    @property
    def class_names(self) -> list[str]:
        """What the expert chooses between."""
        return list(ACTIONS)

    @property
    def signed(self) -> bool:
        """Whether its images hold negative integers."""
        return True

    @property
    def largest(self) -> int:
        """The largest magnitude in what is seen."""
        return HALF if self.sees == "color" else self.limit


Dataset = Annotated[
    ArchivesDataSettings | DigitsDataSettings | LettersDataSettings | DrivingDataSettings, Field(discriminator="kind")
]
"""An entry of ``datasets``; its ``kind`` is the module of ``aann.datasets`` that reads it, unless it is driven."""
