"""The video: a network of p-SIREN drives on the first of the tracks for returns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aann.figures.kinds import Source
from aann.networks import Architecture, TernaryNetwork
from aann.settings.plans import Plan, Study
from aann.settings.study import Settings, validate

if TYPE_CHECKING:
    from aann.settings.figures import VideoFigureSettings

FILES = ("mp4",)
MEMORY_MB = 1500


def plan(entry: VideoFigureSettings, study: Study) -> Plan:
    """Return a plan that needs the network of the first seed, and the settings by which it drives."""
    study.require_driven(entry.task)
    network = study.network(entry.task, entry.sparsity)
    part = study.settings.driving_part(entry.task, ("repeat", "steps", "expert"))
    return Plan(
        kind=entry.kind,
        title=f"{entry.sparsity:g} % sparse, weights -1, 0, +1",
        inputs=(network,),
        options={"task": entry.task, "settings": part},
    )


def read(source: Source) -> dict[str, Any]:
    """Return the network, its task and settings, and what it is."""
    task, settings = source.option("task"), validate(source.option("settings"), "plan")
    (path,) = source.paths("network")
    network = TernaryNetwork.load(path, Architecture.from_dict(settings.network(task)))
    return {"network": network, "task": task, "settings": settings, "title": source.plan.title}


def draw(
    network: TernaryNetwork, task: str, settings: Settings, title: str, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Film the network's drive. Raises ``InputError`` if there is no encoder."""
    from aann.driving import driven
    from aann.driving.demonstrations import tracks
    from aann.driving.video import write_video

    track, dataset = tracks("returns", 1)[0], driven(settings, task)
    write_video(network, dataset, settings.driving, track, output, title, provenance)
