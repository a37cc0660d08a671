"""Data sets: where each comes from, what its images are, and how they are split."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from aann.catalog import ACTIONS, BRIGHTEST, HALF, LETTERS, SMALL_GREY, VIEWS, Archives, Fit, Part, View
from aann.settings.types import Folder, Printable, Section, Seed, matching, require_distinct

Title = Annotated[str, Field(max_length=100), Printable]
LONGEST_CLASS_NAME, MOST_CLASSES = 64, 10_000
ClassName = Annotated[str, Field(min_length=1, max_length=LONGEST_CLASS_NAME), Printable]


def _distinct(names: list[str]) -> list[str]:
    require_distinct(names, "names of classes")
    return names


Classes = (
    Annotated[list[ClassName], Field(min_length=2), AfterValidator(_distinct)]
    | Annotated[int, Field(ge=2, le=MOST_CLASSES)]
)


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

    memory_mb: ClassVar[int] = 1000
    """Of the job that splits it."""

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

    @property
    def places(self) -> dict[str, str]:
        """What it is read from and must be there, by the keys of the settings."""
        return {}


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


class ImagesSettings(DatasetSettings):
    """What data sets of a user's own have: images of one size, made of what is read, and splits."""

    memory_mb: ClassVar[int] = 4000

    size: list[Annotated[int, Field(ge=1, le=4096)]] = Field(
        min_length=2, max_length=2, description="Height and width of the images, in pixels; others are resized."
    )
    channels: Literal[1, 3] = Field(description="1: grey; 3: red, green and blue.")
    classes: Classes = Field(description="Names of the classes, or how many there are.")
    fit: Fit = Field(
        "crop",
        description="How an image of another shape gets the size: `crop` keeps its middle, `pad` puts black beside it, "
        "`stretch` changes its proportions.",
    )
    centered: bool = Field(
        False, description="Whether 128 is subtracted; then the network has `signed: true` and `input_scale: 128`."
    )
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="Of each class of the training images, if the data have no validation images."
    )
    test_share: float = Field(
        0.2, gt=0, lt=1, description="Of each class of all images, if the data have no test images."
    )
    seed: Seed = Field(0, description="Draws the images that are set aside.")

    @property
    def shape(self) -> list[int]:
        """Channels, height and width of an image."""
        return [self.channels, *self.size]

    @property
    def class_names(self) -> list[str]:
        """The names of its classes, in the order of their numbers; numbers where the settings have no names."""
        return _names(self.classes)

    @property
    def signed(self) -> bool:
        """Whether its images hold negative integers."""
        return self.centered

    @property
    def largest(self) -> int:
        """The largest magnitude in its images."""
        return HALF if self.centered else BRIGHTEST


class FolderDataSettings(ImagesSettings):
    """A folder of images (PNG, JPEG, WebP, BMP): a sub-folder a class, in `train`, `validation` and `test` if any."""

    kind: Literal["folder"] = Field(description="Where the data come from.")
    folder: Folder = Field(description="The folder.")
    skip_unreadable: bool = Field(False, description="Whether images that cannot be read are passed over and counted.")

    @property
    def places(self) -> dict[str, str]:
        """The folder."""
        return {"folder": self.folder}


class PairSettings(Section):
    """Images and their labels: names in an `.npz` file, or two `.npy` files."""

    images: Folder = Field(description="Images: numbers of 3 or 4 axes, the first an image each.")
    labels: Folder = Field(description="Labels: a class each.")


class ArraysDataSettings(ImagesSettings):
    """Arrays of NumPy: one `.npz` file, or pairs of `.npy` files."""

    kind: Literal["arrays"] = Field(description="Where the data come from.")
    file: Folder | None = Field(None, description="An `.npz` file.")
    pairs: dict[Part, PairSettings] = Field(
        default={},
        description="By `train`, `validation` and `test`: with `file`, names in it, for which the usual ones are found "
        "without (`images` and `labels`, `x_train` and `y_train`, ...); else `.npy` files.",
    )
    axis: Literal["auto", "first", "last"] = Field(
        "auto", description="Which of the axes of an image has its channels, if one has; `auto`: that of 1, 3 or 4."
    )

    @model_validator(mode="after")
    def _has_a_file(self) -> ArraysDataSettings:
        if self.file is None and "train" not in self.pairs:
            raise ValueError("expected file: an .npz file, or pairs: {train: {images: ..., labels: ...}}")
        return self

    @property
    def places(self) -> dict[str, str]:
        """The files."""
        if self.file is not None:
            return {"file": self.file}
        named = {part: pair.model_dump() for part, pair in self.pairs.items()}
        return {f"pairs.{part}.{key}": path for part, pair in named.items() for key, path in pair.items()}


class ParquetDataSettings(ImagesSettings):
    """Parquet files as model hubs hold sets of images: encoded images (bytes) and labels."""

    kind: Literal["parquet"] = Field(description="Where the data come from.")
    files: dict[Part, list[Folder]] = Field(description="Files by `train`, `validation` and `test`.")
    image: str = Field("", description="The column of images; found without.")
    label: str = Field("", description="The column of labels; found without.")
    skip_unreadable: bool = Field(False, description="Whether images that cannot be read are passed over and counted.")

    @model_validator(mode="after")
    def _has_training_files(self) -> ParquetDataSettings:
        if not self.files.get("train"):
            raise ValueError("files: expected at least one file under train")
        return self

    @property
    def places(self) -> dict[str, str]:
        """The files."""
        return {f"files.{part}.{index}": path for part, paths in self.files.items() for index, path in enumerate(paths)}


class TorchvisionDataSettings(ImagesSettings):
    """A data set of torchvision whose items are an image and a class."""

    kind: Literal["torchvision"] = Field(description="Where the data come from.")
    dataset: Annotated[str, matching(r"^[A-Za-z]\w*$", "the name of a class of torchvision.datasets")] = Field(
        description="A class of `torchvision.datasets`, such as `CIFAR10`."
    )
    root: Folder = Field(description="The folder that holds it as torchvision keeps it, and nothing else.")
    download: bool = Field(False, description="Whether torchvision may download what is not there.")
    options: dict[str, bool | int | str] = Field(
        default={}, description="What else the class takes, such as `split: letters` for `EMNIST`."
    )

    @property
    def places(self) -> dict[str, str]:
        """The folder, unless it is filled by a download."""
        return {} if self.download else {"root": self.root}


class FunctionDataSettings(ImagesSettings):
    """A Python function of one's own that takes nothing and returns arrays: images and labels, or these by split."""

    kind: Literal["function"] = Field(description="Where the data come from.")
    function: Annotated[
        str, matching(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", "a module and a function in it, as in module:name")
    ] = Field(
        description="`module:name`; the module is found in the folder that the build runs in, or is installed.",
    )
    axis: Literal["auto", "first", "last"] = Field(
        "auto", description="Which of the axes of an image has its channels, if one has; `auto`: that of 1, 3 or 4."
    )


Dataset = Annotated[
    ArchivesDataSettings
    | DigitsDataSettings
    | LettersDataSettings
    | DrivingDataSettings
    | FolderDataSettings
    | ArraysDataSettings
    | ParquetDataSettings
    | TorchvisionDataSettings
    | FunctionDataSettings,
    Field(discriminator="kind"),
]
"""An entry of ``datasets``; its ``kind`` is the module of ``aann.datasets`` that reads it, unless it is driven."""
