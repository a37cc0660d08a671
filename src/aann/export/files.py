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

_GZIP = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952, section 2.3.1)."""
_HEADER_AT = slice(8, 9)
"""Where the header of a safetensors file begins, which is JSON."""


def load(path: Path | str) -> TernaryNetwork:
    """Return the network of a file. How it begins says which kind it is; if that is damaged, its ending does.

    Raises ``InputError`` if there is no such file, or if it holds no ternary network.
    """
    path = require_file(path)
    with path.open("rb") as file:
        begins = file.read(_HEADER_AT.stop)
    whole = begins[_HEADER_AT] == b"{"
    if begins.startswith(packed.MAGIC) or (path.suffix == packed.ENDING and not whole):
        return packed.load(path)
    if not begins.startswith(_GZIP) and (path.suffix != ".gz" or whole):
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
