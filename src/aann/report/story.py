"""What the cells of the notebook call: the results of one scale, and figures, plots and claims to show.

A cell ends with one of them, which Jupyter and nbconvert show: they have ``_repr_html_`` or ``_repr_markdown_``.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas

from aann.artifacts import read_table, require_intact
from aann.claims import pages
from aann.claims.verdicts import ENFORCED, Judgement, judgements, read_verdicts, require_one_scale
from aann.errors import InputError
from aann.lineage import records
from aann.report import CLAIMS, FIGURES, FILES, VIDEO
from aann.report.words import listed

_VIDEO_LIMIT = 2_000_000
"""Bytes of a video that is put into the page; of a larger one, the page has a picture and a link."""

_WITHOUT_LAYERS = ("1", "2a", "2b", "12", "s2")
"""Figures whose table has no column of layers, whose names look like numbers and are text."""


@dataclass(frozen=True)
class Html:
    """HTML that Jupyter shows."""

    text: str = field(repr=False)

    def _repr_html_(self) -> str:
        return self.text


@dataclass(frozen=True)
class Prose:
    """Markdown that Jupyter shows; what looks like HTML in it is shown as it stands."""

    text: str = field(repr=False)

    def _repr_markdown_(self) -> str:
        return self.text.replace("<", "&lt;")


class Story:
    """The results of one scale, as the page shows them.

    Raises ``InputError`` with one line if a file is missing or damaged, or came from another scale.
    """

    def __init__(self, results: Path | str, scale: str) -> None:
        self.results, self.scale = Path(results), scale
        require_one_scale([self.results / name for name in FILES], self.results, scale)

    @property
    def stand_ins(self) -> bool:
        """Whether data stand in for the paper's."""
        return self.scale != ENFORCED

    @cached_property
    def data(self) -> dict[str, str]:
        """What the data of each task are."""
        return {task: self.title(name) for task, name in (("mnist", "2a"), ("fashion", "12"), ("car", "2b"))}

    def table(self, name: str) -> pandas.DataFrame:
        """Return a table by its name below the results, or that of a figure by the figure's name."""
        path = f"figures/figure_{name}.csv" if name in FIGURES else name
        if path not in FILES:
            raise InputError(f"{path}: is not of the tables that the page is made of (aann.report.FILES)")
        table: pandas.DataFrame = read_table(self.results / path, text=() if name in _WITHOUT_LAYERS else ("layer",))
        return table

    def title(self, figure: str) -> str:
        """Return what a figure says its data are."""
        return str(self._recorded(figure).get("title", ""))

    def titles(self, figure: str) -> dict[str, str]:
        """Return what a figure of several tasks says their data are, by task."""
        return dict(self._recorded(figure)["titles"])

    def sampling(self, figure: str) -> str:
        """Return which sample of neighbors a figure shows."""
        return str(self._recorded(figure)["sampling"])

    def _recorded(self, figure: str) -> Mapping[str, Any]:
        record = records.find(require_intact(self.results / f"figures/figure_{figure}.png"))
        return record.provenance if record else {}

    @cached_property
    def verdicts(self) -> dict[str, Judgement]:
        """All claims by name, judged."""
        return {one.name: one for one in judgements(read_verdicts(self.results / CLAIMS))}

    def claim(self, name: str) -> str:
        """Return what was measured for a claim and the verdict, as Markdown that links to the table of claims."""
        if name not in self.verdicts:
            raise InputError(f"{self.results / CLAIMS}: has no claim {name!r}; name one of config/claims.yaml")
        return f"[{pages.measured(self.verdicts[name])}](#{name})"

    def verdict_counts(self) -> str:
        """Return in words how many claims have each verdict."""
        counts = Counter(one.verdict for one in self.verdicts.values())
        return (
            f"{len(self.verdicts)} claims: {listed(f'{count} {verdict}' for verdict, count in counts.most_common())}."
        )

    def claims(self) -> Html:
        """Return the table of all claims."""
        return Html(f'<div class="claims">{pages.table(list(self.verdicts.values()), link="#figure-{figure}")}</div>')

    def figure(self, name: str, shows: str) -> Html:
        """Return a figure with a caption; ``shows`` says in words what it shows."""
        content = require_intact(self.results / f"figures/figure_{name}.png").read_bytes()
        title = self.title(name)
        caption = f"{shows}{f', on {title}' if title else ''}."
        return Html(_figure(f"figure-{name}", f"Figure {name.upper() if name[0] == 's' else name}", caption, content))

    def plot(self, name: str, figure: Any, shows: str) -> Html:
        """Return a figure of plotly, to turn and to point at; ``name`` is its id in the page."""
        from plotly.io import to_html

        drawn = to_html(figure, include_plotlyjs=False, full_html=False, div_id=name, config={"displaylogo": False})
        return Html(
            f'<figure class="plot" role="group" aria-label="{escape(shows)}">{drawn}'
            f"<figcaption><b>To point at.</b> {escape(shows)}.</figcaption></figure>"
        )

    def video(self, shows: str) -> Html:
        """Return the video; if it is large, a picture of its middle and a link to it."""
        path = require_intact(self.results / VIDEO)
        if path.stat().st_size > _VIDEO_LIMIT:
            link = f'<a href="../{VIDEO}">the video</a>'
            return Html(_figure("figure-video", "Video", f"{shows}", _middle_frame(path), more=f" See {link}."))
        source = base64.b64encode(path.read_bytes()).decode()
        return Html(
            f'<figure id="figure-video"><video controls muted playsinline aria-label="{escape(shows)}" '
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
