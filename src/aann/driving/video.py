"""The video: a network drives; beside the scene are what it sees, its three outputs, and its return so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aann.artifacts import atomic_path, to_json
from aann.driving import CLASSES, driven
from aann.driving.demonstrations import tracks
from aann.driving.episodes import Episode, NetworkDriver
from aann.driving.simulator import FRAMES_PER_SECOND
from aann.errors import InputError
from aann.lineage import provenance
from aann.networks import Architecture, TernaryNetwork
from aann.settings.datasets import DrivingDataSettings
from aann.settings.driving import DrivingSettings
from aann.settings.study import Settings

_SIZE = (960, 440)
_SCENE = (20, 20)
_SIDE = 150
_PANEL = 640
_BLUE, _ORANGE, _GREY, _INK, _PAPER = "#0072B2", "#D55E00", "#BBBBBB", "#222222", "#FFFFFF"


def write_video(
    network: TernaryNetwork,
    data: DrivingDataSettings,
    settings: DrivingSettings,
    track: int,
    output: Path,
    title: str,
    recorded: Mapping[str, Any],
) -> float:
    """Write an MP4 (H.264, as browsers play it) of a network's drive on a track; return the sum of rewards.

    The file's metadata hold the title, and the provenance as comment. Raises ``InputError`` if there is no encoder.
    """
    episode, driver = Episode(track, data, settings), NetworkDriver(network)
    rate = Fraction(FRAMES_PER_SECOND, settings.repeat)
    with atomic_path(output) as temporary:
        _encode(temporary, _pictures(episode, driver, title), rate, {"title": title, "comment": to_json(recorded)})
    return episode.simulator.total


def _pictures(episode: Episode, driver: NetworkDriver, title: str) -> Iterator[Image.Image]:
    while not episode.over:
        logits = driver.logits(episode)
        yield _picture(episode, logits, title)
        episode.act(int(logits.argmax()))


def _picture(episode: Episode, logits: np.ndarray, title: str) -> Image.Image:
    """Return one picture: the scene, what the network sees, its outputs, and the return so far."""
    picture = Image.new("RGB", _SIZE, _PAPER)
    picture.paste(Image.fromarray(episode.simulator.picture()), _SCENE)
    draw = ImageDraw.Draw(picture)
    draw.text((_PANEL, 20), title, fill=_INK, font=_font(15))
    draw.text((_PANEL, 48), "What the network sees", fill=_INK, font=_font(13))
    for place, channel in enumerate(_shown(episode.seen)):
        shown = Image.fromarray(channel).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        picture.paste(shown, (_PANEL + place * (_SIDE + 6), 70))
    _draw_outputs(draw, logits)
    steps = f"{episode.simulator.steps / FRAMES_PER_SECOND:.1f} s"
    draw.text((_PANEL, 382), f"Return {episode.simulator.total:.0f}", fill=_INK, font=_font(24))
    draw.text((_PANEL + 190, 390), f"after {steps}", fill=_INK, font=_font(15))
    return picture


def _shown(seen: np.ndarray) -> list[np.ndarray]:
    """Return pictures, uint8, of what a network sees: one in color, or one a channel."""
    grey = ((seen.astype(np.int16) - seen.min()) * (255 / max(1, int(np.ptp(seen))))).astype(np.uint8)
    return [grey.transpose(1, 2, 0)] if len(grey) == 3 else list(grey)


def _draw_outputs(draw: ImageDraw.ImageDraw, logits: np.ndarray) -> None:
    """Draw a bar for each output, from a middle line; the largest, which the car follows, in orange."""
    draw.text((_PANEL, 236), "Its outputs", fill=_INK, font=_font(13))
    middle, reach = _PANEL + 180, 110
    most = max(1, int(np.abs(logits).max()))
    for place, name in enumerate(CLASSES):
        top = 262 + 36 * place
        length = round(reach * int(logits[place]) / most)
        color = _ORANGE if place == logits.argmax() else _BLUE
        draw.text((_PANEL, top + 3), name, fill=_INK, font=_font(14))
        draw.rectangle((min(middle, middle + length), top, max(middle, middle + length), top + 24), fill=color)
    draw.line((middle, 256, middle, 364), fill=_GREY, width=1)


def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


# One thread, and no routines for one processor: with those, equal pictures did not always give equal bytes.
_ENCODER = {"crf": "23", "threads": "1", "x264-params": "no-asm=1"}


def _encode(path: Path, pictures: Iterator[Image.Image], rate: Fraction, metadata: Mapping[str, str]) -> None:
    try:
        import av

        av.codec.Codec("libx264", "w")
    except (ImportError, ValueError) as error:
        raise InputError(f"video: no H.264 encoder ({error}); install one: pip install 'aann[driving]'") from error
    with av.open(str(path), "w", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        container.metadata.update(metadata)
        stream: Any = container.add_stream("libx264", rate=rate, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture))))
        container.mux(stream.encode())


def make_video(
    settings: Settings, task: str, network: Path, track: int | None, title: str, output: Path
) -> tuple[int, float]:
    """Film a network's drive on a track, the first of those for returns unless named; return the track and the return.

    Raises ``InputError`` for a task that is not driven, and a network that does not fit it.
    """
    data = driven(settings, task)
    driver = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    chosen = tracks("returns", 1)[0] if track is None else track
    part = settings.driving_part(task, ("repeat", "steps", "expert"))
    recorded = provenance.describe("aann.driving.video", [network], part, task=task, track=chosen, title=title)
    return chosen, write_video(driver, data, settings.driving, chosen, output, title, recorded)
