"""The command line: one sub-command a stage. Each parses, calls one function of its stage, and writes artifacts."""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from aann import __version__, checkout, machine
from aann.addresses import shown
from aann.config import IMAGES, Settings, load, validate
from aann.errors import InputError

Command = Callable[..., Any]

_DEFAULT_CONFIG = "config/config.yaml"


_INTERRUPTED = 128 + signal.SIGINT
"""The exit status of a command that Ctrl-C ended, as a shell has it."""


class _Group(click.Group):
    """A group whose commands print an ``InputError`` as one line and exit with 1, and that say if interrupted."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(context)
        except InputError as error:
            click.echo(f"error: {error}", err=True)
            context.exit(1)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            context.exit(_INTERRUPTED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def main() -> None:
    """Architecture agnostic neural networks, one stage a sub-command.

    Settings come from config/config.yaml (here, or else beside this package), from other files given with --configfile
    (each laid over those before it), or from --settings, which the workflow uses.

    A job of the workflow shows its progress in its log: tail -f results/<scale>/logs/<stage>/...
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another encoding shows question marks


def _with_options(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def _file(name: str, help_text: str) -> Callable[[Command], Command]:
    return click.option(name, required=True, type=click.Path(path_type=Path), help=help_text)


_task = click.option("--task", required=True, help="A task of the settings, such as mnist.")


def _threads(command: Command) -> Command:
    return click.option(
        "--threads",
        default=1,
        show_default=True,
        type=click.IntRange(1),
        callback=_no_more_than_processors,
        help="CPU threads; no more than there are processors for this process.",
    )(command)


def _no_more_than_processors(context: click.Context, option: click.Parameter, asked: int) -> int:
    """Return how many threads a command uses; they change its speed only."""
    threads, line = machine.fewer_threads(asked, "--threads")
    if line:
        click.echo(line, err=True)
    return threads


def _seed(text: str) -> Callable[[Command], Command]:
    return click.option("--seed", required=True, type=click.IntRange(0, 2**32 - 1), help=text)


def _with_settings(command: Command) -> Command:
    """Give a command the options that name settings, and call it with ``settings``, validated."""

    @functools.wraps(command)
    def run(configfiles: tuple[Path, ...], settings_json: str | None, **values: Any) -> Any:
        return command(settings=_load_settings(configfiles, settings_json), **values)

    return _with_options(
        run,
        click.option(
            "--configfile",
            "configfiles",
            multiple=True,
            type=click.Path(path_type=Path),
            help=f"A file of settings; may be repeated.  [default: {_DEFAULT_CONFIG}]",
        ),
        click.option("--settings", "settings_json", metavar="JSON", help="All settings as JSON; replaces the files."),
    )


def _load_settings(configfiles: tuple[Path, ...], settings_json: str | None) -> Settings:
    if settings_json is None:
        return load(configfiles or [checkout.find(_DEFAULT_CONFIG)])
    try:
        values = json.loads(settings_json)
    except ValueError as error:
        raise InputError(f"--settings: is not JSON ({error})") from error
    return validate(values, source="--settings")


def _gather(
    rows: tuple[Path, ...], output: Path, by: list[str], numbers: tuple[str, ...], text: tuple[str, ...] = ()
) -> None:
    """Write the tables of many jobs as one, sorted, and beside it what it came from."""
    import pandas

    from aann import provenance, records
    from aann.artifacts import read_table, write_table

    recorded = provenance.describe("aann.tables", rows)
    table = pandas.concat([read_table(row, numbers, text) for row in rows])
    write_table(output, table.sort_values(by, kind="stable"))
    records.write_beside(output, recorded)


# --- datasets ---------------------------------------------------------------------------------------------------------


@main.group()
def datasets() -> None:
    """Fetch data sets and split them into training, validation and test images."""


@datasets.command("fetch")
@click.argument("dataset")
@click.argument("archive", nargs=-1)
@_file("--folder", "The folder that keeps the archives.")
@click.option("--mirror", "mirrors", multiple=True, help="A folder or URL to try; may be repeated.")
def datasets_fetch(dataset: str, archive: tuple[str, ...], folder: Path, mirrors: tuple[str, ...]) -> None:
    """Fetch archives of DATASET (mnist or fashion-mnist), verified: those named, or all four.

    The environment variable AANN_DATA_MIRROR is tried first, then the mirrors given, then torchvision's addresses. An
    address may have a user and password, https://user:password@host, and end in a query, which no message shows.
    """
    from aann.datasets import archives

    _require_known(dataset, archives.DATASETS, "data set")
    for name in archive:
        _require_known(name, archives.FILES, "archive")
    mirrors += tuple(json.loads(os.environ.get(archives.SETTINGS_VARIABLE, "[]")))
    archives.fetch(dataset, folder, mirrors, archive or archives.FILES)


def _require_known(name: str, known: tuple[str, ...], kind: str) -> None:
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}; expected one of {', '.join(known)}")


@datasets.command("split")
@_task
@_file("--archives", "The folder that keeps the data set's archives (not read for data sets made here).")
@_file("--output", "Writes the splits, a safetensors file.")
@_with_settings
def datasets_split(task: str, archives: Path, output: Path, settings: Settings) -> None:
    """Split a task's data set into training, validation and test images."""
    from aann import provenance
    from aann.datasets import splits

    dataset = settings.task(task).dataset
    made = splits.split(dataset, settings.datasets, archives)
    inputs = splits.sources(dataset, archives)
    recorded = provenance.describe("aann.datasets.splits", inputs, settings.part("datasets", task), task=task)
    splits.save(output, made, recorded)


# --- psiren -----------------------------------------------------------------------------------------------------------


@main.group()
def psiren() -> None:
    """Make p-sparse ternary networks by p-SIREN (Algorithm 1)."""


