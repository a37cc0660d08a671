from types import SimpleNamespace

import numpy as np
import pytest
from commands import shown
from drives import COLOR, FRAMES

from aann.artifacts import read_arrays, seal_of, write_arrays
from aann.datasets.splits import Images
from aann.driving import GO, LEFT, RIGHT
from aann.driving.demonstrations import Round, join, load, record, training_frames
from aann.driving.drivers import train_driver
from aann.driving.episodes import Episode
from aann.driving.expert import Expert, actions
from aann.driving.simulator import Simulator
from aann.driving.views import view
from aann.errors import InputError
from aann.evaluation import reference
from aann.layers import Convolution, Dense
from aann.networks import Architecture, TernaryNetwork
from aann.psiren import algorithm as psiren
from aann.sense.starts import random_network
from aann.settings.driving import DrivingSettings
from aann.settings.psiren import PSirenSettings

RECORDED = {"module": "aann.driving.demonstrations", "settings": {"seed": 0}}


def settings(**changes):
    values = {"steps": 70, "repeat": 2, "every": 3, "noise": {"most": 0.4, "shortest": 2, "longest": 4}}
    return DrivingSettings.model_validate(values | changes)


@pytest.fixture(scope="module")
def drivers():
    """A network that drives, or errs, for each of the data sets."""
    layers = (Convolution("1.0", filters=2, kernel=7, stride=4, pool=4), Dense("fc", units=3))
    shapes = {FRAMES: ((2, 84, 84), 51), COLOR: ((3, 72, 72), 255)}
    return {
        data: random_network(Architecture(shape, layers, input_scale=scale, signed=True), 50, 1)
        for data, (shape, scale) in shapes.items()
    }


@pytest.fixture
def acted(monkeypatch):
    """The classes that are acted out, decision by decision."""
    found, act = [], Episode.act

    def noted(self, choice):
        found.append(choice)
        act(self, choice)

    monkeypatch.setattr(Episode, "act", noted)
    return found


@pytest.fixture
def blind(monkeypatch):
    """Frames are black, which takes a tenth of the time."""
    monkeypatch.setattr(Simulator, "frame", lambda self: np.zeros((84, 96, 3), np.uint8))


def replayed(track, data, chosen, acted):
    """Return what is seen at each decision and the expert's class there, in gymnasium's own CarRacing."""
    from gymnasium.envs.box2d.car_racing import CarRacing

    environment = CarRacing()
    picture, _ = environment.reset(seed=track)
    line, expert, left = np.array(environment.track)[:, 2:], Expert(chosen.expert), chosen.steps
    frames, seen, labels = [], [], []
    for choice in acted:
        frames.append(picture[:84])
        seen.append(view(data, frames))
        hull = environment.car.hull
        state = (np.array(hull.position), hull.angle, np.hypot(*hull.linearVelocity), hull.angularVelocity)
        labels.append(expert.choose(SimpleNamespace(center_line=line, state=state)))
        for _ in range(min(chosen.repeat, left)):
            picture, *_ = environment.step(actions(chosen.expert)[choice])
            left -= 1
    assert left == 0
    return np.array(seen), np.array(labels)


# --- an episode -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "network", "every"), [(FRAMES, False, 3), (FRAMES, True, 1), (COLOR, True, 4)])
def test_frames_and_the_experts_classes_are_those_of_a_replay(drivers, acted, data, network, every):
    chosen = settings(every=every)
    found = Round("round1", data, [7], chosen, drivers[data] if network else None).demonstrate(7)
    seen, labels = replayed(7, data, chosen, acted)
    assert len(acted) == 35
    assert (found.images.dtype, found.labels.dtype) == (np.int8, np.int64)
    fits = [first for first in range(every) if np.array_equal(seen[first::every], found.images)]
    assert len(fits) == 1
    assert found.labels.tolist() == labels[fits[0] :: every].tolist()
    assert len({*found.labels.tolist()}) > 1
    assert acted != labels.tolist()


def test_without_noise_the_driver_is_followed(drivers, acted):
    quiet = settings(every=1, noise={"most": 0})
    found = Round("train", FRAMES, [7], quiet).demonstrate(7)
    assert acted == found.labels.tolist()
    acted.clear()
    found = Round("round1", FRAMES, [7], quiet, drivers[FRAMES]).demonstrate(7)
    assert acted == reference.predictions(drivers[FRAMES], found.images).tolist()
    assert acted != found.labels.tolist()


def test_whatever_the_driver_did_not_choose_belongs_to_a_burst(acted, blind):
    noisy = settings(every=1, steps=400, noise={"most": 0.5, "shortest": 3, "longest": 3})
    labels = Round("train", FRAMES, [7], noisy).demonstrate(7).labels
    others = np.flatnonzero(acted != labels)
    assert 5 < len(others) < len(acted) / 2
    for place in others:
        windows = [acted[max(0, start) : start + 3] for start in range(place - 2, place + 1)]
        assert any(len(set(window)) == 1 and (len(window) == 3 or place > len(acted) - 3) for window in windows)


