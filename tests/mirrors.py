"""Mirrors of archives that tests make, and servers of them."""

import base64
import contextlib
import gzip
import hashlib
import http.server
import ssl
import threading

import numpy as np
import pytest

from aann.datasets import archives

IMAGES, TEST_IMAGES = 60, 20


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


@pytest.fixture
def made():
    """Arrays in the order of the archives, and each archive's content by name."""
    random = np.random.default_rng(0)
    arrays = []
    for count in (IMAGES, TEST_IMAGES):
        arrays += [random.integers(0, 256, (count, 28, 28)), np.arange(count) % 10]
    return arrays, dict(zip(archives.FILES, map(idx, arrays), strict=True))


@pytest.fixture
def mirror(made, tmp_path, monkeypatch):
    """A folder that serves small archives as MNIST, whose sums stand in for torchvision's; no other place is tried."""
    _, contents = made
    folder = tmp_path / "mirror"
    (folder / "mnist").mkdir(parents=True)
    for name, content in contents.items():
        (folder / "mnist" / name).write_bytes(content)
    sums = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setattr(archives, "_resources", lambda dataset: sums)
    monkeypatch.setitem(archives.SERVERS, "mnist", ())
    monkeypatch.setenv(archives.MIRROR_VARIABLE, str(folder))
    return folder


@pytest.fixture
def served():
    """Serve content by path, until it ends; text is where a path redirects to. What was asked is in ``serve.asked``.

    With a ``password``, it answers only requests with it and the user ``me``.
    """
    asked = []

    @contextlib.contextmanager
    def serve(contents, password=None, certificate=None):
        expected = password and "Basic " + base64.b64encode(f"me:{password}".encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append((self.path, self.headers["Authorization"]))
                content = contents.get(self.path, b"")
                if expected and self.headers["Authorization"] != expected:
                    self.send_error(401)
                    return
                self.send_response(302 if isinstance(content, str) else 200 if content else 404)
                self.send_header("Content-Disposition", 'attachment; filename="../../named.gz"')
                if isinstance(content, str):
                    self.send_header("Location", content)
                self.end_headers()
                if isinstance(content, bytes):
                    self.wfile.write(content)

            def log_message(self, *arguments):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            if certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
            server.shutdown()

    serve.asked = asked
    return serve


def check_fetched(folder, made):
    arrays, _ = made
    train_images, train_labels, test_images, test_labels = archives.load("mnist", folder)
    assert (train_images.shape, test_images.shape) == ((IMAGES, 1, 28, 28), (TEST_IMAGES, 1, 28, 28))
    assert np.array_equal(train_images[:, 0], arrays[0])
    assert np.array_equal(test_labels, arrays[3])
    assert train_labels.dtype == np.int64
    assert sorted(path.name for path in folder.iterdir()) == sorted(archives.FILES)


NAME = archives.FILES[0]
