"""Commands of stage figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from aann.commands import HELP, options
from aann.errors import InputError

commands = click.Group("figures", help=HELP["figures"])


@commands.command("schematic")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def schematic(output: Path) -> None:
    """Figure 1: a network and four of its first neighbors."""
    from aann.figures import schematic
    from aann.lineage import provenance

    schematic.draw(output, provenance.describe("aann.figures.schematic", []))


@commands.command("sparsity")
@options.path("--accuracies", "The table of `psiren accuracies`.")
@click.option("--title", required=True, help="What the data are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def sparsity(accuracies: Path, title: str, output: Path) -> None:
    """Figures 2a and 12: test accuracy against sparsity."""
    from aann.figures import sparsity
    from aann.lineage import provenance
    from aann.tables import ACCURACY

    table = ACCURACY.read(accuracies)
    sparsity.draw(table, title, output, provenance.describe("aann.figures.sparsity", [accuracies], title=title))


@commands.command("driving")
@options.path("--confusions", "The table of `driving confusions`.")
@options.path("--returns", "The table of `driving returns`.")
@click.option("--title", required=True, help="What the data are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def driving(confusions: Path, returns: Path, title: str, output: Path) -> None:
    """Figure 2b: accuracy on the expert's demonstrations, and returns, against sparsity."""
    from aann.figures import driving as drawing
    from aann.lineage import provenance
    from aann.tables import CONFUSION, RETURNS

    recorded = provenance.describe("aann.figures.driving", [confusions, returns], title=title)
    counted = CONFUSION.read(confusions)
    drawing.draw(counted, RETURNS.read(returns), title, output, recorded)


@commands.command("histograms")
@options.path("--summaries", "The table of `neighbors summaries`.")
@click.option(
    "--histogram",
    "histograms",
    type=(float, str, click.Path(path_type=Path)),
    multiple=True,
    required=True,
    metavar="SPARSITY LAYER FILE",
    help="A panel: the histogram of a survey; may be repeated.",
)
@click.option("--seed", required=True, type=int, help="The seed of the networks in the panels.")
@click.option("--title", required=True, help="What the data are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def histograms(
    summaries: Path, histograms: tuple[tuple[str, str, str], ...], seed: int, title: str, output: Path
) -> None:
    """Figure 3: how accurate the first neighbors are, by sparsity and layer."""
    from aann.figures import histograms as drawing
    from aann.lineage import provenance
    from aann.tables import HISTOGRAM, SURVEY

    read = {(float(sparsity), layer): HISTOGRAM.read(path) for sparsity, layer, path in histograms}
    recorded = provenance.describe(
        "aann.figures.histograms", [summaries, *(Path(path) for _, _, path in histograms)], title=title, seed=seed
    )
    drawing.draw(read, SURVEY.read(summaries), seed, title, output, recorded)