class _PSirenJob:
    """What the commands of p-SIREN share: the problem, and how their files are read and written."""

    def __init__(self, settings: Settings, task: str, seed: int, data: Path, threads: int) -> None:
        import torch

        from aann import devices
        from aann.datasets import splits
        from aann.networks import Architecture
        from aann.psiren import Problem

        torch.set_num_threads(threads)
        device = devices.choose(settings.device)
        self.architecture = Architecture.from_dict(settings.network(task))
        self.splits = splits.load(data)
        self.problem = Problem(
            self.architecture, self.splits["train"], self.splits["validation"], settings.psiren_of(task), seed, device
        )
        self.data, self.task, self.settings = data, task, settings.part("psiren", task)

    def provenance(self, *inputs: Path, **values: Any) -> dict[str, Any]:
        """Return the provenance of this job's outputs."""
        from aann import provenance

        values = {"task": self.task, "seed": self.problem.seed, **self.problem.surroundings, **values}
        return provenance.describe("aann.psiren", [self.data, *inputs], self.settings, **values)

    def read_weights(self, path: Path) -> dict[str, Any]:
        """Read real-valued weights, by layer; raise ``InputError`` if they belong to another architecture."""
        from aann.artifacts import read_arrays

        weights, _ = read_arrays(path)
        found = {name: array.shape for name, array in weights.items()}
        expected = self.architecture.weight_shapes
        if found != expected or any(array.dtype != "float32" for array in weights.values()):
            raise InputError(f"{path}: holds the layers {found}, expected {expected} in float32; delete it, run again")
        return {name: weights[name] for name in expected}

    def write_curve(self, path: Path, curve: Any, provenance: dict[str, Any]) -> None:
        """Write a learning curve."""
        import pandas

        from aann.artifacts import write_table

        write_table(path, pandas.DataFrame(curve.rows, columns=list(curve.COLUMNS)), {"provenance": provenance})

    def score(self, network: Any, split: str) -> tuple[int, int]:
        """Return the number of correct images of a split, and of all its images."""
        from aann.evaluation.reference import correct_count

        images = self.splits[split]
        return correct_count(network, images.images, images.labels, self.problem.device), len(images)


def _with_psiren_job(command: Command) -> Command:
    """Give a command the options that p-SIREN's steps share, and call it with ``job``."""

    @_with_settings
    @functools.wraps(command)
    def run(settings: Settings, task: str, seed: int, data: Path, threads: int, **values: Any) -> Any:
        return command(job=_PSirenJob(settings, task, seed, data, threads), **values)

    return _with_options(
        run,
        _task,
        _seed("The network's seed."),
        _file("--data", "The task's splits."),
        _file("--curve", "Writes the learning curve, a Parquet table."),
        _threads,
    )


@psiren.command("dense")
@_file("--output", "Writes the dense weights, a safetensors file.")
@_with_psiren_job
def psiren_dense(job: _PSirenJob, output: Path, curve: Path) -> None:
    """Step 1: train a dense network from random weights."""
    from aann.artifacts import write_arrays
    from aann.psiren import train_dense

    weights, learned = train_dense(job.problem)
    recorded = job.provenance()
    job.write_curve(curve, learned, recorded)
    write_arrays(output, weights, {"provenance": recorded})


@psiren.command("sparsify")
@_file("--dense", "The dense weights of step 1.")
@click.option("--sparsity", "sparsities", multiple=True, required=True, type=click.FloatRange(0, 100), help="Percent.")
@click.option("--output", "outputs", multiple=True, required=True, type=click.Path(path_type=Path), help="Its weights.")
@_with_psiren_job
def psiren_sparsify(
    job: _PSirenJob, dense: Path, sparsities: tuple[float, ...], outputs: tuple[Path, ...], curve: Path
) -> None:
    """Step 2: prune the smallest weights gradually; repeat --sparsity and --output, in the same order."""
    from aann.artifacts import write_arrays
    from aann.psiren import sparsify

    if len(sparsities) != len(outputs) or len(set(sparsities)) < len(sparsities):
        raise InputError("--sparsity and --output: expected as many outputs as sparsities, and each sparsity once")
    stops, learned = sparsify(job.problem, job.read_weights(dense), sparsities)
    recorded = job.provenance(dense, largest_sparsity=max(sparsities))
    job.write_curve(curve, learned, recorded)
    for sparsity, output in zip(sparsities, outputs, strict=True):
        write_arrays(output, stops[sparsity], {"provenance": {**recorded, "sparsity": sparsity}})


@psiren.command("network")
@click.option("--sparsity", required=True, type=click.FloatRange(0, 100), help="Percentage of zero weights.")
@_file("--sparse", "The sparse weights of step 2.")
@_file("--output", "Writes the ternary network, a safetensors file.")
@_file("--accuracy", "Writes its counts of correct validation and test images, a CSV table of one row.")
@_with_psiren_job
def psiren_network(job: _PSirenJob, sparsity: float, sparse: Path, output: Path, accuracy: Path, curve: Path) -> None:
    """Steps 3 and 4: fine-tune, binarize and train on; then look at the test images, once."""
    import pandas

    from aann.artifacts import write_table
    from aann.psiren import p_siren
    from aann.tables import accuracy_row

    network, learned = p_siren(job.problem, job.read_weights(sparse), sparsity)
    recorded = job.provenance(sparse, sparsity=sparsity)
    row = accuracy_row(sparsity, job.problem.seed, job.score(network, "validation"), job.score(network, "test"))
    job.write_curve(curve, learned, recorded)
    write_table(accuracy, pandas.DataFrame([row]))
    network.save(output, recorded)


