"""`make verify`: builds in different folders and under different conditions have results equal to the byte.

    python tests/workflow/equal_builds.py --configfile config/quick.yaml --cores 1 2 64

They differ in cores, hash seed, locale and time zone, and none finds anything compiled. Times and paths stand in
`logs/` and `benchmarks/` of a scale, which are not compared.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

from aann.artifacts import seal_of
from aann.builds import machine

ROOT = Path(__file__).parents[2]
EVERYTHING = ("all_figures", "claims", "report_page")
SIDE_CARS = ("logs", "benchmarks")
FIRST = {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC0"}
SECOND = {"PYTHONHASHSEED": "2", "LC_ALL": "POSIX", "TZ": "NPT-5:45"}


def repository_files(root: Path) -> Iterator[Path]:
    """Yield the files of the repository, from its root: all but those that .gitignore names. A ZIP of it has no git."""
    ignored = GitIgnoreSpec.from_lines((root / ".gitignore").read_text(encoding="utf-8").splitlines())
    for parent, folders, names in os.walk(root):
        here = Path(parent).relative_to(root)
        folders[:] = [name for name in folders if name != ".git" and not ignored.match_file(f"{here / name}/")]
        yield from (here / name for name in names if name != ".git" and not ignored.match_file(here / name))


def copy_repository(folder: Path, root: Path = ROOT) -> None:
    """Copy the files of the repository to a folder."""
    for name in repository_files(root):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)


def build(
    folder: Path,
    conditions: Mapping[str, str],
    cores: int,
    configfiles: Sequence[str],
    targets: Sequence[str] = EVERYTHING,
) -> None:
    """Build targets in a copy of the repository; leave with what Snakemake printed if it fails."""
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", *configfiles, "--", *targets]
    environment = {**os.environ, **conditions, "NUMBA_CACHE_DIR": str(folder / ".numba")}
    with (folder / "build.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        last = (folder / "build.log").read_text(encoding="utf-8").splitlines()[-20:]
        sys.exit("\n".join([*last, f"error: the build in {folder} failed; see its build.log"]))


def compared(folder: Path) -> dict[str, Path]:
    """Return the results in a folder that are compared, by their path; seals say nothing that these do not."""
    files = {path for path in (folder / "results").rglob("*") if path.is_file()}
    found = {path.relative_to(folder / "results"): path for path in files - set(map(seal_of, files))}
    return {
        name.as_posix(): path
        for name, path in sorted(found.items())
        if len(name.parts) > 1 and name.parts[1] not in SIDE_CARS
    }


def differing(one: Path, other: Path) -> Iterator[str]:
    """Yield a line for each result that only one of two folders has, or that has other bytes in the other."""
    first, second = compared(one), compared(other)
    for name in sorted({*first, *second}):
        if name not in first or name not in second:
            yield f"{name}: only in {one if name in first else other}"
        elif first[name].read_bytes() != second[name].read_bytes():
            yield f"{name}: differs"


def main() -> None:
    """Build several times, compare with the first, and fail with a line for each difference; copies are kept then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", nargs="+", default=["config/quick.yaml"], help="laid over config/config.yaml")
    parser.add_argument(
        "--cores", type=int, nargs="+", default=[1, machine.processors()], help="of each build, two or more"
    )
    parser.add_argument("--target", nargs="+", default=EVERYTHING, help="what to build")
    chosen = parser.parse_args()
    if len(chosen.cores) < 2:
        parser.error("--cores: expected a number for each of two builds or more")
    below = Path(tempfile.mkdtemp(prefix="aann-verify-"))
    folders = [below / f"build {number}" for number in range(len(chosen.cores))]
    for folder, cores, conditions in zip(folders, chosen.cores, itertools.cycle((FIRST, SECOND)), strict=False):
        copy_repository(folder)
        build(folder, conditions, cores, chosen.configfile, chosen.target)
        print(f"built with --cores {cores} and {' '.join(f'{key}={value}' for key, value in conditions.items())}")
    first, *others = folders
    number, lines = (
        len(compared(first)),
        [f"{other.name}: {line}" for other in others for line in differing(first, other)],
    )
    for line in lines:
        print(line, file=sys.stderr)
    if lines or not number:
        sys.exit(f"error: {len(lines)} of {len(others) * number} results differ from those in {first}; see {below}")
    shutil.rmtree(below)
    print(f"all {number} results are equal to the byte ({' and '.join(SIDE_CARS)} are not compared)")


if __name__ == "__main__":
    main()
