"""What networks see of drives in tests."""

from aann.settings.datasets import DrivingDataSettings

FRAMES = DrivingDataSettings(kind="driving", sees="two-frames")
COLOR = DrivingDataSettings(kind="driving", sees="color")
