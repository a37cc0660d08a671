"""Addresses of mirrors: what may be secret in them is shown nowhere."""

import json

import pytest
import yaml
from commands import check_one_line, run
from mirrors import NAME, check_fetched

from aann import addresses
from aann.datasets import archives

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
    check_one_line(result, f"{NAME} of mnist (MD5 ", "was not found. Tried ", "***")
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
    config = json.dumps(yaml.safe_load((root / "config/config.yaml").read_text()) | {"downloads": {"mirrors": [PLACE]}})
    checked = run("settings", "check", "--settings", config)
    assert json.loads(checked.stdout)["downloads"]["mirrors"] == ["https://***@host/x?***"]


@pytest.mark.parametrize("wrong", [PLACE, [f"{PLACE}\t"], [[PLACE]]])
def test_a_wrong_setting_of_mirrors_is_shown_without_secrets(root, wrong):
    config = yaml.safe_load((root / "config/config.yaml").read_text()) | {"downloads": {"mirrors": wrong}}
    result = run("settings", "check", "--settings", json.dumps(config))
    check_one_line(result, "setting 'downloads.mirrors", "https://***@host/x?***")
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
