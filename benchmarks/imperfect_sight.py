"""How experts drive that see their car's angle with an error, as a network does that learned from them.

At each decision, normal noise is added to the angle, and the choice is acted out. Compared are the expert of the
settings and one that was tuned to drive best without noise. Prints, and writes as CSV, for each amount of noise: how
often the choice is the one without noise, the mean return with its standard error, and the least.

Usage: python benchmarks/imperfect_sight.py [--tracks 160] [--processes 2] [--output docs/tables/imperfect_sight.csv]
"""

from __future__ import annotations

import argparse
import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pandas

from aann.artifacts import write_table
from aann.driving.episodes import Episode, each
from aann.driving.expert import Expert
from aann.driving.simulator import Simulator
from aann.settings.driving import DrivingSettings, ExpertSettings

EXPERTS = {
    "of the settings": ExpertSettings(),
    "tuned without noise": ExpertSettings(
        gain=1.704,
        damping=0.242,
        lookahead=10.91,
        lookahead_seconds=0.2915,
        threshold=0.1205,
        turn=0.511,
        turning_gas=0.0592,
        turning_brake=0.0504,
        gas=0.304,
    ),
}
NOISE = (0.0, 0.03, 0.05, 0.07)
"""Standard deviations in radians."""

FIRST_TRACK = 900_000
"""The tracks after it are of no kind that the settings use."""


class Shortsighted(Expert):
    """An expert that sees the angle of its car with normal noise, anew at each look."""

    def __init__(self, settings: ExpertSettings, noise: float, random: np.random.Generator) -> None:
        super().__init__(settings)
        self._noise, self._random = settings.gain * noise, random

    def steering(self, simulator: Simulator) -> float:
        """Return how much the expert would steer for the angle that it sees."""
        return super().steering(simulator) + self._noise * self._random.normal()


def drive(settings: DrivingSettings, noise: float, track: int) -> tuple[float, float]:
    """Return the sum of rewards on a track, and how often the choice was the one without noise."""
    expert, episode = Expert(settings.expert), Episode(track, None, settings)
    driver = Shortsighted(settings.expert, noise, np.random.default_rng(track))
    agreed = []
    while not episode.over:
        choice = driver.choose(episode.simulator)
        agreed.append(choice == expert.choose(episode.simulator))
        episode.act(choice)
    return episode.simulator.total, float(np.mean(agreed))


def main() -> None:
    """Drive with each expert and noise, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=160)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("docs/tables/imperfect_sight.csv"))
    chosen = parser.parse_args()
    tracks, rows = range(FIRST_TRACK, FIRST_TRACK + chosen.tracks), []
    for (name, expert), noise in itertools.product(EXPERTS.items(), NOISE):
        work = partial(drive, DrivingSettings(expert=expert), noise)
        returns, agreed = np.array(list(each(work, tracks, chosen.processes))).T
        error = returns.std(ddof=1) / len(returns) ** 0.5 if len(returns) > 1 else float("nan")
        rows.append((name, noise, agreed.mean(), returns.mean(), error, returns.min()))
        print(f"{name}, noise {noise:.2f}: agrees {agreed.mean():.1%}, return {returns.mean():.1f} ± {error:.1f}")
    columns = ["expert", "noise_radians", "agreement", "mean_return", "standard_error", "least_return"]
    write_table(chosen.output, pandas.DataFrame(rows, columns=columns))


if __name__ == "__main__":
    main()