@commands.command("embedding")
@click.argument("points", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--sampling", required=True, help="Which of the samples to show: uniform or sources.")
@click.option(
    "--panel",
    "panels",
    type=(str, str, click.Choice(["side", "top"])),
    multiple=True,
    required=True,
    metavar="LAYER METHOD VIEW",
    help="A panel: tsne, isomap or lle, seen from the side or the top; may be repeated.",
)
@click.option("--title", required=True, help="What the data are.")
@options.path("--output", "Writes the figure as PNG, and as PDF, CSV and HTML beside it.")
def embedding(
    points: tuple[Path, ...],
    sampling: str,
    panels: tuple[tuple[str, str, Literal["side", "top"]], ...],
    title: str,
    output: Path,
) -> None:
    """Figures 4 and 11: first neighbors, embedded, and their test accuracy."""
    import pandas

    from aann.figures import embedding as drawing
    from aann.lineage import provenance
    from aann.tables import POINTS

    table = pandas.concat([POINTS.read(path) for path in points], ignore_index=True)
    shown = table[table.sampling == sampling]
    chosen = [drawing.Panel(*panel) for panel in panels]
    images = int(table.test_images.max())
    recorded = provenance.describe("aann.figures.embedding", points, title=title, sampling=sampling)
    drawing.draw(shown, chosen, images, title, output, recorded)
    drawing.write_html(shown, chosen, images, title, output.with_suffix(".html"))


@commands.command("path")
@options.path("--points", "The table of `sense climb`.")
@click.option("--title", required=True, help="What the data and the network are.")
@options.path("--output", "Writes the figure as PNG, and as PDF, CSV and HTML beside it.")
def path(points: Path, title: str, output: Path) -> None:
    """Figure 5: a climb over six neighborhoods, all surveyed networks embedded."""
    from aann.figures import path as drawing
    from aann.lineage import provenance
    from aann.tables import CLIMB

    table = CLIMB.read(points)
    drawing.draw(table, title, output, provenance.describe("aann.figures.path", [points], title=title))
    drawing.write_html(table, title, output.with_suffix(".html"))


_SEEDED_FILE = (int, click.Path(path_type=Path))


_SeededFiles = tuple[tuple[int, Path], ...]


def _climbs(command: options.Command) -> options.Command:
    """Give a command the options of climbs from random networks."""
    return options.with_options(
        command,
        click.option(
            "--trace", "traces", type=_SEEDED_FILE, multiple=True, required=True, metavar="SEED FILE", help="A run."
        ),
        click.option(
            "--baseline",
            "baselines",
            type=_SEEDED_FILE,
            multiple=True,
            required=True,
            metavar="SEED FILE",
            help="Backpropagation from the same start.",
        ),
        click.option(
            "--layer", "layers", multiple=True, required=True, help="A layer of the network, from input to output."
        ),
    )


def _read_climbs(traces: _SeededFiles, baselines: _SeededFiles) -> tuple[Any, Any]:
    import pandas

    from aann.tables import BASELINE, TRACE

    read = [TRACE.read(path).assign(seed=seed) for seed, path in traces]
    lines = [BASELINE.read(path).assign(seed=seed) for seed, path in baselines]
    return pandas.concat(read), pandas.concat(lines)


@commands.command("climbs")
@_climbs
@click.option("--title", required=True, help="What the data and the start are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def climbs(traces: _SeededFiles, baselines: _SeededFiles, layers: tuple[str, ...], title: str, output: Path) -> None:
    """Figures 6, 7 and 8a: accuracy along climbs from random networks."""
    from aann.figures import climbs as drawing
    from aann.lineage import provenance

    inputs = [path for _, path in (*traces, *baselines)]
    recorded = provenance.describe("aann.figures.climbs", inputs, title=title)
    drawing.draw(*_read_climbs(traces, baselines), layers, title, output, recorded)


_runs = click.option(
    "--run",
    "runs",
    type=(str, str, int, click.Path(path_type=Path)),
    multiple=True,
    required=True,
    metavar="START SEARCH SEED FILE",
    help="The trace of a run; may be repeated.",
)
_Runs = tuple[tuple[str, str, int, Path], ...]


def _read_runs(runs: _Runs) -> Any:
    import pandas

    from aann.tables import TRACE

    read = [TRACE.read(path).assign(start=start, search=search, seed=seed) for start, search, seed, path in runs]
    return pandas.concat(read)


@commands.command("drives")
@_climbs
@_runs
@click.option(
    "--returns",
    type=(str, click.Path(path_type=Path)),
    multiple=True,
    required=True,
    metavar="DRIVER FILE",
    help="Returns of a network of `driving assess`, and what to call it; may be repeated.",
)
@click.option("--title", required=True, help="What the data and the start are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def drives(
    traces: _SeededFiles,
    baselines: _SeededFiles,
    layers: tuple[str, ...],
    runs: _Runs,
    returns: tuple[tuple[str, Path], ...],
    title: str,
    output: Path,
) -> None:
    """Figure 8b: accuracy along climbs on the driving task, and returns before and after."""
    import pandas

    from aann.figures import drives as drawing
    from aann.lineage import provenance
    from aann.tables import RETURNS

    driven = pandas.concat([RETURNS.read(path).assign(driver=driver) for driver, path in returns])
    inputs = [
        *(path for _, path in (*traces, *baselines)),
        *(path for *_, path in runs),
        *(path for _, path in returns),
    ]
    recorded = provenance.describe("aann.figures.drives", inputs, title=title)
    drawing.draw(*_read_climbs(traces, baselines), _read_runs(runs), driven, layers, title, output, recorded)


@commands.command("comparison")
@_runs
@click.option("--title", required=True, help="What the data are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def comparison(runs: _Runs, title: str, output: Path) -> None:
    """Figure S1: accuracy against neighbors evaluated, by search."""
    from aann.figures import comparison as drawing
    from aann.lineage import provenance

    recorded = provenance.describe("aann.figures.comparison", [path for *_, path in runs], title=title)
    drawing.draw(_read_runs(runs), title, output, recorded)


@commands.command("improvement")
@options.path("--outcomes", "The table of `sense outcomes`.")
@click.option("--title", "titles", type=(str, str), multiple=True, required=True, help="A task, and what its data are.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def improvement(outcomes: Path, titles: tuple[tuple[str, str], ...], output: Path) -> None:
    """Figure S2: what a search adds to networks of p-SIREN."""
    from aann.figures import improvement as drawing
    from aann.lineage import provenance
    from aann.tables import OUTCOME

    table = OUTCOME.read(outcomes)
    named = dict(titles)
    drawing.draw(table, named, output, provenance.describe("aann.figures.improvement", [outcomes], titles=named))


@commands.command("jobs")
@options.path("--jobs", "The table of `jobs`.")
@click.option("--cores", required=True, type=click.IntRange(1), help="Cores that the run had.")
@click.option("--title", required=True, help="What ran.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def jobs(jobs: Path, cores: int, title: str, output: Path) -> None:
    """Where the time went: jobs over time, memory, and a forecast for other machines."""
    from aann.figures import jobs as drawing
    from aann.lineage import provenance
    from aann.tables import JOBS

    table = JOBS.read(jobs)
    drawing.draw(table, cores, title, output, provenance.describe("aann.figures.jobs", [jobs], cores=cores))


@commands.command("rules")
@options.path("--graph", "What `snakemake --rulegraph mermaid-js` printed.")
@options.path("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def rules(graph: Path, output: Path) -> None:
    """The rule graph of the workflow."""
    from aann.artifacts import require_file
    from aann.figures import rules as drawing
    from aann.lineage import provenance

    text = require_file(graph).read_text(encoding="utf-8", errors="replace")
    try:
        read = drawing.read(text)
    except InputError as error:
        raise InputError(f"{graph}: {error}") from error
    drawing.draw(read, output, provenance.describe("aann.figures.rules", [graph]))
