"""Stage driving: imitation learning in CarRacing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from aann.settings.psiren import PSirenSettings
from aann.settings.types import Section, Seed, Sparsity

Tracks = Annotated[int, Field(ge=1, le=100_000)]


class ExpertSettings(Section):
    """The expert of the driving task: it steers by the angle to a point ahead of it, less its yaw rate."""

    gain: float = Field(1.7, gt=0, description="Steering for an angle of 1 to the point ahead.")
    damping: float = Field(0.23, ge=0, description="Steering back for a yaw rate of 1 a second.")
    lookahead: float = Field(13.2, ge=0, description="How far ahead the point lies, in CarRacing's unit of length.")
    lookahead_seconds: float = Field(0.265, ge=0, description="And so many seconds farther, at the speed of the car.")
    threshold: float = Field(0.1415, ge=0, description="Steering above which the expert chooses LEFT or RIGHT, not GO.")
    turn: float = Field(0.487, gt=0, le=1, description="Steering in LEFT and RIGHT.")
    turning_gas: float = Field(0.056, ge=0, le=1, description="Gas in LEFT and RIGHT.")
    turning_brake: float = Field(0.0555, ge=0, le=1, description="Brake in LEFT and RIGHT.")
    gas: float = Field(0.3135, gt=0, le=1, description="Gas in GO.")
    top_speed: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Speed, in CarRacing's units a second, above which GO gives no gas, whoever drives; without a "
        "value, it always gives gas.",
    )


class NoiseSettings(Section):
    """Bursts of one random action while demonstrations are recorded; the expert says what it would have done."""

    most: float = Field(
        0.06, ge=0, le=1, description="Largest probability that a burst begins at a decision; an episode draws its own."
    )
    shortest: int = Field(2, ge=1, description="Decisions in the shortest burst.")
    longest: int = Field(8, ge=1, description="Decisions in the longest burst.")

    @model_validator(mode="after")
    def _in_order(self) -> NoiseSettings:
        if self.shortest > self.longest:
            raise ValueError(f"shortest: {self.shortest} is more than longest, which is {self.longest}")
        return self


class TracksSettings(Section):
    """How many tracks there are of each kind; no track is of two kinds."""

    train: Tracks = Field(140, description="Training frames: the expert drives.")
    rounds: list[Tracks] = Field(
        default=[40, 40],
        description="Training frames by round: a network made from all earlier frames drives (DAgger), and the expert "
        "says what it would do.",
    )
    validation: Tracks = Field(24, description="Validation frames.")
    test: Tracks = Field(24, description="Test frames.")
    returns: Tracks = Field(50, description="Return of networks in the closed loop, and of the expert.")


class DrivingSettings(Section):
    """Stage driving: imitation learning in CarRacing."""

    seed: Seed = Field(0, description="Draws noise and mirrors, and trains the drivers of the rounds.")
    repeat: int = Field(2, ge=1, le=50, description="Steps of the simulator (50 a second) for each decision.")
    steps: int = Field(1000, ge=1, description="Steps after which an episode ends.")
    every: int = Field(2, ge=1, description="Every so many decisions, a frame of the demonstrations is recorded.")
    mirror: float = Field(0.5, ge=0, le=1, description="Share of the training frames that are seen in a mirror.")
    expert: ExpertSettings = Field(default=ExpertSettings(), description="The driver that networks imitate.")
    noise: NoiseSettings = Field(default=NoiseSettings(), description="Disturbances.")
    tracks: TracksSettings = Field(default=TracksSettings(), description="Tracks.")
    sparsity: Sparsity = Field(90.0, description="Sparsity of the drivers of the rounds.")
    psiren: PSirenSettings = Field(default=PSirenSettings(), description="p-SIREN for the drivers of the rounds.")
    brief: Tracks = Field(2, description="How many of the tracks for returns networks of p-SIREN drive on.")
    thorough: list[Sparsity] = Field(
        default=[90.0], description="Sparsities at which they drive on all of these tracks."
    )
    searched: Tracks = Field(20, description="How many of them networks of SENSE, and their starts, drive on.")
