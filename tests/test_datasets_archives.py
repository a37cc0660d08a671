"""Archives like MNIST's: where they are fetched from, and what is read."""

import functools
import gzip
import http.server
import shutil
import subprocess
import threading
from typing import get_args

import numpy as np
import pytest
import torchvision
from commands import check_one_line, lacks, run
from mirrors import IMAGES, NAME, check_fetched

from aann import catalog
from aann.datasets import archives, sources
from aann.errors import InputError
from aann.settings.datasets import ArchivesDataSettings


def test_files_sums_and_addresses_are_torchvisions():
    assert get_args(catalog.Archives) == tuple(catalog.TORCHVISION)
    for dataset, name in catalog.TORCHVISION.items():
        known = getattr(torchvision.datasets, name)
        assert list(archives._resources(dataset).items()) == known.resources
        assert list(archives.SERVERS[dataset]) == known.mirrors


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
    monkeypatch.setitem(archives.SERVERS, "fashion-mnist", ())
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


# --- files ------


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
    with pytest.raises(InputError, match=f"{path.name}: has MD5 .* truncated, corrupt or another file; move it"):
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
    monkeypatch.setitem(archives.SERVERS, "mnist", ("http://127.0.0.1:9/",))
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


def test_the_test_images_of_a_downloaded_data_set_are_its_own(mirror, made, tmp_path):
    archives.fetch("mnist", tmp_path / "mnist")
    data = ArchivesDataSettings(kind="archives", archives="mnist", validation_images=10)
    parts, _ = sources.split("mnist", data, tmp_path)
    assert np.array_equal(parts["test"].images[:, 0], made[0][2])
    assert (len(parts["train"]), len(parts["validation"])) == (IMAGES - 10, 10)
    assert sources.files(data, tmp_path) == [tmp_path / "mnist" / name for name in archives.FILES]
