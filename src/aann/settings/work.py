"""The work of a study: which networks are made, whose neighbors are surveyed and embedded, what is searched and driven.

A row maps the wildcards in paths of results to their values, so that rules can fill it into patterns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from aann.errors import InputError
from aann.settings.families import ONE
from aann.settings.figures import in_order, target

if TYPE_CHECKING:
    from aann.settings.embeddings import EmbeddingsSettings
    from aann.settings.neighbors import NeighborsSettings
    from aann.settings.starts import WalkedSettings
    from aann.settings.study import Settings

Row = dict[str, Any]


def sparsities(settings: Settings, task: str) -> list[str]:
    """Return the sparsities of a task as paths name them."""
    return [f"{sparsity:g}" for sparsity in settings.task(task).sparsities]


def networks(settings: Settings, task: str) -> list[Row]:
    """Return the networks of p-SIREN of a task."""
    seeds = settings.task(task).seeds
    return [
        {"task": task, "sparsity": sparsity, "seed": seed} for sparsity in sparsities(settings, task) for seed in seeds
    ]


_LATER = {"dense": {"sparsify", "fine_tune", "binary"}, "sparse": {"fine_tune", "binary"}}
"""Settings of p-SIREN that only steps after a step read."""


def maker(settings: Settings, task: str, step: str) -> str:
    """Return the task whose files of a step a task takes: the one that it is like if they are equal, or else itself.

    A step is ``demonstrations``, or of p-SIREN ``dense`` (step 1) or ``sparse`` (step 2).
    """
    like = settings.task(task).like
    return like if like and _made_from(settings, like, step) == _made_from(settings, task, step) else task


def _made_from(settings: Settings, task: str, step: str) -> tuple[Any, ...]:
    """Return the settings of a task that a step's files depend on."""
    chosen = settings.task(task)
    if step == "demonstrations":
        return chosen.dataset, chosen.network
    trained = settings.psiren_of(task).model_dump(exclude=_LATER[step])
    stops = set(chosen.sparsities) if step == "sparse" else None
    return chosen.dataset, chosen.network, trained, stops


def assessments(settings: Settings, task: str) -> list[Row]:
    """Return the networks of p-SIREN of a task as they are assessed in driving."""
    return [{**network, "stage": "psiren", "run": ""} for network in networks(settings, task)]


def surveys(settings: Settings, task: str) -> list[Row]:
    """Return the layers of networks whose neighbors are surveyed; raise ``InputError`` if the task has none."""
    studied, seeds = _studied(settings, task), settings.task(task).seeds
    return [
        {"task": task, "sparsity": f"{sparsity:g}", "seed": seed, "layer": layer}
        for sparsity in studied.sparsities
        for seed in dict.fromkeys([*seeds, *studied.more_seeds.get(f"{sparsity:g}", ())])
        for layer in _layers(settings, task, seed)
    ]


def amount(settings: Settings, task: str, seed: int, layer: str) -> Any:
    """Return how many neighbors of a layer are surveyed; raise ``InputError`` for a layer that the study leaves out."""
    layers = _layers(settings, task, seed)
    if layer not in layers:
        known = ", ".join(layers) or "none"
        raise InputError(f"layer {layer!r} of seed {seed}: not in the setting 'neighbors.{task}', which has {known}")
    return layers[layer]


def _studied(settings: Settings, task: str) -> NeighborsSettings:
    if task not in settings.neighbors:
        raise InputError(f"the setting 'neighbors' has no task {task!r}")
    return settings.neighbors[task]


def _layers(settings: Settings, task: str, seed: int) -> dict[str, Any]:
    chosen = _studied(settings, task)
    return chosen.first if seed == settings.task(task).seeds[0] else chosen.others


def exports(settings: Settings, form: str) -> list[Row]:
    """Return the networks that are exported in a format."""
    return [
        {"task": task, "sparsity": f"{sparsity:g}", "seed": settings.task(task).seeds[0]}
        for task, exported in settings.export.items()
        for sparsity in exported.sparsities
        if form in exported.formats
    ]


def formats_of(settings: Settings, forms: Iterable[str]) -> list[str]:
    """Return those of some formats in which networks are exported; raise ``InputError`` if there are none."""
    found = [form for form in forms if exports(settings, form)]
    if not found:
        raise InputError(
            f"the setting 'export' names no network in the format {' or '.join(forms)}; see config/README.md"
        )
    return found


def embeddings(settings: Settings, task: str) -> list[Row]:
    """Return the layers whose neighbors are embedded. Their network is that of the task's first seed.

    Raises ``InputError`` if the task has none.
    """
    chosen = _embedded(settings, task)
    seed = settings.task(task).seeds[0]
    return [{"task": task, "sparsity": f"{chosen.sparsity:g}", "seed": seed, "layer": layer} for layer in chosen.layers]


def embedding(settings: Settings, task: str, layer: str) -> list[Row]:
    """Return the layer, as ``embeddings`` does; raise ``InputError`` if its neighbors are not embedded."""
    rows = embeddings(settings, task)
    found = [row for row in rows if row["layer"] == layer]
    if not found:
        known = ", ".join(row["layer"] for row in rows)
        raise InputError(f"layer {layer!r}: not in the setting 'embeddings.{task}.layers', which has {known}")
    return found


