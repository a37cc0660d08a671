"""Files that hold a network: as training wrote it, as ``release/`` has it, or packed."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from aann.artifacts import require_file
from aann.errors import InputError
from aann.export import packed
from aann.networks import TernaryNetwork


def load(path: Path | str) -> TernaryNetwork:
    """Return the network of a file; its ending says which kind it is.

    Raises ``InputError`` if there is no such file, or if it holds no ternary network.
    """
    path = require_file(path)
    if path.suffix == packed.ENDING:
        return packed.load(path)
    if path.suffix != ".gz":
        return TernaryNetwork.load(path)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file; get it again") from error
    with TemporaryDirectory() as folder:
        unpacked = Path(folder) / path.stem
        unpacked.write_bytes(content)
        try:
            return TernaryNetwork.load(unpacked)
        except InputError as error:
            raise InputError(str(error).replace(str(unpacked), str(path))) from error
