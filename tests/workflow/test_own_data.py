"""A folder of images of a user's own, studied from an empty folder: what changes in it makes its jobs run again."""

import os
import re
import shlex
import shutil

import forks
import pytest
import yaml
from own_data import SIZE, fill

SPLITS = "results/fruit/datasets/fruit.safetensors"
STUDY = {
    "scale": "fruit",
    "standalone": True,
    "datasets": {"fruit": {"kind": "folder", "folder": "photos", "size": list(SIZE), "channels": 1, "classes": 3}},
    "networks": {"one": {"input_shape": [1, *SIZE], "layers": [{"type": "dense", "name": "fc", "units": 3}]}},
    "tasks": {"fruit": {"dataset": "fruit", "network": "one"}},
}


@pytest.fixture
def snakemake(root, tmp_path):
    """Run Snakemake in an empty folder, for the splits."""
    (tmp_path / "fruit.yaml").write_text(yaml.safe_dump(STUDY))
    command = [*forks.COMMAND, "-s", root / "Snakefile", "--cores", "1", "--configfile", "fruit.yaml"]

    def run(*options):
        result = forks.run([*command, *options, "--", SPLITS], tmp_path, os.environ)
        return result.returncode, result.stdout + result.stderr

    return run


def test_what_changes_in_a_folder_makes_its_job_run_again_and_nothing_else_does(snakemake, tmp_path):
    photos, nothing = tmp_path / "photos", "Nothing to be done"
    code, said = snakemake()
    assert code == 1
    assert f"configuration: datasets.fruit.folder: photos is not there, as seen from {tmp_path}; see" in said
    fill(photos, 5)
    code, said = snakemake()
    assert code == 0, said
    assert nothing in snakemake("-n")[1]

    shutil.copytree(photos, tmp_path / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(photos)
    assert nothing in snakemake("-n")[1]
    (tmp_path / "copy").rename(photos)
    (photos / "notes.txt").write_text("Ripe.")
    assert nothing in snakemake("-n")[1]

    shutil.copy(photos / "pear/0.png", photos / "pear/new.png")
    assert "rule split_dataset" in snakemake("-n")[1]
    (photos / "pear/new.png").write_bytes(b"damaged")
    code, said = snakemake()
    assert code == 1
    log = (tmp_path / "results/fruit/logs/datasets/fruit.log").read_text()
    assert "error: photos/pear/new.png: cannot be read as an image (" in log
    (photos / "pear/new.png").unlink()
    assert snakemake()[0] == 0


def test_the_command_of_the_page_on_data_makes_the_network_of_its_settings(root, tmp_path):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (root / "docs/data.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "signs.yaml").write_text(next(text for language, text in blocks if language == "yaml"))
    fill(tmp_path / "photos", 5, classes=[str(number) for number in range(10)])
    program, *arguments = shlex.split(next(text for language, text in blocks if not language))
    assert program == "snakemake"
    command = [*forks.COMMAND, "-s", root / "Snakefile", "-n", *arguments]
    result = forks.run(command, tmp_path, os.environ)
    assert result.returncode == 0, result.stdout + result.stderr
    assert all(f"rule {name}:" in result.stdout for name in ("split_dataset", "dense", "sparsify_signs", "network"))