def test_how_much_noise_there_is_differs_from_episode_to_episode(acted, blind):
    noisy, shares = settings(every=1, steps=120, noise={"most": 1, "shortest": 1, "longest": 1}), []
    for track in range(10):
        acted.clear()
        labels = Round("train", FRAMES, [track], noisy).demonstrate(track).labels
        shares.append(np.mean(acted != labels))
    assert min(shares) < 0.1
    assert max(shares) > 0.2


def test_noise_follows_the_seed_the_track_and_the_name_of_the_round(acted):
    def drive(name="train", track=7, **changes):
        acted.clear()
        made = Round(name, FRAMES, [track], settings(**changes)).demonstrate(track)
        return made.sha256, tuple(acted)

    first = drive()
    assert drive() == first
    others = [drive(name="round1"), drive(seed=1), drive(track=8)]
    assert len({first, *others}) == 4
    assert len({choices for _, choices in (first, *others)}) == 4
    assert drive(mirror=0.1, brief=3) == first


def test_one_of_so_many_decisions_is_kept_and_the_first_is_drawn(acted):
    firsts = set()
    for track in range(6):
        acted.clear()
        found = Round("train", FRAMES, [track], settings(every=4, steps=10)).demonstrate(track)
        seen, _ = replayed(track, FRAMES, settings(steps=10), acted)
        firsts |= {first for first in range(4) if np.array_equal(seen[first::4], found.images)}
    assert len(firsts) > 1
    few = Round("train", FRAMES, [7], settings(every=50, steps=4))
    assert len(few.demonstrate(7)) == 1


# --- many episodes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def episodes_of_three():
    return Round("train", FRAMES, [2, 0, 1], settings(steps=30))


def test_a_file_holds_all_episodes_in_the_order_of_the_tracks_whatever_the_processes(episodes_of_three, tmp_path):
    record(episodes_of_three, tmp_path / "two.safetensors", RECORDED, processes=2)
    record(episodes_of_three, tmp_path / "one.safetensors", RECORDED, processes=1)
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    assert shown(tmp_path) == {"one.safetensors", "two.safetensors"}
    expected = [episodes_of_three.demonstrate(track) for track in (2, 0, 1)]
    found = load(tmp_path / "one.safetensors")
    assert np.array_equal(found.images, np.concatenate([part.images for part in expected]))
    assert np.array_equal(found.labels, np.concatenate([part.labels for part in expected]))
    assert (found.images.dtype, found.labels.dtype) == (np.int8, np.int64)
    assert read_arrays(tmp_path / "one.safetensors")[1]["provenance"] == RECORDED


@pytest.fixture
def demonstrated(monkeypatch):
    """The tracks on which somebody drove, and on which an episode errs from now on."""
    found, demonstrate = SimpleNamespace(tracks=[], erring=set()), Round.demonstrate

    def noted(self, track):
        found.tracks.append(track)
        if track in found.erring:
            raise ValueError("boom")
        return demonstrate(self, track)

    monkeypatch.setattr(Round, "demonstrate", noted)
    return found


def interrupt(chosen, output, demonstrated, recorded=RECORDED):
    """Record until the episode of track 0, the second one, errs; return the folder of parts."""
    demonstrated.erring = {0}
    with pytest.raises(InputError, match=r"^track 0: its episode failed \(ValueError: boom\); see the log$"):
        record(chosen, output, recorded)
    demonstrated.erring = set()
    demonstrated.tracks.clear()
    return output.with_name(f"{output.name}.parts")


def test_an_interrupted_round_goes_on_with_the_episodes_that_are_missing(episodes_of_three, demonstrated, tmp_path):
    record(episodes_of_three, tmp_path / "whole.safetensors", RECORDED)
    output = tmp_path / "train.safetensors"
    parts = interrupt(episodes_of_three, output, demonstrated)
    assert not output.exists()
    assert shown(parts) == {"2.safetensors"}
    record(episodes_of_three, output, RECORDED)
    assert demonstrated.tracks == [0, 1]
    assert output.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert not parts.exists()


def test_episodes_of_another_provenance_are_made_anew(episodes_of_three, demonstrated, tmp_path):
    output = tmp_path / "train.safetensors"
    interrupt(episodes_of_three, output, demonstrated, {**RECORDED, "settings": {"seed": 1}})
    record(episodes_of_three, output, RECORDED)
    assert demonstrated.tracks == [2, 0, 1]
    assert read_arrays(output)[1]["provenance"] == RECORDED


@pytest.mark.parametrize("damage", ["truncated", "altered", "other"])
def test_a_damaged_episode_is_made_anew(episodes_of_three, demonstrated, tmp_path, damage):
    output = tmp_path / "train.safetensors"
    part = interrupt(episodes_of_three, output, demonstrated) / "2.safetensors"
    arrays, metadata = read_arrays(part)
    match damage:
        case "truncated":
            part.write_bytes(part.read_bytes()[:-100])
        case "altered":
            write_arrays(part, {**arrays, "seen": arrays["seen"] + np.int8(1)}, metadata)
            seal_of(part).unlink()
        case "other":
            write_arrays(part, {"fc": np.zeros(3)}, metadata)
    record(episodes_of_three, output, RECORDED)
    assert demonstrated.tracks == [2, 0, 1]
    expected = join([episodes_of_three.demonstrate(track) for track in (2, 0, 1)])
    assert load(output).sha256 == expected.sha256


