# Where this workflow's own files are. They are found from this file, so they depend neither on the folder that a build
# runs in, nor on a workflow that imports this one.
import gc
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Python need not look for garbage among what Snakemake imported. This took a third of the time of a dry run.
gc.freeze()
gc.set_threshold(50_000)

MODULE = not workflow.modifier.is_main_snakefile()  # another workflow imports this one


def checkout():
    """Return the folder of this workflow, or that of a copy if Snakemake reads it from a git repository."""
    rules_folder = workflow.current_basedir
    if hasattr(rules_folder, "hosted_repo"):
        return copy_of_commit(rules_folder, rules_folder.hosted_repo.repo)
    if hasattr(rules_folder, "repo_path"):
        from git import Repo

        return copy_of_commit(rules_folder, Repo(rules_folder.repo_path))
    if not hasattr(rules_folder, "abspath"):
        raise WorkflowError(
            f"{rules_folder}: Snakemake reads this workflow file by file, without its Python package; name it in the "
            "Snakefile by a path, or with github(...), gitlab(...) or gitfile(...)"
        )
    return Path(rules_folder.get_path_or_uri(secret_free=True)).parent


def copy_of_commit(rules_folder, repository):
    """Return a folder with the files of a commit that jobs need. It is made once, where the build runs."""
    commit = repository.commit(rules_folder.ref).hexsha
    top = Path(rules_folder.path).parent
    copy = Path(".snakemake/aann", commit).absolute()
    if not copy.is_dir():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
            archive, files = Path(folder, "files.tar"), Path(folder, "files")
            needed = [(top / name).as_posix() for name in ("config", "envs", "src", "workflow")]
            repository.git.archive(commit, *needed, output=str(archive))
            with tarfile.open(archive) as opened:
                opened.extractall(files, filter="data")
            try:
                files.rename(copy)
            except OSError:
                if not copy.is_dir():  # another process was faster
                    raise
    return copy / top


def beside(path):
    """Return the path of a file of this workflow: as it is in a build in the workflow's folder, else absolute."""
    return path if ROOT.samefile(Path.cwd()) else str(ROOT / path)


ROOT = checkout()
SOURCE = str(ROOT / "src")
sys.path.insert(0, SOURCE)

import aann

if MODULE and not Path(aann.__file__).parents[1].samefile(SOURCE):
    raise WorkflowError(
        f"{Path(aann.__file__).parent}: the Snakefile has imported this package before the module, which needs its own "
        f"in {SOURCE}; import it after the module, or not at all"
    )

try:
    import aann.artifacts, aann.settings.study
except ModuleNotFoundError as error:
    raise WorkflowError(
        f"{error.name}: Snakemake reads this workflow with it, even if jobs have an environment of their own; install it: "
        f"python -m pip install --constraint {ROOT / 'envs/constraints.txt'} {error.name}"
    )

if workflow.modifier.modify_path("results") != "results":
    raise WorkflowError(
        "module: this workflow takes no prefix and no replace_prefix; name another folder with its setting 'results'"
    )

# A configuration in the folder of a build replaces this workflow's own.
CONFIG = "config/config.yaml"
CONFIG = CONFIG if Path(CONFIG).exists() else beside(CONFIG)
