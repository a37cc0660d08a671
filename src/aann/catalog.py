"""Facts that several layers need: what the kinds of data sets have that no setting changes."""

from __future__ import annotations

from typing import Literal, get_args

Archives = Literal["mnist", "fashion-mnist", "kmnist"]
View = Literal["two-frames", "color"]
Part = Literal["train", "validation", "test"]
Fit = Literal["crop", "pad", "stretch"]

PARTS: tuple[str, ...] = get_args(Part)
"""The splits of a data set."""

SPLIT_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
}
"""What users' files, folders and arrays of splits are called, in small letters, and the splits."""

TORCHVISION: dict[str, str] = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}
"""Data sets whose archives are like MNIST's, and torchvision's class for each."""

SMALL_GREY = (1, 28, 28)
"""Channels, height and width of their images, and of those that are made here to look like them."""

LETTERS = "ABCDEFGHJK"
"""The classes of drawn letters, in order."""

VIEWS: dict[View, tuple[int, int, int]] = {"two-frames": (2, 84, 84), "color": (3, 72, 72)}
"""What a network may see of a drive: channels, height and width."""

ACTIONS = ("GO", "LEFT", "RIGHT")
"""What a network that drives chooses between; its logits are in this order."""

BRIGHTEST = 255
"""Images are bytes from 0 to this one."""

HALF = 128
"""Images in signed bytes are from minus this one; it is what is subtracted from a byte to center it."""
