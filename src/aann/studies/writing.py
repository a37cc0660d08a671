"""A study as a file with comments, and words on what was seen in its data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import yaml

from aann.errors import InputError
from aann.figures import kinds
from aann.settings.study import Settings, validate
from aann.studies import designs, names
from aann.studies.looking import Asked, Seen, look

_COMMENTS = {
    "scale": "results are in results/{name}/",
    "standalone": "nothing of config/config.yaml is below this file",
    "datasets": "Where the images come from, and how each becomes an input of a network.",
    "datasets.*.size": "height and width; input_shape below has them, too",
    "datasets.*.channels": "{channels}",
    "datasets.*.centered": "whether 128 is subtracted from every value, as signed and input_scale below then say",
    "datasets.*.classes": "in the order of the network's outputs",
    "networks": "The network: {weights:,} weights. Inputs are integers, weights -1, 0 and 1.",
    "networks.*.input_shape": "channels, height, width",
    "tasks": "Networks are made at these percentages of zero weights, one for each seed.",
    "psiren": "Training (p-SIREN): a dense network, pruned on the way to the largest sparsity, then made ternary.",
    "psiren.shift": "training images are moved by up to so many pixels each way",
    "psiren.mirror": "true for photos whose left and right mean nothing: they are mirrored with even odds",
    "neighbors": "First neighbors that are counted in each layer: `exhaustive`, or how many. The first seed's network "
    "has more.",
    "embeddings": "Neighbors that are embedded in a plane by t-SNE, Isomap and LLE.",
    "sense": "Searches (SENSE): from neighbor to neighbor, without gradients. `greedy` is for random starts, `polish` "
    "for trained networks.",
    "sense.improvement": "polishes all networks of p-SIREN that have zeros",
    "sense.backpropagation": "what searches from random starts are compared with",
    "figures": "What `snakemake all_figures` draws; each is a target, such as figure_accuracy.",
}
"""What the file says of keys; a star is any name."""

_WIDTH, _LONGEST = 120, 100
"""Characters of a line of comments, and of values."""


def new(path: Path, output: Path, scale: str, name: str | None = None, asked: Asked | None = None) -> Iterator[str]:
    """Look at data, write a study of them, and yield lines on what was seen and what is next.

    Raises ``InputError`` if the output is there already, if the name is none or is taken, and if data cannot be read or
    the study cannot be written.
    """
    if name is not None:
        names.require_name(name)
    if output.exists() or output.is_symlink():
        raise InputError(f"{output}: is there already, and is left as it is; name another file with --output")
    if not output.parent.is_dir():
        raise InputError(f"{output}: its folder {output.parent} is not there; make it, or name another file")
    seen = look(path, asked)
    yield from _described(path, seen)
    chosen = names.slug(path) if name is None else name
    names.require_own(chosen, seen.entry, output.parent)
    text = to_yaml(chosen, designs.study(chosen, seen, designs.SCALES[scale]), seen, output)
    check(text, output)
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}); name another file with --output") from error
    yield f"{output}: a study at the scale {scale}; change what you like, and run"
    yield f"  {_command(output)}"


def _command(output: Path) -> str:
    """Return the command that builds a study."""
    return f"snakemake --cores 2 all_figures report_page --configfile {quote(str(output))}"


def check(text: str, source: Path | str) -> Settings:
    """Return the settings that a text of YAML holds. Raises ``InputError`` if they, or a figure, cannot be served."""
    settings = validate(yaml.safe_load(text), source=str(source))
    kinds.plans(settings)
    return settings


# --- what was seen ----------------------------------------------------------------------------------------------------


def _described(path: Path, seen: Seen) -> Iterator[str]:
    yield f"{path}: {seen.images:,} images of {len(seen.classes)} classes ({seen.entry['kind']})"
    width = max(len("class"), *(len(name) for name in seen.classes))
    yield f"  {'class':<{width}}" + "".join(f"{part:>12}" for part in seen.counts)
    for label, name in enumerate(seen.classes):
        yield f"  {name:<{width}}" + "".join(f"{counts[label]:>12,}" for counts in seen.counts.values())
    yield f"  sizes (height x width): {_sizes(seen)}, {'colored' if seen.colored else 'grey'}"
    yield f"  splits: {_splits(seen)}"
    yield f"  balance: {_balance(seen)}"
    for key, words in _NOTED.items():
        if seen.noted.get(key):
            yield f"  {words.format(seen.noted[key])}"


_NOTED = {
    "repeated_in_validation": "duplicates: {:,} validation images are training images, too",
    "repeated_in_test": "duplicates: {:,} test images are training or validation images, too",
    "repeated_in_train": "duplicates: {:,} training images are there more than once",
    "passed_over": "passed over: {:,} files that are no PNG, JPEG, WebP or BMP, or hidden",
    "unreadable": "passed over: {:,} images that cannot be read",
}


def _sizes(seen: Seen) -> str:
    """Return the sizes of images, as far as they were looked at."""
    (height, width), count = seen.sizes.most_common(1)[0] if seen.sizes else ((0, 0), 0)
    if len(seen.sizes) == 1:
        return f"{height} x {width}"
    heights, widths = zip(*seen.sizes, strict=True) if seen.sizes else ((0,), (0,))
    share = 100 * count / max(1, sum(seen.sizes.values()))
    return (
        f"{min(heights)} to {max(heights)} x {min(widths)} to {max(widths)}, most often {height} x {width} "
        f"({share:.0f} %)"
    )


def _splits(seen: Seen) -> str:
    drawn = [part for part in seen.counts if part not in seen.own_parts]
    if not drawn:
        return "the data's own"
    own = f"{' and '.join(seen.own_parts)} are the data's own; " if len(seen.own_parts) > 1 else ""
    return f"{own}{' and '.join(drawn)} images are drawn from the others, a share of each class"


def _balance(seen: Seen) -> str:
    """Return how many images the smallest and the largest class have, and what guessing gets right."""
    most, least = int(seen.of_classes.max()), int(seen.of_classes.min())
    counts = f"{least:,} to {most:,} images a class"
    guessing = f"{100 * most / seen.images:.1f} % are of the largest"
    return f"{counts}; {guessing}" + ("" if most < 1.5 * least else "; look at balanced accuracy, too")


# --- the file ---------------------------------------------------------------------------------------------------------


def to_yaml(name: str, study: Mapping[str, Any], seen: Seen, output: Path) -> str:
    """Return a study as YAML with comments."""
    images = f"{seen.images:,} images of {len(seen.classes)} classes"
    lines = [
        f"# A study of {images}, as `python -m aann study new` wrote it. Change what you like.",
        f"#   {_command(output)}",
        "# Every setting is explained in config/README.md (`python -m aann settings reference`).",
    ]
    network = next(iter(study["networks"].values()))
    words = {"name": name, "weights": sum(designs.weights(network).values()), "channels": _on_channels(seen)}
    for key, value in study.items():
        comment = _COMMENTS[key].format(**words)
        if isinstance(value, Mapping):
            lines += ["", *textwrap.wrap(comment, _WIDTH, initial_indent="# ", subsequent_indent="# ")]
            lines += [f"{key}:", *_lines(value, key, words, 2)]
        else:
            lines.append(f"{key}: {_flow(value)}  # {comment}")
    return "\n".join(lines) + "\n"


def _on_channels(seen: Seen) -> str:
    if seen.entry["channels"] == 3:
        return "red, green and blue; 1 for grey"
    return "grey; 3 for colors, which take more images to learn" if seen.colored else "grey"


def _lines(values: Mapping[str, Any], place: str, words: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Yield the lines of a mapping: short values on one line, long ones below their key."""
    space = " " * indent
    for key, value in values.items():
        here, flow = f"{place}.{key}", _flow(value)
        comment = _comment(here).format(**words)
        ending = f"  # {comment}" if comment else ""
        if isinstance(value, list) and len(flow) > _LONGEST and isinstance(value[0], Mapping):
            yield f"{space}{_flow(key)}:{ending}"
            yield from (f"{space}  - {_flow(item)}" for item in value)
        elif isinstance(value, Mapping) and (len(flow) > _LONGEST or (indent == 2 and place in _OPEN)):
            yield f"{space}{_flow(key)}:{ending}"
            yield from _lines(value, here, words, indent + 2)
        else:
            yield f"{space}{_flow(key)}: {flow}{ending}"


_OPEN = ("datasets", "networks", "tasks", "neighbors")
"""Sections whose entries are written over several lines."""


def _comment(place: str) -> str:
    section, _, rest = place.partition(".")
    any_name = f"{section}.*.{rest.partition('.')[2]}"
    return _COMMENTS.get(place) or _COMMENTS.get(any_name) or ""


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    return (
        str(yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True))
        .removesuffix("\n")
        .removesuffix("\n...")
    )
