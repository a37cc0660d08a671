"""How figures look and how they are saved: one style, one palette, and three files a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aann.artifacts import atomic_path, to_json, write_table

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#D55E00", "#009E73", "#CC3311", "#767676"
VIOLET, SKY, YELLOW = "#AA4499", "#56B4E9", "#E69F00"
"""Colours that stay apart for colour-blind readers (Okabe and Ito, with a red of Tol)."""

_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""Dashes of lines."""

COLUMN_WIDTH = 3.5
"""Width of a column of text, in inches."""

PAGE_WIDTH = 7.0
"""Width of two columns of text, in inches."""

EYE = {"x": 1.85, "y": 1.85, "z": 1.0}
"""Where plots in 3-D are first seen from: farther away than plotly's own place, so that labels of axes are not cut."""

_DPI = 300


_SHEETS = ("seaborn-v0_8-ticks", "seaborn-v0_8-paper")
"""Matplotlib's own copies of seaborn's theme for print: to import seaborn takes a second, and each figure is a job."""

_NEWER = {
    "axes.linewidth": 1.0,
    "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif"],
    "legend.frameon": True,
    "lines.linewidth": 1.2,
    "lines.markeredgewidth": 1.0,
    "lines.markersize": 4.8,
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "patch.linewidth": 0.8,
    **{
        f"{axis}tick.{name}": size
        for axis in "xy"
        for name, size in {
            "major.pad": 3.5,
            "major.size": 4.8,
            "major.width": 1.0,
            "minor.size": 3.2,
            "minor.width": 0.8,
        }.items()
    },
}
"""What seaborn (0.13) has changed since those copies."""

_OURS = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
}
"""Small text that stays readable at column width."""


def use_style() -> None:
    """Set seaborn's theme for print, with our colours and sizes of text."""
    import matplotlib

    matplotlib.use("Agg")

    import matplotlib.pyplot as plt
    from matplotlib.rcsetup import cycler

    colors = cycler(color=[BLUE, ORANGE, GREEN, RED, GREY])
    plt.style.use([*_SHEETS, {**_NEWER, **_OURS, "axes.prop_cycle": colors, "patch.facecolor": "C0"}])


def looks(*colors: str, marks: Sequence[Any] = _DASHES) -> Iterator[tuple[str, Any]]:
    """Return colours with dashes or other marks, without end; they are alike only after all colours with all marks.

    The numbers of colours and marks must have no common factor.
    """
    return zip(cycle(colors), cycle(marks), strict=False)


def save(figure: Figure, output: Path, table: pandas.DataFrame, provenance: Mapping[str, Any]) -> None:
    """Write the figure as ``output`` (PNG) and as PDF beside it, and what it draws as CSV.

    Both images carry the provenance in their metadata, and no dates, so equal tables give equal bytes.
    """
    import matplotlib.pyplot as plt

    described = to_json(dict(provenance))
    write_table(output.with_suffix(".csv"), table)
    with atomic_path(output.with_suffix(".pdf")) as temporary:
        figure.savefig(temporary, metadata={"Keywords": described, "CreationDate": None, "ModDate": None})
    with atomic_path(output.with_suffix(".png")) as temporary:
        figure.savefig(temporary, dpi=_DPI, metadata={"Provenance": described})
    plt.close(figure)


def save_page(figure: Any, name: str, output: Path) -> None:
    """Write a figure of plotly as a page that works offline, always under the id ``name``, for equal bytes."""
    from plotly.io import to_html

    page = to_html(figure, include_plotlyjs=True, full_html=True, div_id=name, config={"displaylogo": False})
    with atomic_path(output) as temporary:
        temporary.write_text(page, encoding="utf-8")
