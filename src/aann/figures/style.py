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


def use_style() -> None:
    """Set seaborn's theme for print: small text that stays readable at column width."""
    import matplotlib

    matplotlib.use("Agg")

    import matplotlib.pyplot as plt
    import seaborn

    seaborn.set_theme(context="paper", style="ticks", palette=[BLUE, ORANGE, GREEN, RED, GREY])
    plt.rcParams.update(
        {
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
    )


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
