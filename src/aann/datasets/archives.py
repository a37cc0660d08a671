"""MNIST and data sets like it: torchvision's own list of files and MD5 sums, from the first place that serves them.

Places are tried in this order: the environment variable ``AANN_DATA_MIRROR``, the mirrors in the settings, and
torchvision's addresses. The first two are folders or URLs that hold ``mnist/`` and ``fashion-mnist/``, or torchvision's
own folders, ``MNIST/raw/`` and ``FashionMNIST/raw/``.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import ssl
import zlib
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError

import numpy as np

from aann import addresses
from aann.artifacts import atomic_path, require_file
from aann.catalog import TORCHVISION
from aann.datasets.sources import Found
from aann.datasets.splits import Images
from aann.errors import InputError
from aann.settings.datasets import ArchivesDataSettings

MIRROR_VARIABLE = "AANN_DATA_MIRROR"
SETTINGS_VARIABLE = "AANN_SETTINGS_MIRRORS"
"""Where the workflow puts the mirrors of the settings, as JSON: commands are shown, so they must not hold secrets."""
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
SUMS = {
    "mnist": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion-mnist": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    "kmnist": (
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
}
"""torchvision's MD5 sum of each file, in the order of ``FILES``. The library does without torchvision."""

SERVERS = {
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    "kmnist": ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
}
"""torchvision's addresses, each of a folder that holds the files."""

_TIMEOUT_SECONDS = 60
_LARGEST_BYTES = 2**27


def read(data: ArchivesDataSettings, archives: Path) -> Found:
    """Return the training and test images of the archives in a folder; raise ``InputError`` as ``load`` does."""
    train_images, train_labels, *test = load(data.archives, archives / data.archives)
    return Found({"train": Images(train_images, train_labels), "test": Images(*test)})


def files(data: ArchivesDataSettings, archives: Path) -> list[Path]:
    """Return the archives that ``read`` reads."""
    return [archives / data.archives / name for name in FILES]


def fetch(dataset: str, folder: Path, mirrors: Sequence[str] = (), names: Sequence[str] = ()) -> None:
    """Put archives of a data set, all unless named, into ``folder``, each verified by its MD5 sum before it is written.

    A file that is there and has its sum is kept. Raises ``InputError`` for an unknown data set or archive, and if no
    place serves a file with that sum; the message lists the places tried and says how to supply the file by hand.
    """
    _require_known(dataset, [*TORCHVISION], "data set")
    for name in names:
        _require_known(name, FILES, "archive")
    sums = _resources(dataset)
    for name in names or FILES:
        path, md5 = folder / name, sums[name]
        if path.is_file() and _md5(path.read_bytes()) == md5:
            continue
        content = _download(dataset, name, md5, path, mirrors)
        with atomic_path(path, seal=False) as temporary:
            temporary.write_bytes(content)


def _require_known(name: str, known: Sequence[str], kind: str) -> None:
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}; expected one of {', '.join(known)}")


def _resources(dataset: str) -> dict[str, str]:
    """Return torchvision's MD5 sum of each archive, by file name."""
    return dict(zip(FILES, SUMS[dataset], strict=True))


def _places(dataset: str, name: str, mirrors: Sequence[str]) -> list[list[str]]:
    """Return where an archive may be: for each place, its addresses in the layouts that mirrors have."""
    chosen = [os.environ.get(MIRROR_VARIABLE, ""), *mirrors]
    own = [[addresses.below(place, path) for path in _layouts(dataset, name)] for place in chosen if place]
    return own + [[place + name] for place in SERVERS[dataset]]


def _layouts(dataset: str, name: str) -> tuple[str, str]:
    return f"{dataset}/{name}", f"{TORCHVISION[dataset]}/raw/{name}"


def _download(dataset: str, name: str, md5: str, path: Path, mirrors: Sequence[str]) -> bytes:
    failures: list[str] = []
    hint = ""
    for place in _places(dataset, name, mirrors):
        for address in place:
            try:
                content = addresses.read(address, _LARGEST_BYTES, _TIMEOUT_SECONDS)
            except (OSError, ValueError, HTTPException) as error:
                failures.append(f"{addresses.shown(address)}: {_reason(error)}")
                hint = hint or _hint(error)
                if _is_out_of_reach(error):
                    break
                continue
            if _md5(content) == md5:
                return content
            wrong = f"has MD5 {_md5(content)}, so it is truncated, corrupt or another file"
            failures.append(f"{addresses.shown(address)}: {wrong}")
    raise InputError(
        f"{name} of {dataset} (MD5 {md5}) was not found. Tried {'; '.join(failures)}. {hint}"
        f"Set {MIRROR_VARIABLE} to a folder or URL that holds {' or '.join(_layouts(dataset, name))}, or put the file "
        f"at {path}"
    )


def _causes(error: BaseException) -> Iterator[object]:
    """Yield an error and what urllib gives as its reason."""
    yield error
    yield getattr(error, "reason", None)


def _reason(error: Exception) -> str:
    """Return why an address could not be read, without what may be secret in it."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    if isinstance(error, HTTPException):
        return type(error).__name__  # its words may repeat the address
    return addresses.shown_in(str(reason))


def _is_out_of_reach(error: Exception) -> bool:
    """Return whether the place of an address gives nothing, whatever the path."""
    absent = any(isinstance(cause, FileNotFoundError | NotADirectoryError | HTTPError) for cause in _causes(error))
    return isinstance(error, URLError | TimeoutError) and not absent


def _hint(error: Exception) -> str:
    """Return what to do about a certificate that cannot be verified, if that is the error."""
    if not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return ""
    trusted = os.environ.get("SSL_CERT_FILE", "")
    found = f" (it is {trusted}, which is no file)" if trusted and not Path(trusted).is_file() else ""
    return f"If the certificate is of an authority of your own, set SSL_CERT_FILE to a file that holds it{found}. "


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def load(dataset: str, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return training images, training labels, test images and test labels from a folder that ``fetch`` filled.

    Images are uint8 of shape (images, 1, 28, 28), labels int64. Raises ``InputError`` if an archive is missing or does
    not have torchvision's MD5 sum.
    """
    parts = []
    for name, md5 in _resources(dataset).items():
        path = require_file(folder / name)
        content = path.read_bytes()
        if _md5(content) != md5:
            raise InputError(
                f"{path}: has MD5 {_md5(content)}, expected {md5}, so it is truncated, corrupt or another file; "
                "move it away and run again to fetch it"
            )
        parts.append(_parse_idx(content, path))
    train_images, train_labels, test_images, test_labels = parts
    return train_images[:, None], train_labels.astype(np.int64), test_images[:, None], test_labels.astype(np.int64)


def _parse_idx(compressed: bytes, path: Path) -> np.ndarray:
    """Return the uint8 array of a gzipped IDX file: two zero bytes, type 8, rank, sizes (big-endian), then the data."""
    try:
        content = gzip.decompress(compressed)
        if content[:3] != b"\x00\x00\x08":
            raise ValueError("not an IDX file of unsigned bytes")
        rank = content[3]
        shape = np.frombuffer(content, ">i4", rank, offset=4).tolist()
        return np.frombuffer(content, np.uint8, math.prod(shape), offset=4 + 4 * rank).reshape(shape).copy()
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); move it away and run again to fetch it") from error