# --- files ------------------------------------------------------------------------------------------------------------


def made(count, seed):
    random = np.random.default_rng(seed)
    return Images(random.integers(-51, 52, (count, 2, 5, 4)).astype(np.int8), random.integers(0, 3, count))


def save(path, images):
    arrays = {"seen": images.images, "labels": images.labels.astype(np.uint8)}
    write_arrays(path, arrays, {"sha256": images.sha256, "provenance": {}})
    return path


def test_altered_frames_or_labels_of_a_copy_without_a_seal_are_refused(tmp_path):
    path = save(tmp_path / "train.safetensors", made(9, 0))
    assert load(path).sha256 == made(9, 0).sha256
    arrays, metadata = read_arrays(path)
    for name in ("seen", "labels"):
        altered = arrays[name].copy()
        altered[4] = (altered[4] + 1) % 3
        write_arrays(path, {**arrays, name: altered}, metadata)
        seal_of(path).unlink()
        with pytest.raises(InputError, match=r"train.safetensors: holds other frames or labels than were recorded"):
            load(path)


def test_a_file_of_something_else_is_refused(network, tmp_path):
    network.save(tmp_path / "network.safetensors")
    write_arrays(tmp_path / "unhashed.safetensors", {"seen": np.zeros(1), "labels": np.zeros(1)}, {})
    for name in ("network", "unhashed"):
        with pytest.raises(InputError, match=rf"{name}.safetensors: holds no demonstrations; delete it and run again"):
            load(tmp_path / f"{name}.safetensors")
    (tmp_path / "short.safetensors").write_bytes(b"short")
    with pytest.raises(InputError, match=r"short.safetensors: truncated or not a safetensors file"):
        load(tmp_path / "short.safetensors")
    with pytest.raises(InputError, match=r"absent.safetensors: there is no such file"):
        load(tmp_path / "absent.safetensors")


def mirrored(paths, originals, **changes):
    """Return which frames stand in a mirror, and check that nothing else is changed."""
    found = training_frames(paths, DrivingSettings.model_validate(changes))
    assert len(found) == len(originals)
    flipped = originals.images[:, :, :, ::-1]
    chosen = (found.images != originals.images).any(axis=(1, 2, 3))
    assert np.array_equal(found.images, np.where(chosen[:, None, None, None], flipped, originals.images))
    exchanged = [{LEFT: RIGHT, RIGHT: LEFT, GO: GO}[label] for label in originals.labels.tolist()]
    assert np.array_equal(found.labels, np.where(chosen, exchanged, originals.labels))
    return chosen


def test_a_share_of_the_training_frames_stands_in_a_mirror_by_seed(tmp_path):
    parts = [made(300, 0), made(500, 1)]
    paths = [save(tmp_path / f"{place}.safetensors", part) for place, part in enumerate(parts)]
    chosen = mirrored(paths, join(parts), mirror=0.3)
    assert chosen.mean() == pytest.approx(0.3, abs=0.06)
    assert {*join(parts).labels[chosen].tolist()} == {LEFT, RIGHT, GO}
    assert np.array_equal(chosen, mirrored(paths, join(parts), mirror=0.3))
    assert not np.array_equal(chosen, mirrored(paths, join(parts), mirror=0.3, seed=1))
    assert mirrored(paths, join(parts), mirror=1).all()
    assert not mirrored(paths, join(parts), mirror=0).any()
    assert load(paths[0]).sha256 == parts[0].sha256


def test_training_frames_of_two_data_sets_are_refused(tmp_path):
    other = Images(np.zeros((4, 3, 5, 4), np.int8), np.zeros(4, np.int64))
    paths = [save(tmp_path / "a.safetensors", made(9, 0)), save(tmp_path / "b.safetensors", other)]
    with pytest.raises(InputError, match=r"b.safetensors"):
        training_frames(paths, DrivingSettings())


# --- drivers ----------------------------------------------------------------------------------------------------------


def test_a_driver_is_the_network_of_all_steps_of_p_siren(architecture, blobs):
    few = {
        "dense": {"epochs": 4},
        "sparsify": {"epochs": 2, "interval": 2},
        "binary": {"epochs": 2, "last_layer_epochs": 2},
    }
    chosen = PSirenSettings.model_validate({"batch_size": 16, "precision": "float32", "shift": 0, **few})
    problem = psiren.Problem(architecture, blobs(200, 0), blobs(40, 1), chosen, seed=3)
    found = train_driver(problem, 60)
    assert isinstance(found, TernaryNetwork)
    for name, (minus, zero, plus) in found.family.items():
        assert zero == round(found.weights[name].size * 0.6)
        assert minus + plus > 0
    test = blobs(80, 2)
    assert reference.correct_count(found, test.images, test.labels) > 30
    assert train_driver(problem, 60) == found
    sparse = psiren.sparsify(problem, psiren.train_dense(problem)[0], [60])[0][60]
    assert psiren.p_siren(problem, sparse, 60)[0] == found
