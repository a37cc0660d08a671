"""Puts the files of settings into what is installed, so that it finds them without a checkout. See pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithSettings(build_py):
    """Builds the package as usual, and ``config/*.yaml`` as files of it; an editable one reads the checkout's."""

    def run(self) -> None:
        """Build."""
        if self.editable_mode:
            super().run()
        else:
            shutil.rmtree(
                self.build_lib, ignore_errors=True
            )  # else modules of an earlier build would be installed, too
            super().run()
            folder = Path(self.build_lib, "aann/config")
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(Path("config").glob("*.yaml")):
                self.copy_file(str(path), str(folder / path.name))


setup(cmdclass={"build_py": BuildWithSettings})
