"""What the cells of the notebook call: the results of one scale, and figures, plots and claims to show.

A cell ends with one of them, which Jupyter and nbconvert show: they have ``_repr_html_`` or ``_repr_markdown_``.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas

from aann import checkout
from aann.artifacts import require_intact
from aann.claims import pages
from aann.claims.verdicts import ENFORCED, Judgement, judgements, read_verdicts, require_one_scale
from aann.errors import InputError
from aann.report.contents import CLAIMS, Contents, Shown, contents_of
from aann.report.words import listed
from aann.settings.figures import label
from aann.settings.study import load
from aann.tables import read_labelled

_VIDEO_LIMIT = 2_000_000
"""Bytes of a video that is put into the page; of a larger one, the page has a picture and a link."""


_SETTINGS = "config/config.yaml"


@dataclass(frozen=True)
class Html:
    """HTML that Jupyter shows."""

    text: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.text


@dataclass(frozen=True)
class Prose:
    """Markdown that Jupyter shows; what looks like HTML in it is shown as text."""

    text: str = field(repr=False)

    def _repr_markdown_(self) -> str:
        return self.text.replace("<", "&lt;")


class Story:
    """The results of one scale, as the page shows them.

    ``contents`` are those of ``contents.Contents``, by default what the settings of the paper's scale say.

    Raises ``InputError`` with one line if a file is missing or damaged, or came from another scale.
    """

    def __init__(self, results: Path | str, scale: str, contents: Mapping[str, Any] | None = None) -> None:
        self.results, self.scale = Path(results), scale
        given = contents is not None
        self.contents = Contents.model_validate(contents) if given else contents_of(load([checkout.find(_SETTINGS)]))
        self._shown: set[str] = set()
        require_one_scale([self.results / name for name in self.contents.files], self.results, scale)

    @property
    def stand_ins(self) -> bool:
        """Whether data stand in for the paper's."""
        return self.scale != ENFORCED

    @property
    def data(self) -> dict[str, str]:
        """What the data of each task are that figures show."""
        return self.contents.data

    def table(self, name: str) -> pandas.DataFrame:
        """Return a table by its name below the results, or that of a figure by the figure's name."""
        path = self._drawn(name).files.get("csv", name) if name in self.contents.figures else name
        if path not in self.contents.files:
            raise InputError(f"{path}: is no table of the page; expected one that its figures draw or are drawn from")
        table: pandas.DataFrame = read_labelled(self.results / path)
        return table

    def titles(self, figure: str) -> dict[str, str]:
        """Return what a figure of several tasks says their data are, by task."""
        return dict(self._drawn(figure).options["titles"])

    def sampling(self, figure: str) -> str:
        """Return which sample of neighbors a figure shows."""
        return str(self._drawn(figure).options["sampling"])

    def sets(self, figure: str) -> dict[str, str]:
        """Return what the networks are called that a figure of pairs has in each set, by set."""
        return dict(self._drawn(figure).options["sets"])

    def panels(self, figure: str) -> dict[str, str]:
        """Return the titles of a figure's panels, by what they show."""
        return dict(self._drawn(figure).options["panels"])

    def has(self, figure: str) -> bool:
        """Return whether this run has a figure; some are left out of a run that is older than they are."""
        return figure in self.contents.figures

    def missing(self, *figures: str) -> Prose:
        """Return a sentence on those of these figures that this run does not have, or nothing if it has all."""
        names = [label(name) for name in figures if not self.has(name)]
        word = "Figures" if len(names) > 1 else "Figure"
        return Prose(f"*This run does not have {word} {listed(names)}.*" if names else "")

    def _drawn(self, figure: str) -> Shown:
        if figure not in self.contents.figures:
            known = ", ".join(self.contents.figures) or "none"
            raise InputError(f"the page has no figure {figure!r}; the setting 'figures' has {known}")
        return self.contents.figures[figure]

    @cached_property
    def verdicts(self) -> dict[str, Judgement]:
        """All claims by name, judged."""
        return {one.name: one for one in judgements(self._judged)}

    @cached_property
    def _judged(self) -> dict[str, Any]:
        return read_verdicts(self.results / CLAIMS)

    def claim(self, name: str) -> str:
        """Return what was measured for a claim and the verdict, as Markdown that links to the table of claims.

        A claim that the run's settings leave out was not measured.
        """
        if name in self._judged["without"]:
            return "not measured in this run"
        if name not in self.verdicts:
            raise InputError(f"{self.results / CLAIMS}: has no claim {name!r}; name one of config/claims.yaml")
        return f"[{pages.measured(self.verdicts[name])}](#{name})"

    def verdict_counts(self) -> str:
        """Return in words how many results have each verdict, and what else was measured."""
        return pages.headline(list(self.verdicts.values()))

    def claims(self) -> Html:
        """Return the tables of all claims."""
        return Html(f'<div class="claims">{pages.tables(list(self.verdicts.values()), link="#figure-{figure}")}</div>')

    def figure(self, name: str, shows: str) -> Html:
        """Return a figure with a caption; ``shows`` says in words what it shows."""
        drawn = self._drawn(name)
        content = require_intact(self.results / drawn.files["png"]).read_bytes()
        caption = f"{shows}{f', on {drawn.title}' if drawn.title else ''}."
        self._shown.add(name)
        return Html(_figure(f"figure-{name}", f"Figure {label(name)}", caption, content))

    def figure_if_there(self, name: str, shows: str) -> Html:
        """Return a figure as ``figure`` does, or nothing if this run does not have it."""
        return self.figure(name, shows) if self.has(name) else Html("")

    def plot(self, name: str, figure: Any, shows: str) -> Html:
        """Return a figure of plotly, to turn and to point at; ``name`` is its id in the page."""
        from plotly.io import to_html

        drawn = to_html(figure, include_plotlyjs=False, full_html=False, div_id=name, config={"displaylogo": False})
        return Html(
            f'<figure class="plot" role="group" aria-label="{escape(shows)}">{drawn}'
            f"<figcaption><b>To point at.</b> {escape(shows)}.</figcaption></figure>"
        )

    def more_figures(self) -> Html:
        """Return all figures that no cell before has shown, with what the settings say that they show."""
        more = {name: one.shows[:1].upper() + one.shows[1:] for name, one in self.contents.figures.items()}
        shown = [
            self.video(shows, name) if "mp4" in self.contents.figures[name].files else self.figure(name, shows)
            for name, shows in more.items()
            if name not in self._shown
        ]
        heading = "<h2>More figures of this study</h2>" if shown else ""
        return Html(heading + "".join(one.text for one in shown))

    def explorers(self) -> Html:
        """Return links to the pages on which readers move connections of a network themselves."""
        links = [f'<li><a href="../{path}">{escape(path)}</a></li>' for path in self.contents.explorers]
        words = (
            "<p>Draw an image and see the outputs of a network, in integers. Move a connection with the mouse, and see "
            "how many test images it gets right then:</p>"
        )
        return Html(f"<h2>Move a connection yourself</h2>{words}<ul>{''.join(links)}</ul>" if links else "")

    def video(self, shows: str, name: str = "video") -> Html:
        """Return a video; if it is large, a picture of its middle and a link to it."""
        file = self._drawn(name).files["mp4"]
        path = require_intact(self.results / file)
        self._shown.add(name)
        if path.stat().st_size > _VIDEO_LIMIT:
            link = f'<a href="../{file}">the video</a>'
            return Html(_figure(f"figure-{name}", "Video", f"{shows}", _middle_frame(path), more=f" See {link}."))
        source = base64.b64encode(path.read_bytes()).decode()
        return Html(
            f'<figure id="figure-{name}"><video controls muted playsinline aria-label="{escape(shows)}" '
            f'src="data:video/mp4;base64,{source}"></video>'
            f"<figcaption><b>Video.</b> {escape(shows)}.</figcaption></figure>"
        )


def plotly_script() -> Html:
    """Return the script that draws what ``Story.plot`` returns; the page needs it once, before the first."""
    from plotly.offline import get_plotlyjs

    return Html(f"<script>{get_plotlyjs()}</script>")


def _figure(name: str, heading: str, caption: str, png: bytes, more: str = "") -> str:
    from PIL import Image

    source = base64.b64encode(png).decode()
    width, height = Image.open(BytesIO(png)).size
    size = f'width="{width // 2}" height="{height // 2}"'  # sharp on screens that have two pixels a point
    alt = escape(f"{heading}: {caption}")
    return (
        f'<figure id="{name}"><img alt="{alt}" {size} src="data:image/png;base64,{source}">'
        f"<figcaption><b>{heading}.</b> {escape(caption)}{more}</figcaption></figure>"
    )


def _middle_frame(video: Path) -> bytes:
    """Return a frame of a video as PNG."""
    import av

    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    buffer = BytesIO()
    middle: Any = frames[len(frames) // 2]
    middle.to_image().save(buffer, "PNG")
    return buffer.getvalue()
