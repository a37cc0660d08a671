import base64
import contextlib
import functools
import gzip
import hashlib
import http.server
import json
import shutil
import ssl
import subprocess
import threading

import numpy as np
import pytest
import yaml
from commands import check_one_line, lacks, run

from aann import addresses
from aann.artifacts import read_arrays, seal_of, write_arrays
from aann.datasets import archives, embedded, splits
from aann.errors import InputError
from aann.settings.datasets import DatasetSettings

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
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    monkeypatch.setenv(archives.MIRROR_VARIABLE, str(folder))
    return folder


def check_fetched(folder, made):
    arrays, _ = made
    train_images, train_labels, test_images, test_labels = archives.load("mnist", folder)
    assert (train_images.shape, test_images.shape) == ((IMAGES, 1, 28, 28), (TEST_IMAGES, 1, 28, 28))
    assert np.array_equal(train_images[:, 0], arrays[0])
    assert np.array_equal(test_labels, arrays[3])
    assert train_labels.dtype == np.int64
    assert sorted(path.name for path in folder.iterdir()) == sorted(archives.FILES)


def test_the_list_of_files_is_torchvisions():
    for dataset in archives.DATASETS:
        assert tuple(archives._resources(dataset)) == archives.FILES


def test_archives_come_from_a_folder(mirror, made, tmp_path):
    archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


def test_archives_come_from_a_url(mirror, made, tmp_path, monkeypatch):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=mirror)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(archives.MIRROR_VARIABLE, f"http://127.0.0.1:{server.server_port}/")
        archives.fetch("mnist", tmp_path / "cache")
        server.shutdown()
    check_fetched(tmp_path / "cache", made)


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


NAME = archives.FILES[0]


def test_what_a_redirect_leads_to_is_used_only_after_its_sum_is_checked(mirror, made, served, tmp_path, monkeypatch):
    content = made[1][NAME]
    other = tmp_path / "other"
    other.write_bytes(content)
    moved = {"/good/mnist/": "/elsewhere", "/bad/mnist/": "/wrong", "/file/mnist/": other.as_uri()}
    contents = {f"{folder}{NAME}": place for folder, place in moved.items()}
    with served(contents | {"/elsewhere": content, "/wrong": content[:-1] + b"x"}) as address:
        for folder, reason in (("bad", "has MD5 "), ("file", "redirect")):
            monkeypatch.setenv(archives.MIRROR_VARIABLE, f"{address}/{folder}")
            with pytest.raises(InputError, match=f"{address}/{folder}/mnist/{NAME}: .*{reason}"):
                archives.fetch("mnist", tmp_path / "cache", names=[NAME])
            assert not (tmp_path / "cache" / NAME).exists()
        monkeypatch.setenv(archives.MIRROR_VARIABLE, f"{address}/good")
        archives.fetch("mnist", tmp_path / "cache", names=[NAME])
    assert (tmp_path / "cache" / NAME).read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "mirror", "other"]


def test_an_endless_answer_is_cut_off(mirror, made, served, tmp_path, monkeypatch):
    content = made[1][NAME]
    monkeypatch.setattr(archives, "_LARGEST_BYTES", len(content))
    with served({f"/mnist/{NAME}": content + bytes(10**6)}) as address:
        monkeypatch.setenv(archives.MIRROR_VARIABLE, address)
        archives.fetch("mnist", tmp_path / "cache", names=[NAME])
    assert (tmp_path / "cache" / NAME).stat().st_size == len(content)


# --- layouts of mirrors -----------------------------------------------------------------------------------------------


def into_torchvisions_layout(mirror):
    (mirror / "MNIST").mkdir()
    (mirror / "mnist").rename(mirror / "MNIST/raw")


def test_archives_come_from_a_folder_of_torchvision(mirror, made, tmp_path):
    into_torchvisions_layout(mirror)
    archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


def test_archives_come_from_a_url_with_folders_of_torchvision(mirror, made, served, tmp_path, monkeypatch):
    with served({f"/x/MNIST/raw/{name}?v=1": content for name, content in made[1].items()}) as address:
        monkeypatch.setenv(archives.MIRROR_VARIABLE, f"{address}/x/?v=1")
        archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)
    assert [path for path, _ in served.asked[:2]] == [f"/x/mnist/{NAME}?v=1", f"/x/MNIST/raw/{NAME}?v=1"]


