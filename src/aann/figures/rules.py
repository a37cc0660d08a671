"""The rule graph of the workflow: which rule's outputs another rule reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import networkx
import numpy as np
import pandas
from matplotlib.axes import Axes

from aann.errors import InputError
from aann.figures import style

_STAGES = (
    ("figure_|video", "figures", style.RED),
    ("claims|report_page", "claims, report", style.SKY),
    ("fetch|split_dataset", "datasets", style.GREY),
    ("dense|sparsify|network|accuracies", "psiren", style.BLUE),
    ("survey", "neighbors", style.ORANGE),
    ("embed|clustering", "embeddings", style.YELLOW),
    ("random_start|search|outcomes|backpropagation|climb|selection", "sense", style.GREEN),
    ("walk|compare|path|transfer", "families", "#332288"),
    ("export", "export", "#999933"),
    ("", "driving", style.VIOLET),
)
"""How names of rules begin, their stage and its colour; the first that fits counts."""

_COLLECTING = "all_figures"
_SWEEPS = 40
_STAGGER = 0.6
"""How far every other column is moved down, so that long names do not meet."""

_WIDEST = 11
"""Letters of a name on one line."""


def read(mermaid: str) -> networkx.DiGraph:
    """Return the graph that `snakemake --rulegraph mermaid-js` prints, without edges that longer ways imply.

    Rules that only collect others are left out; those for one task each (`sparsify_mnist`) are one. Raises
    ``InputError`` if the text has no rule graph.
    """
    names = {node: re.sub(r"^sparsify_.*", "sparsify", name) for node, name in re.findall(r"(\w+)\[(\w+)\]", mermaid)}
    edges = [(names.get(first), names.get(then)) for first, then in re.findall(r"(\w+) --> (\w+)", mermaid)]
    graph = networkx.DiGraph()
    graph.add_nodes_from(sorted(set(names.values())))
    graph.add_edges_from(sorted((first, then) for first, then in edges if first and then and first != then))
    graph.remove_nodes_from([name for name in graph if name == _COLLECTING])
    if not graph:
        raise InputError("has no rule graph; give what `snakemake --rulegraph` prints")
    for cycle in list(networkx.simple_cycles(graph)):  # driver and demonstrations take turns
        last = max(cycle)
        graph.remove_edge(cycle[cycle.index(last) - 1], last)
    reduced: networkx.DiGraph = networkx.transitive_reduction(graph)
    return reduced


def places(graph: networkx.DiGraph) -> dict[str, tuple[int, float]]:
    """Return the column and the row of each rule; the longest way to the end gives the column, from the right.

    In a column, rules are in the order of the mean row of those that they are joined to (Sugiyama, Tagawa and Toda
    1981).
    """
    generations = [sorted(names) for names in networkx.topological_generations(graph.reverse())][::-1]
    columns = {name: column for column, names in enumerate(generations) for name in names}
    rows = {name: float(row) for names in generations for row, name in enumerate(names)}
    most = max(map(len, generations))
    for _ in range(_SWEEPS):
        for names in generations:
            joined = {name: [rows[other] for other in networkx.all_neighbors(graph, name)] for name in names}
            names.sort(key=lambda name: (float(np.mean(joined[name] or [rows[name]])), name))
            spacing = (most / len(names)) ** 0.5
            rows |= {name: spacing * (row - (len(names) - 1) / 2) for row, name in enumerate(names)}
    return {name: (columns[name], rows[name] + _STAGGER * (columns[name] % 2)) for name in columns}


def draw(graph: networkx.DiGraph, output: Path, provenance: Mapping[str, Any]) -> None:
    """Draw the rules from left to right, coloured by stage. The table drawn has a row for each edge: rule, read_by."""
    style.use_style()
    placed = places(graph)
    figure, axis = plt.subplots(figsize=(style.PAGE_WIDTH, 5.2), layout="constrained")
    for first, then in sorted(graph.edges):
        _draw_edge(axis, placed[first], placed[then])
    shown = set()
    for name, place in placed.items():
        stage, color = _stage(name)
        shown.add((stage, color))
        axis.text(
            *place,
            name.replace("_", "\n" if len(name) > _WIDEST else " "),
            ha="center",
            va="center",
            fontsize=5.4,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": color, "linewidth": 1.2},
        )
    for stage, color in sorted(shown):
        axis.plot([], [], color=color, linewidth=2, label=stage)
    rows = [row for _, row in placed.values()]
    axis.set_xlim(-0.6, max(column for column, _ in placed.values()) + 0.6)
    axis.set_ylim(max(rows) + 0.7, min(rows) - 0.7)
    axis.axis("off")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    style.save(figure, output, pandas.DataFrame(sorted(graph.edges), columns=["rule", "read_by"]), provenance)


def _draw_edge(axis: Axes, first: tuple[int, float], then: tuple[int, float]) -> None:
    """Draw a line that leaves and arrives horizontally."""
    along = np.linspace(0, 1, 40)
    rise = along**2 * (3 - 2 * along)
    x, y = first[0] + along * (then[0] - first[0]), first[1] + rise * (then[1] - first[1])
    axis.plot(x, y, color=style.GREY, linewidth=0.6, zorder=0)


def _stage(rule: str) -> tuple[str, str]:
    return next((stage, color) for pattern, stage, color in _STAGES if re.match(pattern, rule))
