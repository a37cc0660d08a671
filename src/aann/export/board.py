"""A network on an emulated microcontroller: its logits, and what flash, memory and instructions it takes.

The C of a network is compiled with ``board/board.c``, which has no C library, for a Cortex-M that QEMU emulates. Images
and logits go through semihosting. Flash and memory are what the linker placed; the stack is painted before, and what
was overwritten is counted. With ``-icount``, every instruction of the emulated processor takes the same time, so that
its SysTick timer counts instructions; a loop of a million calibrates it. They are instructions, not cycles.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aann.errors import InputError
from aann.export import source
from aann.networks import TernaryNetwork

FOLDER = Path(__file__).parent / "board"

COMPILER, SIZE, EMULATOR = "arm-none-eabi-gcc", "arm-none-eabi-size", "qemu-system-arm"
PROGRAMS = (COMPILER, SIZE, EMULATOR)

BOARDS = {"cortex-m3": "mps2-an385", "cortex-m0": "microbit"}
"""Boards of QEMU by their processor."""

_OPTIONS = ("-mthumb", "-O2", "-std=c99", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-ffunction-sections")
_LINK = ("-nostartfiles", "-nostdlib", "-T", "board.ld", "-Wl,--gc-sections")
_MILLION = 1_000_000
_SECONDS = 300


@dataclass(frozen=True)
class Measured:
    """What a network took on a processor.

    logits: int32 (images, classes). flash, memory: bytes that the linker placed: weights, code and the 0.4 kB of the
    board; the network's memory, one image and its logits. stack: bytes. instructions: for one image, on average.
    """

    logits: np.ndarray
    flash: int
    memory: int
    stack: int
    instructions: float


def measure(network: TernaryNetwork, images: np.ndarray, processor: str, folder: Path) -> Measured:
    """Run images of shape (images, channels, height, width) on an emulated board; ``folder`` gets all files.

    Raises ``InputError`` if a compiler or the emulator is missing or fails, and as ``source.save`` does.
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise InputError(
            f"{missing[0]}: is not installed; on Debian: apt-get install gcc-arm-none-eabi qemu-system-arm"
        )
    typed = images.astype(source.input_type(network.architecture))
    source.save(network, folder, typed[0], np.zeros(network.architecture.classes, np.int32))
    for path in FOLDER.iterdir():
        shutil.copy(path, folder)
    typed.tofile(folder / "images")
    files = ("board.c", "aann.c", "-lgcc", "-o", "board.elf")
    _run([COMPILER, f"-mcpu={processor}", *_OPTIONS, *_LINK, *files], folder)
    _run([EMULATOR, "-M", BOARDS[processor], *_EMULATION, "-kernel", "board.elf"], folder)
    ticks, count, all_ticks, stack = np.fromfile(folder / "measured", "<u4").tolist()
    sections = _sections(_run([SIZE, "-A", "board.elf"], folder))
    return Measured(
        logits=np.fromfile(folder / "logits", "<i4").reshape(-1, network.architecture.classes),
        flash=sections[".text"],
        memory=sections[".bss"],
        stack=stack,
        instructions=all_ticks / ticks * _MILLION / count,
    )


_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")
_EMULATION = ("-display", "none", "-monitor", "none", "-serial", "none", "-icount", "shift=0", *_SEMIHOSTING)


def _run(command: Sequence[str], folder: Path) -> str:
    """Return what a command prints; raise ``InputError`` with its first line about an error if it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{command[0]}: does not end within {_SECONDS} s in {folder}") from error
    if done.returncode:
        lines = done.stderr.splitlines()
        said = next((line for line in lines if "error" in line or "overflowed" in line), lines[-1] if lines else "")
        raise InputError(f"{command[0]}: fails in {folder}: {said}; run it there to see more")
    return done.stdout


def _sections(printed: str) -> dict[str, int]:
    """Return the bytes of each section, as the compiler's ``size`` prints them."""
    rows = [line.split() for line in printed.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".")}