def test_a_folder_of_torchvision_has_the_name_of_its_class(mirror, made, tmp_path, monkeypatch):
    into_torchvisions_layout(mirror)
    (mirror / "MNIST").rename(mirror / "FashionMNIST")
    monkeypatch.setattr("torchvision.datasets.FashionMNIST.mirrors", [])
    archives.fetch("fashion-mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


def test_both_layouts_are_named_and_a_host_that_does_not_answer_is_asked_once(mirror, tmp_path, monkeypatch):
    monkeypatch.delenv(archives.MIRROR_VARIABLE)
    with pytest.raises(InputError) as error:
        archives.fetch("mnist", tmp_path / "cache", [str(tmp_path / "nowhere"), "http://127.0.0.1:9"])
    message = str(error.value)
    assert f"{tmp_path}/nowhere/MNIST/raw/{NAME}: No such file or directory" in message
    assert message.count("127.0.0.1:9") == 1
    assert f"holds mnist/{NAME} or MNIST/raw/{NAME}, or put" in message


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A file with a key and a certificate of 127.0.0.1 that no authority has signed."""
    if not shutil.which("openssl"):
        lacks("makes a certificate with openssl")
    path = tmp_path_factory.mktemp("certificate") / "own.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path, "-out", f"{path}.cert"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, capture_output=True, check=True)
    with path.open("ab") as file:
        file.write(path.with_name("own.pem.cert").read_bytes())
    return path


def test_a_certificate_that_cannot_be_verified_is_taken_when_ssl_cert_file_holds_it(
    mirror, made, served, tmp_path, monkeypatch, certificate
):
    with served({f"/mnist/{name}": content for name, content in made[1].items()}, certificate=certificate) as address:
        monkeypatch.setenv(archives.MIRROR_VARIABLE, address)
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        hint = "If the certificate is of an authority of your own, set SSL_CERT_FILE to a file that holds it"
        with pytest.raises(InputError, match=rf"certificate verify failed: .*\. {hint}\. Set AANN_DATA_MIRROR"):
            archives.fetch("mnist", tmp_path / "cache", names=[NAME])
        monkeypatch.setenv("SSL_CERT_FILE", "/absent.pem")
        with pytest.raises(InputError, match=rf"{hint} \(it is /absent\.pem, which is no file\)"):
            archives.fetch("mnist", tmp_path / "cache", names=[NAME])
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.cert")
        archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


def test_no_other_error_speaks_of_certificates(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv(archives.MIRROR_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(InputError) as error:
        archives.fetch("mnist", tmp_path / "cache")
    assert "SSL_CERT_FILE" not in str(error.value)


# --- secrets in addresses ---------------------------------------------------------------------------------------------

SECRET = "s3cr3t"
PLACE = f"https://me:{SECRET}@host/x?token={SECRET}"


@pytest.mark.parametrize(("password", "written"), [(SECRET, SECRET), ("pä/s@s ?", "p%C3%A4%2Fs%40s%20%3F")])
def test_a_mirror_that_asks_for_a_password_gets_it(mirror, made, served, tmp_path, monkeypatch, password, written):
    with served({f"/mnist/{name}": content for name, content in made[1].items()}, password) as address:
        monkeypatch.setenv(archives.MIRROR_VARIABLE, address.replace("://", f"://me:{written}@"))
        archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


def test_a_redirect_keeps_the_password_on_its_host_and_gives_it_to_no_other(
    mirror, made, served, tmp_path, monkeypatch
):
    with served({"/there": made[1][NAME]}) as other:
        contents = {f"/mnist/{NAME}": "/again", "/again": f"{other}/there"}
        with served(contents, SECRET) as address:
            monkeypatch.setenv(archives.MIRROR_VARIABLE, address.replace("://", f"://me:{SECRET}@"))
            archives.fetch("mnist", tmp_path / "cache", names=[NAME])
    assert [(path, bool(secret)) for path, secret in served.asked] == [
        (f"/mnist/{NAME}", True),
        ("/again", True),
        ("/there", False),
    ]


@pytest.mark.parametrize(
    "place",
    [
        "{host}/x?token={secret}",
        "{host}/x#{secret}",
        "http://me:{secret}@127.0.0.1:9/x",
        "http://{secret}@127.0.0.1:9",
        "http://me:wrong-{secret}@{bare}",
        "http://me:a/{secret}@{bare}",
        "http://me/a:{secret}@127.0.0.1:9/",
        "http://me:a?{secret}@{bare}/",
        "http://me:a#{secret}@{bare}",
        "http://me:a b{secret}@{bare}/a b?{secret}",
        "ftp://me:{secret}@127.0.0.1:9/",
        "other://me:{secret}@{bare}",
        "me:{secret}@host/folder",
        "{host}/moved?token={secret}",
    ],
)
def test_no_message_holds_what_may_be_secret(mirror, served, tmp_path, monkeypatch, place):
    moved = {f"/moved/{path}?token={SECRET}": f"file:///x?{SECRET}" for path in archives._layouts("mnist", NAME)}
    with served(moved, None if "moved" in place else "other") as host:
        bare = host.removeprefix("http://")
        monkeypatch.setenv(archives.MIRROR_VARIABLE, place.format(host=host, bare=bare, secret=SECRET))
        result = run("datasets", "fetch", "mnist", NAME, "--folder", tmp_path / "cache")
    check_one_line(result, f"{NAME} of mnist (MD5 ", "could not be had. Tried ", "***")
    assert SECRET not in result.output


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("/data/a@b", "/data/a@b"),
        ("data/100 %?/x#y", "data/100 %?/x#y"),
        ("https://host:8080/@scope/x", "https://host:8080/@scope/x"),
        ("https://me:secret@host:8080/x/y", "https://***@host:8080/x/y"),
        ("https://secret@host", "https://***@host"),
        ("https://host/x?mail=a@b", "https://host/x?***"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("file:///a b", "file:///a b"),
    ],
)
def test_what_is_shown_of_a_place(place, shown):
    assert addresses.shown(place) == shown


def test_settings_are_printed_without_secrets(root):
    config = json.dumps(yaml.safe_load((root / "config/config.yaml").read_text()) | {"datasets": {"mirrors": [PLACE]}})
    checked = run("settings", "check", "--settings", config)
    assert json.loads(checked.stdout)["datasets"]["mirrors"] == ["https://***@host/x?***"]


@pytest.mark.parametrize("wrong", [PLACE, [f"{PLACE}\t"], [[PLACE]]])
def test_a_wrong_setting_of_mirrors_is_shown_without_secrets(root, wrong):
    config = yaml.safe_load((root / "config/config.yaml").read_text()) | {"datasets": {"mirrors": wrong}}
    result = run("settings", "check", "--settings", json.dumps(config))
    check_one_line(result, "setting 'datasets.mirrors", "https://***@host/x?***")
    assert SECRET not in result.output


@pytest.mark.parametrize("odd", ["a b", "$(touch touched)", "it's; touch touched", '"', "a/../b", "-rf", "ünïcode\n"])
def test_a_mirror_with_an_odd_name_is_read_and_nothing_but_the_archive_is_written(mirror, tmp_path, monkeypatch, odd):
    (tmp_path / "here" / "a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here" / odd).parent.mkdir(exist_ok=True)
    (tmp_path / "here" / odd).symlink_to(mirror)
    before = set(tmp_path.rglob("*"))
    monkeypatch.setenv(archives.MIRROR_VARIABLE, "file:///etc")
    archives.fetch("mnist", tmp_path / "cache", [odd], names=[NAME])
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "cache", tmp_path / "cache" / NAME}


def test_an_archive_takes_the_place_of_a_link_and_does_not_follow_it(mirror, made, tmp_path):
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / NAME).symlink_to(tmp_path / "outside")
    archives.fetch("mnist", tmp_path / "cache", names=[NAME])
    assert (tmp_path / "outside").read_text() == "mine"
    assert not (tmp_path / "cache" / NAME).is_symlink()


@pytest.mark.parametrize("arguments", [("../mnist",), ("mnist", "../train-images-idx3-ubyte.gz"), ("mnist", "/etc/x")])
def test_a_name_that_is_no_archive_is_refused(tmp_path, arguments):
    result = run("datasets", "fetch", *arguments, "--folder", tmp_path / "cache")
    check_one_line(result, f"unknown {'archive' if len(arguments) == 2 else 'data set'} {arguments[-1]!r}; expected")
    assert not (tmp_path / "cache").exists()


def test_the_next_place_is_tried_where_one_fails(mirror, made, tmp_path, monkeypatch):
    monkeypatch.setenv(archives.MIRROR_VARIABLE, str(tmp_path / "nowhere"))
    archives.fetch("mnist", tmp_path / "cache", ["http://127.0.0.1:9", "http://127.0.0.1:9/a b", str(mirror)])
    check_fetched(tmp_path / "cache", made)


def test_one_archive_can_be_fetched_alone(mirror, tmp_path):
    archives.fetch("mnist", tmp_path / "cache", names=archives.FILES[2:3])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [archives.FILES[2]]


def test_files_that_are_there_and_right_are_kept(mirror, made, tmp_path, monkeypatch):
    archives.fetch("mnist", tmp_path / "cache")
    monkeypatch.delenv(archives.MIRROR_VARIABLE)
    archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b"\0" + content[1:], lambda _: b""])
def test_a_damaged_file_in_the_cache_is_replaced(mirror, made, tmp_path, damage):
    archives.fetch("mnist", tmp_path / "cache")
    path = tmp_path / "cache" / archives.FILES[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=f"{path.name}: has MD5 .* truncated, corrupt or another file; delete it"):
        archives.load("mnist", tmp_path / "cache")
    archives.fetch("mnist", tmp_path / "cache")
    check_fetched(tmp_path / "cache", made)


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: content + b"x", lambda _: b""])
def test_a_file_with_another_hash_is_refused_and_not_kept(mirror, tmp_path, damage):
    path = mirror / "mnist" / archives.FILES[1]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"has MD5 .*, so it is truncated, corrupt or another file"):
        archives.fetch("mnist", tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [archives.FILES[0]]


def test_without_any_place_the_error_lists_them_and_says_what_to_do(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.delenv(archives.MIRROR_VARIABLE)
    with pytest.raises(InputError) as error:
        archives.fetch("mnist", tmp_path / "cache", [str(tmp_path / "nowhere")])
    message = str(error.value)
    assert f"{tmp_path}/nowhere/mnist/{archives.FILES[0]}: No such file or directory" in message
    assert f"http://127.0.0.1:9/{archives.FILES[0]}: [Errno 111] Connection refused" in message
    assert f"Set {archives.MIRROR_VARIABLE} to a folder or URL" in message
    assert f"put the file at {tmp_path}/cache/{archives.FILES[0]}" in message
    assert "\n" not in message


def test_an_archive_that_is_no_idx_file_is_named(tmp_path):
    for content in (
        b"",
        b"no gzip",
        gzip.compress(b"no idx"),
        gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc"),
        gzip.compress(b""),
    ):
        with pytest.raises(InputError, match=r"x\.gz: cannot be unpacked"):
            archives._parse_idx(content, tmp_path / "x.gz")


# --- data sets made here ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", embedded.DATASETS)
def test_made_data_look_like_mnist_and_do_not_change(dataset):
    images, labels = embedded.load(dataset, 200, 0)
    again, again_labels = embedded.load(dataset, 200, 0)
    assert images.shape == (len(labels), 1, 28, 28)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert set(labels) == set(range(10))
    assert images.max() > 200
    assert 20 < images.mean() < 90
    assert np.array_equal(images, again)
    assert np.array_equal(labels, again_labels)


def test_letters_change_with_the_seed_and_are_all_different():
    images, _ = embedded.load("letters", 200, 0)
    other, _ = embedded.load("letters", 200, 1)
    assert not np.array_equal(images, other)
    assert len({image.tobytes() for image in images}) == 200


# --- splits -----------------------------------------------------------------------------------------------------------


def settings(**changes):
    return DatasetSettings.model_validate({"validation_images": 203, "test_images": 150, "letters": 600} | changes)


@pytest.mark.parametrize("dataset", embedded.DATASETS)
def test_splits_are_disjoint_complete_and_balanced(dataset, tmp_path):
    made = splits.split(dataset, settings(), tmp_path)
    images, _ = embedded.load(dataset, 600, 0)
    parts = [part.images for part in made.values()]
    assert sorted(image.tobytes() for part in parts for image in part) == sorted(image.tobytes() for image in images)
    assert (len(made["validation"]), len(made["test"])) == (203, 150)
    for name, share in (("validation", {20, 21}), ("test", {15})):
        assert set(np.bincount(made[name].labels)) == share


def test_the_same_seed_draws_the_same_validation_images(tmp_path):
    first, again, other = (splits.split("digits", settings(seed=seed), tmp_path)["validation"] for seed in (1, 1, 2))
    assert first.sha256 == again.sha256 != other.sha256


def test_the_test_images_of_a_downloaded_data_set_are_its_own(mirror, made, tmp_path):
    archives.fetch("mnist", tmp_path / "mnist")
    parts = splits.split("mnist", settings(validation_images=10), tmp_path / "mnist")
    assert np.array_equal(parts["test"].images[:, 0], made[0][2])
    assert (len(parts["train"]), len(parts["validation"])) == (IMAGES - 10, 10)


def test_too_many_images_set_aside_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"setting 'datasets\.validation_images': 1750 images need 175 of class 8"):
        splits.split("digits", settings(validation_images=1750, test_images=10), tmp_path)


def test_splits_are_read_back_equal_with_their_hashes(tmp_path):
    made = splits.split("letters", settings(), tmp_path)
    splits.save(tmp_path / "one.safetensors", made, {"seed": 0})
    splits.save(tmp_path / "two.safetensors", made, {"seed": 0})
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    read = splits.load(tmp_path / "one.safetensors")
    assert {name: part.sha256 for name, part in read.items()} == {name: part.sha256 for name, part in made.items()}


def test_splits_without_a_seal_that_were_changed_or_are_none_are_refused(tmp_path):
    path = tmp_path / "splits.safetensors"
    splits.save(path, splits.split("letters", settings(), tmp_path), {})
    arrays, metadata = read_arrays(path)
    arrays["test.images"][0, 0, 0, 0] ^= 1
    write_arrays(path, arrays, metadata)
    seal_of(path).unlink()
    with pytest.raises(InputError, match=r"splits\.safetensors: its test images are damaged; delete it"):
        splits.load(path)
    write_arrays(path, {"fc": np.zeros(3, np.int8)}, {})
    with pytest.raises(InputError, match=r"splits\.safetensors: holds no train images"):
        splits.load(path)