@psiren.command("accuracies")
@click.argument("rows", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--output", "Writes one table of all networks, CSV.")
def psiren_accuracies(rows: tuple[Path, ...], output: Path) -> None:
    """Gather the accuracies of many networks in one table, by sparsity and seed."""
    from aann.tables import ACCURACY

    _gather(rows, output, ["sparsity", "seed"], ACCURACY)


# --- neighbors --------------------------------------------------------------------------------------------------------


@main.group()
def neighbors() -> None:
    """Count what first neighbors get right, exactly."""


@neighbors.command("survey")
@_file("--network", "A ternary network of p-SIREN.")
@_file("--data", "The task's splits.")
@click.option("--layer", required=True, help="The layer in which a weight moves.")
@click.option("--amount", required=True, help="How many neighbors to draw, or: exhaustive.")
@_seed("Draws the neighbors, if not all.")
@click.option("--sparsity", required=True, type=click.FloatRange(0, 100), help="The network's; stands in the summary.")
@_file("--output", "Writes the neighbors, a Parquet table; unfinished parts stand beside it.")
@_file("--best", "Writes those with the best validation accuracy, a Parquet table.")
@_file("--histogram", "Writes how many neighbors have each count of correct images, CSV.")
@_file("--summary", "Writes how many are better, equal and worse, CSV.")
@_threads
def neighbors_survey(
    network: Path,
    data: Path,
    layer: str,
    amount: str,
    seed: int,
    sparsity: float,
    output: Path,
    best: Path,
    histogram: Path,
    summary: Path,
    threads: int,
) -> None:
    """Count the correct validation and test images of the first neighbors in a layer; goes on where it was stopped."""
    from aann import provenance
    from aann.artifacts import write_table
    from aann.datasets import splits
    from aann.neighbors import Survey, discard_parts
    from aann.networks import TernaryNetwork
    from aann.tables import SPLITS

    number = int(amount) if amount.isdecimal() else amount
    recorded = provenance.describe(
        "aann.neighbors", [network, data], layer=layer, amount=number, seed=seed, sparsity=sparsity
    )
    read = splits.load(data)
    images = {split: (read[split].images, read[split].labels) for split in SPLITS}
    survey = Survey(TernaryNetwork.load(network), images, layer, number, seed, recorded, threads)
    found = survey.run(output, {"provenance": recorded})
    write_table(best, found.best, {"provenance": recorded})
    write_table(histogram, found.histogram)
    write_table(summary, found.rows(sparsity, seed))
    discard_parts(output)


@neighbors.command("summaries")
@click.argument("rows", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--output", "Writes one table of all surveys, CSV.")
def neighbors_summaries(rows: tuple[Path, ...], output: Path) -> None:
    """Gather the summaries of many surveys in one table."""
    from aann.tables import SURVEY_NUMBERS, SURVEY_TEXT

    _gather(rows, output, ["sparsity", "layer", "seed", "split"], SURVEY_NUMBERS, SURVEY_TEXT)


# --- embeddings -------------------------------------------------------------------------------------------------------


@main.group()
def embeddings() -> None:
    """Embed first neighbors in two dimensions, and measure how clustered they are."""


@embeddings.command("embed")
@_task
@click.option("--layer", required=True, help="The layer in which a weight moves.")
@_file("--neighbors", "The neighbors of a survey.")
@_file("--summary", "The summary of that survey.")
@_file("--points", "Writes the embedded points, a Parquet table.")
@_file("--statistics", "Writes how clustered they are, CSV.")
@_with_settings
def embeddings_embed(
    task: str, layer: str, neighbors: Path, summary: Path, points: Path, statistics: Path, settings: Settings
) -> None:
    """Embed a sample of the neighbors of a layer, drawn uniformly and from few moving weights."""
    from aann import provenance
    from aann.artifacts import read_table, write_table
    from aann.embeddings import embed_samples
    from aann.tables import NEIGHBORS, SPLITS, SURVEY_NUMBERS, SURVEY_TEXT

    part = settings.part("embeddings", task)
    survey = read_table(summary, SURVEY_NUMBERS, SURVEY_TEXT).set_index("split")
    if not {*SPLITS} <= {*survey.index}:
        raise InputError(f"{summary}: lacks a row of {' or '.join(SPLITS)}; delete it and run the survey again")
    original = (int(survey.original_correct["validation"]), int(survey.original_correct["test"]))
    found = embed_samples(read_table(neighbors, NEIGHBORS), original, part["embeddings"][task])
    labelled = [table.assign(layer=layer) for table in found]
    recorded = provenance.describe("aann.embeddings", [neighbors, summary], part, task=task, layer=layer)
    write_table(points, labelled[0].assign(test_images=int(survey.images["test"])), {"provenance": recorded})
    write_table(statistics, labelled[1])


@embeddings.command("clustering")
@click.argument("statistics", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--output", "Writes one table of all layers, CSV.")
def embeddings_clustering(statistics: tuple[Path, ...], output: Path) -> None:
    """Gather how clustered the neighbors of several layers are in one table."""
    from aann.tables import CLUSTERING_NUMBERS, CLUSTERING_TEXT

    _gather(statistics, output, ["sampling", "space", "layer", "seed"], CLUSTERING_NUMBERS, CLUSTERING_TEXT)


# --- sense ------------------------------------------------------------------------------------------------------------


@main.group()
def sense() -> None:
    """Climb from neighbor to neighbor (Algorithm 2), from random networks and from networks of p-SIREN."""


@sense.command("start")
@_task
@click.option("--sparsity", required=True, type=click.FloatRange(0, 100), help="Percentage of zero weights.")
@_seed("Draws the network.")
@_file("--output", "Writes the network, a safetensors file.")
@_with_settings
def sense_start(task: str, sparsity: float, seed: int, output: Path, settings: Settings) -> None:
    """Draw a random ternary network."""
    from aann import provenance
    from aann.networks import Architecture
    from aann.sense.starts import random_network

    network = random_network(Architecture.from_dict(settings.network(task)), sparsity, seed)
    values = {"task": task, "sparsity": sparsity, "seed": seed}
    network.save(output, provenance.describe("aann.sense.starts", [], {"network": settings.network(task)}, **values))


@sense.command("search")
@_task
@click.option("--search", "name", required=True, help="A search of the settings.")
@click.option("--sparsity", required=True, type=click.FloatRange(0, 100), help="The network's; stands in the outcome.")
@_seed("Seed of all that the search draws.")
@_file("--network", "The ternary network to start from.")
@_file("--data", "The task's splits.")
@_file("--trace", "Writes what was accepted and counted, a Parquet table; a checkpoint stands beside it.")
@_file("--output", "Writes the network with the best validation accuracy, a safetensors file.")
@_file("--outcome", "Writes the accuracies before and after, a CSV table of one row.")
@_threads
@_with_settings
def sense_search(
    task: str,
    name: str,
    sparsity: float,
    seed: int,
    network: Path,
    data: Path,
    trace: Path,
    output: Path,
    outcome: Path,
    threads: int,
    settings: Settings,
) -> None:
    """Search from a network; goes on from a checkpoint where it was stopped."""
    from aann import provenance
    from aann.artifacts import discard, write_table
    from aann.datasets import splits
    from aann.networks import Architecture, TernaryNetwork
    from aann.sense.search import Search, outcome_of

    part = settings.search(task, name)
    recorded = provenance.describe("aann.sense.search", [network, data], part, task=task, search=name, seed=seed)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    search = Search(start, splits.load(data), settings.sense.searches[name], seed, recorded, threads)
    checkpoint = trace.with_suffix(".checkpoint.safetensors")
    found = search.run(checkpoint)
    found.network.save(output, recorded)
    write_table(outcome, outcome_of(found.trace, task, sparsity, seed))
    write_table(trace, found.trace, {"provenance": recorded})
    discard(checkpoint)


@sense.command("outcomes")
@click.argument("rows", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--output", "Writes one table of all searches, CSV.")
def sense_outcomes(rows: tuple[Path, ...], output: Path) -> None:
    """Gather the outcomes of many searches in one table."""
    from aann.tables import OUTCOME_NUMBERS, OUTCOME_TEXT

    _gather(rows, output, ["task", "sparsity", "seed"], OUTCOME_NUMBERS, OUTCOME_TEXT)


@sense.command("backpropagation")
@_task
@_seed("Seed of the minibatches.")
@_file("--network", "The ternary network to start from.")
@_file("--data", "The task's splits.")
@_file("--output", "Writes the accuracies along the way, a Parquet table.")
@_threads
@_with_settings
def sense_backpropagation(
    task: str, seed: int, network: Path, data: Path, output: Path, threads: int, settings: Settings
) -> None:
    """Train the network that a search starts from by backpropagation, taken literally and done properly."""
    import pandas
    import torch

    from aann import devices, provenance
    from aann.artifacts import write_table
    from aann.datasets import splits
    from aann.networks import Architecture, TernaryNetwork
    from aann.sense.backpropagation import METHODS, train

    torch.set_num_threads(threads)
    chosen, device = settings.sense.backpropagation, devices.choose(settings.device)
    part = settings.sense_part(task, "backpropagation")
    values = {"task": task, "seed": seed, **devices.recorded(device)}
    recorded = provenance.describe("aann.sense.backpropagation", [network, data], part, **values)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    read = splits.load(data)
    table = pandas.concat([train(start, read, chosen, method, seed, device)[1] for method in METHODS])
    write_table(output, table, {"provenance": recorded})


@sense.command("climb")
@_task
@_seed("Draws the neighbors.")
@_file("--network", "The ternary network to start from.")
@_file("--data", "The task's splits.")
@_file("--output", "Writes all surveyed networks with their place in the plane, a Parquet table.")
@_threads
@_with_settings
def sense_climb(
    task: str, seed: int, network: Path, data: Path, output: Path, threads: int, settings: Settings
) -> None:
    """Figure 5: climb over a few neighborhoods, keep all that was surveyed, and embed it by t-SNE."""
    from aann import provenance
    from aann.artifacts import write_table
    from aann.datasets import splits
    from aann.networks import Architecture, TernaryNetwork
    from aann.sense.climbs import climb, embed_climb

    chosen = settings.sense.climb
    part = settings.sense_part(task, "climb")
    recorded = provenance.describe("aann.sense.climbs", [network, data], part, task=task, seed=seed)
    start = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    surveyed = climb(start, splits.load(data), chosen, seed, threads)
    points = embed_climb(surveyed, start.weights, chosen.tsne, seed)
    write_table(output, points, {"provenance": recorded})


# --- driving ----------------------------------------------------------------------------------------------------------


@main.group()
def driving() -> None:
    """Imitation learning in CarRacing: demonstrations of an expert, and how well networks drive."""


def _driven(settings: Settings, task: str) -> str:
    """Return the data set of a task that is driven; raise ``InputError`` for a task of other images."""
    from aann.driving import DATASETS

    dataset = settings.task(task).dataset
    if dataset not in DATASETS:
        raise InputError(f"task {task!r}: its data set {dataset!r} is not driven; expected {' or '.join(DATASETS)}")
    return dataset


_count = click.option("--count", required=True, type=click.IntRange(1), help="How many tracks.")


@driving.command("demonstrate")
@_task
@click.option("--kind", required=True, help="Whose tracks: train, validation, test, or round1, round2, ...")
@_count
@click.option("--driver", type=click.Path(path_type=Path), help="The network that drives; without one, the expert.")
@_file("--output", "Writes the demonstrations, a safetensors file; finished episodes stand beside it.")
@_threads
@_with_settings
def driving_demonstrate(
    task: str, kind: str, count: int, driver: Path | None, output: Path, threads: int, settings: Settings
) -> None:
    """Record what a network would see on tracks and what the expert chooses; goes on where it was stopped."""
    import torch

    from aann import provenance
    from aann.driving import demonstrations
    from aann.networks import Architecture, TernaryNetwork

    torch.set_num_threads(threads)
    dataset = _driven(settings, task)
    if kind == "returns":
        raise InputError("--kind returns: those tracks are for returns alone; expected train, validation, test, round1")
    inputs = [driver] if driver else []
    part = settings.driving_part(task, ("seed", "repeat", "steps", "every", "expert", "noise"))
    recorded = provenance.describe("aann.driving.demonstrations", inputs, part, task=task, kind=kind)
    network = TernaryNetwork.load(driver, Architecture.from_dict(settings.network(task))) if driver else None
    tracks = demonstrations.tracks(kind, count)
    chosen = demonstrations.Round(kind, dataset, tracks, settings.driving, network)
    demonstrations.record(chosen, output, recorded, threads)


_train = click.option(
    "--train", multiple=True, required=True, type=click.Path(path_type=Path), help="Training frames; may be repeated."
)


@driving.command("driver")
@_task
@_train
@_file("--validation", "Validation frames.")
@_file("--output", "Writes the ternary network, a safetensors file.")
@_threads
@_with_settings
def driving_driver(
    task: str, train: tuple[Path, ...], validation: Path, output: Path, threads: int, settings: Settings
) -> None:
    """Make the network that drives in a round of demonstrations, by p-SIREN."""
    import torch

    from aann import devices, provenance
    from aann.driving import demonstrations
    from aann.driving.drivers import make_driver
    from aann.networks import Architecture
    from aann.psiren import Problem

    torch.set_num_threads(threads)
    device = devices.choose(settings.device)
    chosen, (shape, _) = settings.driving, IMAGES[_driven(settings, task)]
    part = settings.driving_part(task, ("seed", "mirror", "psiren", "sparsity"))
    problem = Problem(
        Architecture.from_dict(settings.network(task)),
        demonstrations.training_frames(train, chosen, shape),
        demonstrations.load(validation, shape),
        chosen.psiren,
        chosen.seed,
        device,
    )
    values = {"task": task, **problem.surroundings}
    recorded = provenance.describe("aann.driving.drivers", [*train, validation], part, **values)
    make_driver(problem, chosen.sparsity).save(output, recorded)


@driving.command("split")
@_task
@_train
@_file("--validation", "Validation frames.")
@_file("--test", "Test frames.")
@_file("--output", "Writes the splits, a safetensors file.")
@_with_settings
def driving_split(
    task: str, train: tuple[Path, ...], validation: Path, test: Path, output: Path, settings: Settings
) -> None:
    """Gather demonstrations as a task's training, validation and test images."""
    from aann import provenance
    from aann.datasets import splits
    from aann.driving import demonstrations

    shape, _ = IMAGES[_driven(settings, task)]
    part = settings.driving_part(task, ("seed", "mirror"))
    recorded = provenance.describe("aann.driving.demonstrations", [*train, validation, test], part, task=task)
    made = {
        "train": demonstrations.training_frames(train, settings.driving, shape),
        "validation": demonstrations.load(validation, shape),
        "test": demonstrations.load(test, shape),
    }
    splits.save(output, made, recorded)


@driving.command("expert")
@_count
@_file("--output", "Writes its return on each track, CSV.")
@_threads
@_with_settings
def driving_expert(count: int, output: Path, threads: int, settings: Settings) -> None:
    """Let the expert drive on the tracks for returns."""
    from aann import provenance, records
    from aann.artifacts import write_table
    from aann.driving.assessments import expert_returns
    from aann.driving.demonstrations import tracks

    chosen = {"scale": settings.scale, "driving": settings.driving.model_dump(include={"repeat", "steps", "expert"})}
    write_table(output, expert_returns(settings.driving, tracks("returns", count), threads))
    records.write_beside(output, provenance.describe("aann.driving.assessments", [], chosen, count=count))


@driving.command("assess")
@_task
@_seed("The network's seed; stands in the tables.")
@click.option("--sparsity", required=True, type=click.FloatRange(0, 100), help="The network's; stands in the tables.")
@_file("--network", "A ternary network.")
@_file("--data", "The task's splits.")
@_file("--expert", "The table of `driving expert`.")
@_count
@_file("--returns", "Writes its return on each track, CSV.")
@_file("--confusion", "Writes how many frames of each class it puts into each, CSV.")
@_threads
@_with_settings
def driving_assess(
    task: str,
    seed: int,
    sparsity: float,
    network: Path,
    data: Path,
    expert: Path,
    count: int,
    returns: Path,
    confusion: Path,
    threads: int,
    settings: Settings,
) -> None:
    """Let a network drive, and count what it takes for what."""
    import torch

    from aann import provenance, records
    from aann.artifacts import read_table, write_table
    from aann.datasets import splits
    from aann.driving import assessments
    from aann.networks import Architecture, TernaryNetwork
    from aann.tables import EXPERT_RETURNS

    torch.set_num_threads(threads)
    dataset = _driven(settings, task)
    driver = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    on = read_table(expert, EXPERT_RETURNS).head(count)
    if len(on) < count:
        raise InputError(f"{expert}: has {len(on)} tracks, expected {count}; run `driving expert` with --count {count}")
    names = {"sparsity": sparsity, "seed": seed}
    counted = assessments.confusion(driver, splits.load(data), **names)
    driven = assessments.network_returns(driver, dataset, settings.driving, on, threads, **names)
    part = settings.driving_part(task, ("repeat", "steps", "expert"))
    inputs = [network, data, expert]
    recorded = provenance.describe("aann.driving.assessments", inputs, part, task=task, count=count, **names)
    for output, table in ((confusion, counted), (returns, driven)):
        write_table(output, table)
        records.write_beside(output, recorded)


@driving.command("returns")
@click.argument("rows", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--output", "Writes one table of all networks, CSV.")
def driving_returns(rows: tuple[Path, ...], output: Path) -> None:
    """Gather the returns of many networks in one table."""
    from aann.tables import RETURNS

    _gather(rows, output, ["sparsity", "seed", "track"], RETURNS)


@driving.command("confusions")
@click.argument("rows", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--output", "Writes one table of all networks, CSV.")
def driving_confusions(rows: tuple[Path, ...], output: Path) -> None:
    """Gather what many networks take for what in one table."""
    from aann.tables import CONFUSION_NUMBERS, CONFUSION_TEXT

    _gather(rows, output, ["sparsity", "seed", "split", "label", "prediction"], CONFUSION_NUMBERS, CONFUSION_TEXT)


@driving.command("video")
@_task
@_file("--network", "A ternary network.")
@click.option("--track", type=click.IntRange(0), help="The track's seed.  [default: the first of those for returns]")
@click.option("--title", required=True, help="What the network is.")
@_file("--output", "Writes the video, MP4.")
@_with_settings
def driving_video(task: str, network: Path, track: int | None, title: str, output: Path, settings: Settings) -> None:
    """Film a network's drive: the scene, what the network sees, its outputs and its return so far."""
    from aann import provenance
    from aann.driving.demonstrations import tracks
    from aann.driving.video import write_video
    from aann.networks import Architecture, TernaryNetwork

    dataset = _driven(settings, task)
    driver = TernaryNetwork.load(network, Architecture.from_dict(settings.network(task)))
    chosen = tracks("returns", 1)[0] if track is None else track
    part = settings.driving_part(task, ("repeat", "steps", "expert"))
    recorded = provenance.describe("aann.driving.video", [network], part, task=task, track=chosen, title=title)
    total = write_video(driver, dataset, settings.driving, chosen, output, title, recorded)
    click.echo(f"track {chosen}: return {total:.1f}", err=True)


# --- figures ----------------------------------------------------------------------------------------------------------


@main.group()
def figures() -> None:
    """Draw figures from tables, each as PDF and PNG with its numbers as CSV."""


@figures.command("schematic")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_schematic(output: Path) -> None:
    """Figure 1: a network and four of its first neighbors."""
    from aann import provenance
    from aann.figures import schematic

    schematic.draw(output, provenance.describe("aann.figures.schematic", []))


@figures.command("sparsity")
@_file("--accuracies", "The table of `psiren accuracies`.")
@click.option("--title", required=True, help="What the data are.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_sparsity(accuracies: Path, title: str, output: Path) -> None:
    """Figures 2a and 12: test accuracy against sparsity."""
    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import sparsity
    from aann.tables import ACCURACY

    table = read_table(accuracies, ACCURACY)
    sparsity.draw(table, title, output, provenance.describe("aann.figures.sparsity", [accuracies], title=title))


@figures.command("driving")
@_file("--confusions", "The table of `driving confusions`.")
@_file("--returns", "The table of `driving returns`.")
@click.option("--title", required=True, help="What the data are.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_driving(confusions: Path, returns: Path, title: str, output: Path) -> None:
    """Figure 2b: accuracy on the expert's demonstrations, and returns, against sparsity."""
    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import driving as drawing
    from aann.tables import CONFUSION_NUMBERS, CONFUSION_TEXT, RETURNS

    recorded = provenance.describe("aann.figures.driving", [confusions, returns], title=title)
    counted = read_table(confusions, CONFUSION_NUMBERS, CONFUSION_TEXT)
    drawing.draw(counted, read_table(returns, RETURNS), title, output, recorded)


@figures.command("histograms")
@_file("--summaries", "The table of `neighbors summaries`.")
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
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_histograms(
    summaries: Path, histograms: tuple[tuple[str, str, str], ...], seed: int, title: str, output: Path
) -> None:
    """Figure 3: how accurate the first neighbors are, by sparsity and layer."""
    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import histograms as drawing
    from aann.tables import HISTOGRAM, SURVEY_NUMBERS, SURVEY_TEXT

    read = {
        (float(sparsity), layer): read_table(path, HISTOGRAM[1:], HISTOGRAM[:1]) for sparsity, layer, path in histograms
    }
    recorded = provenance.describe(
        "aann.figures.histograms", [summaries, *(Path(path) for _, _, path in histograms)], title=title, seed=seed
    )
    drawing.draw(read, read_table(summaries, SURVEY_NUMBERS, SURVEY_TEXT), seed, title, output, recorded)


@figures.command("embedding")
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
@_file("--output", "Writes the figure as PNG, and as PDF, CSV and HTML beside it.")
def figures_embedding(
    points: tuple[Path, ...],
    sampling: str,
    panels: tuple[tuple[str, str, Literal["side", "top"]], ...],
    title: str,
    output: Path,
) -> None:
    """Figures 4 and 11: first neighbors, embedded, and their test accuracy."""
    import pandas

    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import embedding as drawing
    from aann.tables import POINT_NUMBERS, POINT_TEXT

    table = pandas.concat([read_table(path, POINT_NUMBERS, POINT_TEXT) for path in points], ignore_index=True)
    shown = table[table.sampling == sampling]
    chosen = [drawing.Panel(*panel) for panel in panels]
    images = int(table.test_images.max())
    recorded = provenance.describe("aann.figures.embedding", points, title=title, sampling=sampling)
    drawing.draw(shown, chosen, images, title, output, recorded)
    drawing.write_html(shown, chosen, images, title, output.with_suffix(".html"))


@figures.command("path")
@_file("--points", "The table of `sense climb`.")
@click.option("--title", required=True, help="What the data and the network are.")
@_file("--output", "Writes the figure as PNG, and as PDF, CSV and HTML beside it.")
def figures_path(points: Path, title: str, output: Path) -> None:
    """Figure 5: a climb over six neighborhoods, all surveyed networks embedded."""
    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import path as drawing
    from aann.tables import SURVEYED_NUMBERS, SURVEYED_TEXT

    table = read_table(points, (*SURVEYED_NUMBERS, "x", "y"), SURVEYED_TEXT)
    drawing.draw(table, title, output, provenance.describe("aann.figures.path", [points], title=title))
    drawing.write_html(table, title, output.with_suffix(".html"))


_SEEDED_FILE = (int, click.Path(path_type=Path))


_SeededFiles = tuple[tuple[int, Path], ...]


def _climbs(command: Command) -> Command:
    """Give a command the options of climbs from random networks."""
    return _with_options(
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

    from aann.artifacts import read_table
    from aann.tables import BASELINE_NUMBERS, BASELINE_TEXT, TRACE_NUMBERS, TRACE_TEXT

    read = [read_table(path, TRACE_NUMBERS, TRACE_TEXT).assign(seed=seed) for seed, path in traces]
    lines = [read_table(path, BASELINE_NUMBERS, BASELINE_TEXT).assign(seed=seed) for seed, path in baselines]
    return pandas.concat(read), pandas.concat(lines)


@figures.command("climbs")
@_climbs
@click.option("--title", required=True, help="What the data and the start are.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_climbs(
    traces: _SeededFiles, baselines: _SeededFiles, layers: tuple[str, ...], title: str, output: Path
) -> None:
    """Figures 6, 7 and 8a: accuracy along climbs from random networks."""
    from aann import provenance
    from aann.figures import climbs as drawing

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

    from aann.artifacts import read_table
    from aann.tables import TRACE_NUMBERS, TRACE_TEXT

    read = [
        read_table(path, TRACE_NUMBERS, TRACE_TEXT).assign(start=start, search=search, seed=seed)
        for start, search, seed, path in runs
    ]
    return pandas.concat(read)


@figures.command("drives")
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
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_drives(
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

    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import drives as drawing
    from aann.tables import RETURNS

    driven = pandas.concat([read_table(path, RETURNS).assign(driver=driver) for driver, path in returns])
    inputs = [
        *(path for _, path in (*traces, *baselines)),
        *(path for *_, path in runs),
        *(path for _, path in returns),
    ]
    recorded = provenance.describe("aann.figures.drives", inputs, title=title)
    drawing.draw(*_read_climbs(traces, baselines), _read_runs(runs), driven, layers, title, output, recorded)


@figures.command("comparison")
@_runs
@click.option("--title", required=True, help="What the data are.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_comparison(runs: _Runs, title: str, output: Path) -> None:
    """Figure S1: accuracy against neighbors evaluated, by search."""
    from aann import provenance
    from aann.figures import comparison as drawing

    recorded = provenance.describe("aann.figures.comparison", [path for *_, path in runs], title=title)
    drawing.draw(_read_runs(runs), title, output, recorded)


@figures.command("improvement")
@_file("--outcomes", "The table of `sense outcomes`.")
@click.option("--title", "titles", type=(str, str), multiple=True, required=True, help="A task, and what its data are.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_improvement(outcomes: Path, titles: tuple[tuple[str, str], ...], output: Path) -> None:
    """Figure S2: what a search adds to networks of p-SIREN."""
    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import improvement as drawing
    from aann.tables import OUTCOME_NUMBERS, OUTCOME_TEXT

    table = read_table(outcomes, OUTCOME_NUMBERS, OUTCOME_TEXT)
    named = dict(titles)
    drawing.draw(table, named, output, provenance.describe("aann.figures.improvement", [outcomes], titles=named))


@figures.command("jobs")
@_file("--jobs", "The table of `jobs`.")
@click.option("--cores", required=True, type=click.IntRange(1), help="Cores that the run had.")
@click.option("--title", required=True, help="What ran.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_jobs(jobs: Path, cores: int, title: str, output: Path) -> None:
    """Where the time went: jobs over time, memory, and a forecast for other machines."""
    from aann import provenance
    from aann.artifacts import read_table
    from aann.figures import jobs as drawing
    from aann.jobs import NUMBERS, TEXT

    table = read_table(jobs, NUMBERS, TEXT).fillna({"after": ""})
    drawing.draw(table, cores, title, output, provenance.describe("aann.figures.jobs", [jobs], cores=cores))


@figures.command("rules")
@_file("--graph", "What `snakemake --rulegraph mermaid-js` printed.")
@_file("--output", "Writes the figure as PNG, and as PDF and CSV beside it.")
def figures_rules(graph: Path, output: Path) -> None:
    """The rule graph of the workflow."""
    from aann import provenance
    from aann.artifacts import require_file
    from aann.figures import rules as drawing

    text = require_file(graph).read_text(encoding="utf-8", errors="replace")
    try:
        read = drawing.read(text)
    except InputError as error:
        raise InputError(f"{graph}: {error}") from error
    drawing.draw(read, output, provenance.describe("aann.figures.rules", [graph]))


@main.command("jobs")
@_file("--results", "The folder of results of one scale, such as results/paper.")
@_file("--output", "Writes the table of jobs, CSV.")
def jobs_of(results: Path, output: Path) -> None:
    """Write when each job of a run began, what it took, and what it waited for."""
    from aann.artifacts import write_table
    from aann.jobs import read

    write_table(output, read(results))


@main.command("forecast")
@_file("--jobs", "The table of `jobs` of a run; rows of the stage `forecast` are left out.")
@click.option("--scale", required=True, help="The scale of that run, such as paper.")
def forecast_of(jobs: Path, scale: str) -> None:
    """Renew the seconds of each kind of job of a scale, from which a build says how long it takes."""
    from aann import forecast
    from aann.artifacts import read_table
    from aann.jobs import NUMBERS, TEXT

    table = read_table(jobs, NUMBERS, TEXT[:2])
    measured = table[table.stage != "forecast"]
    kinds = forecast.renew(scale, measured.to_dict("records"))
    click.echo(f"{forecast.TABLE}: {len(measured)} jobs of the scale {scale!r} are of {kinds} kinds")


# --- claims -----------------------------------------------------------------------------------------------------------


@main.group()
def claims() -> None:
    """Judge what the paper states from the tables behind the figures."""


@claims.command("judge")
@_file("--claims", "The claims, such as config/claims.yaml.")
@_file("--results", "The folder of results of one scale, such as results/paper.")
@_file("--output", "Writes the verdicts, JSON, and for readers as Markdown and HTML beside it.")
@_with_settings
def claims_judge(claims: Path, results: Path, output: Path, settings: Settings) -> None:
    """Judge every claim: reproduced, exceeded, not reproduced, or not measured at this scale."""
    from aann import provenance
    from aann.artifacts import atomic_path
    from aann.claims import models, pages, verdicts

    read, chosen = models.load(claims), settings.claims
    judged = verdicts.judge_all(read, results, settings.scale, chosen)
    recorded = provenance.describe(
        "aann.claims.verdicts",
        [claims, *(results / name for name in read.tables)],
        {"scale": settings.scale, "claims": chosen.model_dump()},
    )
    found = json.dumps(verdicts.to_dict(judged, settings.scale, recorded), indent=2) + "\n"
    pages_by_ending = {
        ".md": pages.markdown(judged, settings.scale, chosen.confidence),
        ".html": pages.html(judged, settings.scale, chosen.confidence),
        ".json": found,
    }
    for ending, text in pages_by_ending.items():
        with atomic_path(output.with_suffix(ending)) as temporary:
            temporary.write_text(text, encoding="utf-8")


@claims.command("check")
@click.argument("verdicts", type=click.Path(path_type=Path))
def claims_check(verdicts: Path) -> None:
    """Fail, with a line for each, if claims that were reproduced no longer are; only at the paper's scale."""
    from aann.claims.verdicts import failures, read_verdicts, surprises

    read = read_verdicts(verdicts)
    failed = failures(read)
    for line in (*failed, *surprises(read)):
        click.echo(line, err=True)
    if failed and read["enforced"]:
        sys.exit(1)


# --- report -----------------------------------------------------------------------------------------------------------


@main.group()
def report() -> None:
    """Tell the paper's story with our figures and numbers on one page."""


@report.command("page")
@_file("--notebook", "The notebook, such as workflow/notebooks/report.ipynb.")
@_file("--template", "How nbconvert writes it, such as workflow/notebooks/page.html.j2.")
@_file("--results", "The folder of results of one scale, such as results/paper.")
@_file("--output", "Writes the page, HTML that needs no other file.")
@_with_settings
def report_page(notebook: Path, template: Path, results: Path, output: Path, settings: Settings) -> None:
    """Run the notebook on the results of the settings' scale, and write what it shows as a page."""
    from aann import provenance, records
    from aann.report import FILES, page

    inputs = [notebook, template, *(results / name for name in FILES)]
    recorded = provenance.describe("aann.report.notebook", inputs, {"scale": settings.scale})
    page.write_page(notebook, template, output, {"results": str(results), "scale": settings.scale})
    records.write_beside(output, recorded)


# --- provenance -------------------------------------------------------------------------------------------------------


@main.command("provenance")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Where inputs are looked for.  [default: the folder of the file's scale]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with full hashes.")
def provenance_of(file: Path, results: Path | None, as_json: bool) -> None:
    """Print what FILE came from: inputs and hashes back to the data sets, settings, seeds, code, versions and times.

    FILE is any output: a figure (PNG, PDF, CSV, HTML), a table, a network. A file that was changed after it was made or
    used is named.
    """
    from aann import lineage
    from aann.lineage_text import to_text

    found = lineage.trace(file, results)
    sys.stdout.write(json.dumps(lineage.to_dict(found), indent=2) + "\n" if as_json else to_text(found))


# --- results that are moved or removed --------------------------------------------------------------------------------


@main.group()
def results() -> None:
    """Make results fresh after they were copied or unpacked, or remove those of a scale."""


@results.command("touch")
@click.option(
    "--configfile",
    "configfiles",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file of settings, laid over config/config.yaml; may be repeated.",
)
def results_touch(configfiles: tuple[Path, ...]) -> None:
    """Let the next build make nothing again that is what it would make; in the folder of the workflow.

    Copies have other times, and no records of Snakemake. Files are proven by their seals and by what they record of
    their inputs, settings and code. What is not proven is named, and is made again.
    """
    from aann.touch import touch

    done = touch(configfiles)
    for line in done.doubts:
        click.echo(f"{line}; it is made again", err=True)
    click.echo(f"{done.results}: {done.files} files are intact; {done.fresh} of {done.jobs} jobs need not run again")


@results.command("remove")
@_file("--results", "The folder of results of one scale, such as results/quick.")
def results_remove(results: Path) -> None:
    """Remove what the workflow made at one scale: results, their seals, logs and benchmarks. Other files stay."""
    from aann.removal import remove

    removed = remove(results)
    for path in removed.kept:
        click.echo(f"{path}: was not made by the workflow, so it stays", err=True)
    click.echo(f"{results}: {removed.files} files were removed")


# --- releases ---------------------------------------------------------------------------------------------------------


@main.group()
def release() -> None:
    """Ship what figures and claims were drawn from, and draw them again without training anything."""


@release.command("pack")
@click.argument("drawn", nargs=-1, required=True, type=click.Path(path_type=Path))
@_file("--results", "The results of a scale, such as results/paper.")
@click.option("--network", "networks", multiple=True, type=click.Path(path_type=Path), help="Ships it too.")
@_file("--output", "Writes the release, a folder that is not there yet.")
@click.option("--replace", is_flag=True, help="Replaces a release, and keeps its hashes of sources that are not here.")
def release_pack(
    drawn: tuple[Path, ...], results: Path, networks: tuple[Path, ...], output: Path, replace: bool
) -> None:
    """Write a release with all that the results DRAWN came from."""
    from aann.release import pack

    files = pack(results, drawn, networks, output, replace)["files"]
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    click.echo(f"{output}: {len(files)} files, {size / 1e6:.1f} MB")


@release.command("unpack")
@click.argument("folder", type=click.Path(path_type=Path))
@_file("--results", "Where its files go: a folder with the name of its scale, such as results/paper.")
def release_unpack(folder: Path, results: Path) -> None:
    """Verify the release in FOLDER and put its files in their places."""
    from aann.release import unpack

    click.echo(f"{folder}: {unpack(folder, results)} files are what the manifest says, and stand in {results}")


@release.command("compare")
@click.argument("folder", type=click.Path(path_type=Path))
@_file("--results", "What was drawn again, such as results/paper.")
def release_compare(folder: Path, results: Path) -> None:
    """Fail, with a line for each, if results differ from those that the release in FOLDER was made with."""
    from aann.release import differing, read_manifest

    lines = differing(folder, results)
    for line in lines:
        click.echo(line, err=True)
    if lines:
        sys.exit(1)
    click.echo(f"{results}: all {len(read_manifest(folder)['drawn'])} drawn results are equal to the last byte")


# --- settings ---------------------------------------------------------------------------------------------------------


@main.group()
def settings() -> None:
    """Check settings, and write what documents them."""


@settings.command("check")
@_with_settings
def settings_check(settings: Settings) -> None:
    """Validate settings and print them with every default filled in, and *** for passwords in addresses."""
    values = settings.model_dump()
    values["datasets"]["mirrors"] = [shown(mirror) for mirror in settings.datasets.mirrors]
    click.echo(json.dumps(values, indent=2))


@settings.command("schema")
def settings_schema() -> None:
    """Print the schema of the settings, as YAML (workflow/schemas/config.schema.yaml)."""
    from aann.settings_reference import schema_yaml

    click.echo(schema_yaml().encode(), nl=False)  # UTF-8, whatever the terminal has


@settings.command("reference")
def settings_reference() -> None:
    """Print the page on all settings, as Markdown (config/README.md)."""
    from aann.settings_reference import markdown

    click.echo(markdown().encode(), nl=False)  # UTF-8, whatever the terminal has
