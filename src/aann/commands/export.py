"""The command that writes a network as a file that others run."""

from __future__ import annotations

from pathlib import Path

import click

from aann.commands import options


@click.command("export")
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(["packed", "c", "onnx", "page", "network"]),
    help="What is written; network is the file that training wrote, from a packed one.",
)
@options.path("--output", "Writes a file; for the format c, a folder of four files.")
@options.path("--data", "The task's splits, for a page, which shows test images.", required=False)
def commands(network: Path, form: str, output: Path, data: Path | None) -> None:
    """Write NETWORK, a file of training or a packed one, in a format that others run.

    packed: one file, close to the entropy of the positions and signs of its connections. c: a header with the weights,
    a C99 file that runs them in integers, a test vector and a main for a desktop. onnx: a file for onnxruntime and
    viewers. page: a page on which one draws, and moves connections. All of them give the same integer logits.
    """
    from aann.export import formats

    if form != "c":
        options.require_no_folder(output, "--output")
    formats.export(network, form, output, data)
