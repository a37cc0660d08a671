"""The page: the notebook is run by papermill, and what it shows is written as one HTML file that needs no other."""

from __future__ import annotations

import json
import logging
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from aann.artifacts import atomic_path, require_file
from aann.errors import InputError
from aann.lineage import provenance, records
from aann.report.contents import Contents
from aann.settings.study import Settings

_SHOWN = 160
"""Characters of a cell that failed that are shown."""
_PATIENCE = 600
"""Seconds in which a kernel must answer: on a busy machine, it takes more than the 4 that are usual."""

_SHORT_FOLDERS = ("/tmp", "/var/tmp")
"""Where sockets are made if the folder of temporary files cannot hold them."""


def write_page(notebook: Path, template: Path, output: Path, parameters: Mapping[str, Any]) -> None:
    """Run a notebook with parameters and write what it shows through a template of nbconvert.

    The kernel is this interpreter, in this folder. Equal inputs give equal bytes.

    Raises ``InputError`` with one line that names the cell if one fails; nothing is written then.
    """
    require_file(template)
    page = render(run(notebook, parameters), template)
    with atomic_path(output) as temporary:
        temporary.write_text(page, encoding="utf-8")


def make_page(
    settings: Settings, contents: Contents, notebook: Path, template: Path, results: Path, output: Path
) -> None:
    """Write the page of one scale's results, and beside it what it came from. Raises as ``write_page`` does."""
    inputs = [notebook, template, *(results / name for name in contents.files)]
    recorded = provenance.describe("aann.report.notebook", inputs, {"scale": settings.scale})
    parameters = {"results": str(results), "scale": settings.scale, "contents": contents.model_dump()}
    write_page(notebook, template, output, parameters)
    records.write_beside(output, recorded)


def run(notebook: Path, parameters: Mapping[str, Any]) -> Any:
    """Return a notebook with its outputs; raise ``InputError`` if it is none, or if a cell or its kernel fails."""
    from nbclient.exceptions import DeadKernelError
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    for logger in ("papermill", "asyncio"):
        logging.getLogger(logger).addHandler(logging.NullHandler())  # errors are raised, too
    cells = _cells(notebook)
    with ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            log = stack.enter_context((folder / "kernel.log").open("w+b"))
        except OSError as error:
            raise InputError(
                f"{notebook}: its kernel needs room for files ({error}); set TMPDIR to a folder"
            ) from error
        try:
            return execute_notebook(
                notebook,
                folder / "executed.ipynb",
                parameters=dict(parameters),
                progress_bar=False,
                request_save_on_cell_execute=False,  # megabytes of pictures, written again for each cell
                autosave_cell_every=0,
                kernel_name="python3",
                language="python",
                iopub_timeout=_PATIENCE,
                kernel_manager_class=_kernel_manager(folder, _socket_folder(stack), log),
            )
        except PapermillExecutionError as error:
            raise InputError(f"{notebook}: {_failure(cells, error)}; the page was not made") from error
        except DeadKernelError as error:
            raise InputError(f"{notebook}: its kernel died; run it again with more memory") from error
        except TimeoutError as error:
            line = str(error).splitlines()[0]
            raise InputError(f"{notebook}: {line} Run it again when the machine has less to do") from error
        except RuntimeError as error:
            log.seek(0)
            said = log.read().decode(errors="replace").splitlines()[-1:]
            reason = ": ".join([str(error), *said])
            raise InputError(f"{notebook}: {reason}; run it again, and if it stays, make setup") from error


def _cells(notebook: Path) -> dict[str, str]:
    """Return the sources of the cells of a notebook, by id."""
    try:
        read = json.loads(require_file(notebook).read_text(encoding="utf-8"))
        return {str(cell["id"]): "".join(cell["source"]) for cell in read["cells"]}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{notebook}: is not a notebook of format 4.5; restore it from git") from error


def _failure(cells: Mapping[str, str], error: Any) -> str:
    """Return in one line which cell failed and why; for errors that are not our own, also what the cell holds."""
    name = next((name for name, source in cells.items() if source == error.source), "parameters")
    reason = " ".join(str(error.evalue).split())
    if error.ename == InputError.__name__:
        return f"cell {name!r}: {reason}"
    source = " ".join(error.source.split())
    shown = source if len(source) <= _SHOWN else f"{source[:_SHOWN]}..."
    return f"cell {name!r} failed with {error.ename} ({reason}): {shown}"


def _socket_folder(stack: ExitStack) -> Path | None:
    """Return a folder of our own that holds sockets until the stack is closed; None if there is no place for it."""
    for place in (tempfile.gettempdir(), *_SHORT_FOLDERS):
        try:
            folder = Path(stack.enter_context(TemporaryDirectory(dir=place)))
        except OSError:
            continue
        if _holds_sockets(folder):
            return folder
    return None


def _holds_sockets(folder: Path) -> bool:
    """Return whether sockets can be made in a folder.

    The path of a socket has at most 107 bytes, and some file systems hold none. ZeroMQ takes paths for UTF-8, which the
    locale may not use.
    """
    probe = _sockets_in(folder) + "-0"
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.bind(probe)
        except OSError:
            return False
    Path(probe).unlink()
    return probe.isascii()


def _sockets_in(folder: Path) -> str:
    """Return what the paths of the kernel's sockets begin with; a hyphen and a digit follow."""
    return str(folder / "kernel")


def _kernel_manager(folder: Path, sockets: Path | None, log: BinaryIO) -> type:
    """Return what starts this interpreter as kernel, whatever kernels are installed.

    Its files are in ``folder`` and its sockets in ``sockets``, so no other user can talk to it. Without ``sockets``, it
    is reached by TCP from this machine alone, and obeys only those who have the key in ``folder``. All that its process
    prints goes to ``log``, since C libraries may complain while they are shut down; errors in a cell are raised.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import Unicode

    arguments = ["-m", "ipykernel_launcher", "-f", "{connection_file}", f"--ipython-dir={folder}"]

    class ThisInterpreter(AsyncKernelManager):
        transport = Unicode("ipc" if sockets else "tcp")
        ip = Unicode(_sockets_in(sockets) if sockets else "127.0.0.1")
        connection_file = Unicode(str(folder / "kernel.json"))

        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(argv=[sys.executable, *arguments], language="python", display_name="Python")

        def start_kernel(self, **options: Any) -> Any:
            return super().start_kernel(stdout=log, stderr=log, **options)

    return ThisInterpreter


def render(notebook: Any, template: Path) -> str:
    """Return an executed notebook as HTML."""
    from nbconvert import exporters

    exporter: Any = exporters.HTMLExporter(template_file=str(template.absolute()))
    page, _ = exporter.from_notebook_node(notebook)
    return str(page)
