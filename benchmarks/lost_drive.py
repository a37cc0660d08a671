"""Draws a drive that goes wrong: where the car went, what the network saw there, and what it and the expert chose.

The network is that of 2026-11-24 at 90 % sparsity, seed 1, which knew no limit of the speed. The track is the one on
which it got a return of 509. Decisions are of 0.04 seconds. Prints the return.

Usage: python benchmarks/lost_drive.py [--network NETWORK] [--track 200033] [--output docs/images/lost_drive.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas

import aann
from aann.artifacts import atomic_path
from aann.driving import CLASSES, driven
from aann.driving.episodes import Driver, Episode, ExpertDriver, NetworkDriver
from aann.driving.simulator import FRAMES_PER_SECOND
from aann.figures.style import BLUE, GREEN, GREY, ORANGE, PAGE_WIDTH, RED, use_style
from aann.networks import TernaryNetwork
from aann.settings.study import Settings, load

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NETWORK = Path("benchmarks/lost_drive.safetensors.gz")
SHOWN = (150, 164, 176, 184, 190, 204, 300)
"""Decisions whose frames are drawn."""


def drive(driver: Driver, settings: Settings, track: int) -> tuple[Episode, pandas.DataFrame, dict[int, np.ndarray]]:
    """Return the episode at its end, a row for each decision, and the frames of those in ``SHOWN``."""
    episode, expert = Episode(track, driven(settings, "car"), settings.driving), ExpertDriver(settings.driving)
    rows: list[tuple[object, ...]] = []
    frames: dict[int, np.ndarray] = {}
    while not episode.over:
        simulator = episode.simulator
        if len(rows) in SHOWN:
            frames[len(rows)] = episode.frame
        (x, y), _, speed, _ = simulator.state
        logits = driver.logits(episode) if isinstance(driver, NetworkDriver) else np.full(len(CLASSES), np.nan)
        chosen, wanted = driver.choose(episode), expert.choose(episode)
        row = (simulator.steps / FRAMES_PER_SECOND, x, y, speed, simulator.wrong_way, simulator.total)
        rows.append((*row, CLASSES[chosen], CLASSES[wanted], *logits))
        episode.act(chosen)
    columns = ["seconds", "x", "y", "speed", "wrong_way", "return", "chosen", "expert", *CLASSES]
    return episode, pandas.DataFrame(rows, columns=columns), frames


def draw(network: TernaryNetwork, settings: Settings, track: int, output: Path) -> float:
    """Draw a network's drive on a track beside the expert's; return its return."""
    use_style()
    import matplotlib.pyplot as plt

    episode, drove, frames = drive(NetworkDriver(network), settings, track)
    _, best, _ = drive(ExpertDriver(settings.driving), settings, track)
    figure = plt.figure(figsize=(PAGE_WIDTH, 4.6), layout="constrained")
    rows = figure.add_gridspec(2, 1, height_ratios=[1, 2.6])
    frame_axes = rows[0].subgridspec(1, len(frames)).subplots(squeeze=False)[0]
    grid = rows[1].subgridspec(2, 2, width_ratios=[1, 1.2])
    for axes, (decision, frame) in zip(frame_axes, frames.items(), strict=True):
        axes.imshow(frame)
        axes.set(xticks=[], yticks=[], title=f"{drove.seconds[decision]:.2f} s")
        axes.spines[:].set_visible(False)
        axes.set_xlabel(f"{drove.chosen[decision]}\nexpert: {drove.expert[decision]}", fontsize=6.5)
    _draw_way(figure.add_subplot(grid[:, 0]), episode.simulator.center_line, drove, best)
    first, last = SHOWN[0] - 10, SHOWN[-2] + 6
    near = drove[first:last]
    speeds, outputs = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
    speeds.plot(near.seconds, near.speed, color=BLUE)
    speeds.set(ylabel="speed", ylim=(0, None))
    for name, color in zip(CLASSES, (GREY, GREEN, ORANGE), strict=True):
        outputs.plot(near.seconds, near[name], color=color, label=name)
        wanted = near.seconds[near.expert == name]
        outputs.plot(wanted, np.full(len(wanted), -720), "s", color=color, markersize=2.5)
    outputs.set(ylabel="output", xlabel="seconds; squares: what the expert would choose", ylim=(-800, 1150))
    outputs.legend(loc="upper right", ncols=3)
    with atomic_path(output) as temporary:
        figure.savefig(temporary, dpi=200)
    plt.close(figure)
    return episode.simulator.total


def _draw_way(axes: Axes, road: np.ndarray, drove: pandas.DataFrame, best: pandas.DataFrame) -> None:
    """Draw a map: the road, the expert's way, and the network's, in red where it heads the wrong way."""
    axes.plot(*np.vstack([road, road[:1]]).T, color="#DDDDDD", linewidth=5, zorder=0)
    axes.plot(best.x, best.y, color=GREY, linewidth=0.7, label="expert")
    for wrong, color, label in ((False, BLUE, "network"), (True, RED, "network, wrong way")):
        axes.plot(drove.x.where(drove.wrong_way == wrong), drove.y, color=color, linewidth=1.1, label=label)
    axes.plot(*road[0], "k^", markersize=4)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.legend(loc="best")


def _without_limit(settings: Settings) -> Settings:
    expert = settings.driving.expert.model_copy(update={"top_speed": None})
    return settings.model_copy(update={"driving": settings.driving.model_copy(update={"expert": expert})})


def main() -> None:
    """Draw the drive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", type=Path, default=NETWORK)
    parser.add_argument("--track", type=int, default=200_033)
    parser.add_argument("--output", type=Path, default=Path("docs/images/lost_drive.png"))
    chosen = parser.parse_args()
    settings = _without_limit(load([Path("config/config.yaml")]))
    print(f"return {draw(aann.load_network(chosen.network), settings, chosen.track, chosen.output):.2f}")


if __name__ == "__main__":
    main()