def _embedded(settings: Settings, task: str) -> EmbeddingsSettings:
    _studied(settings, task)
    if task not in settings.embeddings:
        raise InputError(f"the setting 'embeddings' has no task {task!r}")
    return settings.embeddings[task]


def improvement(settings: Settings) -> list[Row]:
    """Return the runs of `sense.improvement`: from networks of p-SIREN that have neighbors.

    Raises ``InputError`` if the setting is absent.
    """
    chosen = settings.sense.improvement
    if chosen is None:
        raise InputError("the setting 'sense.improvement' is not set")
    return [
        {**network, "origin": "psiren", "search": chosen.search}
        for task in chosen.tasks
        for network in networks(settings, task)
        if chosen.covers(float(network["sparsity"]))
    ]


def members(settings: Settings, group: str) -> list[Row]:
    """Return the networks of a group, in the order in which they are compared; raise ``InputError`` if there is none.

    ``path`` is where a network is below the results, without its ending. Small sets come first, equal ones by name: the
    settings that a job gets are sorted, so their order says nothing. Single networks come last.
    """
    chosen = settings.group(group)
    seeds = settings.task(chosen.task).seeds
    sets = {
        name: [
            {"set": name, "walk": walk, "seed": seed, "sparsity": one.start.sparsity, "path": _place(one, walk, seed)}
            for one in kinds
            for walk in one.walks or [""]
            for seed in (one.start.seeds or seeds)[: 1 if one.seeds == "first" else None]
        ]
        for name, kinds in sorted(chosen.sets.items())
    }
    wide = dict.fromkeys(sparsity for size, sparsity in sorted(chosen.sizes.items()) if size > 1)
    return [row for rows in sorted(sets.values(), key=len) for row in rows] + [
        {
            **{"set": ONE, "walk": "", "seed": seed, "sparsity": sparsity},
            "path": f"psiren/{chosen.task}/p{sparsity:g}/seed{seed}",
        }
        for sparsity in wide
        for seed in seeds
    ]


def task_of_group(settings: Settings, group: str) -> str:
    """Return the task of a group; raise ``InputError`` if there is no such group."""
    return settings.group(group).task


def task_of_path(settings: Settings, path: str) -> str:
    """Return the task of a path; raise ``InputError`` if there is no such path."""
    return settings.path_of(path).start.start.task


def ends(settings: Settings, path: str) -> list[Row]:
    """Return where the first and the last network of a path are; raise ``InputError`` if there is no such path."""
    chosen = settings.path_of(path)
    seed = settings.task(task_of_path(settings, path)).seeds[0]
    return [{"path": _place(one, one.walk, seed)} for one in (chosen.start, chosen.end)]


def task_of_transfer(settings: Settings, transfer: str) -> str:
    """Return the task whose images networks are to serve; raise ``InputError`` if there is no such transfer."""
    return settings.transfer(transfer).to


def sources(settings: Settings, transfer: str, seed: int) -> list[Row]:
    """Return where the starts of a transfer are, by their names; raise ``InputError`` if there is no such transfer."""
    starts = sorted(settings.transfer(transfer).starts.items())
    return [{"path": _place(one, one.walk, seed)} for _, one in starts]


def _place(one: WalkedSettings, walk: str, seed: int) -> str:
    """Return where a network of a set is below the results, without its ending."""
    if walk:
        return f"families/{one.run}.{walk}/seed{seed}"
    if one.search or one.start.origin == "random":
        return f"sense/{one.run}/seed{seed}"
    return f"psiren/{one.start.task}/p{one.start.sparsity:g}/seed{seed}"


def tracks(settings: Settings, kind: str) -> int:
    """Return how many tracks a kind has; raise ``InputError`` for a round that the settings do not have."""
    chosen = settings.driving.tracks
    if not kind.startswith("round"):
        count: int = getattr(chosen, kind)
        return count
    number = int(kind.removeprefix("round"))
    if number > len(chosen.rounds):
        raise InputError(f"{kind}: the setting 'driving.tracks.rounds' has {len(chosen.rounds)}")
    return chosen.rounds[number - 1]


def training_kinds(rounds: int) -> list[str]:
    """Return the kinds of tracks whose frames networks are trained on after so many rounds."""
    return ["train", *(f"round{number}" for number in range(1, rounds + 1))]


def tracks_driven(settings: Settings, stage: str, sparsity: float) -> int:
    """Return on how many tracks a network of a stage is assessed."""
    chosen = settings.driving
    if stage == "sense":
        return min(chosen.searched, chosen.tracks.returns)
    return chosen.tracks.returns if sparsity in chosen.thorough else min(chosen.brief, chosen.tracks.returns)


def driver(run: str) -> tuple[str, str]:
    """Return the origin and the search of a network by its run in a path, such as `-random.greedy`.

    A network of p-SIREN has the run ``""``. The search is empty for a network that a search starts from.
    """
    origin, _, search = (run.lstrip("-") or "psiren").partition(".")
    return origin, search


def refuse_figure(settings: Settings, name: str) -> NoReturn:
    """Raise ``InputError`` with a list of the figures there are, for a target that is none of them."""
    known = ", ".join(map(target, in_order(settings.figures))) or "none, since 'figures' is empty"
    raise InputError(f"unknown figure {name!r}; expected one of {known}")
