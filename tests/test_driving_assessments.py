import json
import math
import sys

import av
import numpy as np
import pandas
import pytest
from commands import shown
from drives import COLOR, FRAMES

from aann.datasets.splits import Images
from aann.driving import CLASSES, GO, video
from aann.driving.assessments import confusion, expert_returns, network_returns
from aann.driving.episodes import Episode, ExpertDriver, NetworkDriver, returned
from aann.driving.expert import actions
from aann.driving.video import write_video
from aann.driving.views import view
from aann.errors import InputError
from aann.evaluation import reference
from aann.layers import Convolution, Dense
from aann.networks import Architecture
from aann.sense.starts import random_network
from aann.settings.driving import DrivingSettings
from aann.tables import CONFUSION, EXPERT_RETURNS, RETURNS

SETTINGS = DrivingSettings(steps=60, repeat=2)
PROVENANCE = {"module": "aann.driving.video", "track": 7}
LAYERS = (Convolution("1.0", filters=2, kernel=7, stride=4, pool=4), Dense("fc", units=3))


@pytest.fixture(scope="module")
def drivers():
    """A network for each of the data sets."""
    shapes = {FRAMES: ((2, 84, 84), 51), COLOR: ((3, 72, 72), 255)}
    return {
        data: random_network(Architecture(shape, LAYERS, input_scale=scale, signed=True), 50, 2)
        for data, (shape, scale) in shapes.items()
    }


# --- returns ----------------------------------------------------------------------------------------------------------


def gymnasium_return(network, data, track):
    """Return the rewards of a network in gymnasium's own CarRacing, and the classes that it chose."""
    from gymnasium.envs.box2d.car_racing import CarRacing

    environment = CarRacing()
    picture, _ = environment.reset(seed=track)
    frames, chosen, rewards = [picture[:84]], [], []
    for step in range(SETTINGS.steps):
        if step % SETTINGS.repeat == 0:
            frames.append(picture[:84]) if step else None
            logits = reference.logits(network, view(data, frames)[None])[0].tolist()
            chosen.append(logits.index(max(logits)))
        picture, reward, *_ = environment.step(actions(SETTINGS.expert)[chosen[-1]])
        rewards.append(reward)
    return sum(rewards), chosen


@pytest.mark.parametrize("data", [FRAMES, COLOR])
def test_returns_of_a_network_are_those_in_gymnasium_beside_the_experts(drivers, data):
    expert = pandas.DataFrame({"track": [300_002, 7], "expert_return": [2.5, 1.5]}, index=[4, 0])
    found = network_returns(drivers[data], data, SETTINGS, expert)
    assert tuple(found.columns) == RETURNS.measured
    assert found.track.tolist() == [300_002, 7]
    assert found.expert_return.tolist() == [2.5, 1.5]
    driven = [gymnasium_return(drivers[data], data, track) for track in found.track]
    assert found["return"].tolist() == [round(total, 8) for total, _ in driven]
    assert len({*found["return"]}) == 2
    assert {choice for _, chosen in driven for choice in chosen} != {GO}


def test_returns_of_the_expert_are_those_of_its_drives():
    driver = ExpertDriver(SETTINGS)
    found = expert_returns(SETTINGS, range(300_000, 300_003))
    assert tuple(found.columns) == EXPERT_RETURNS.columns
    assert found.track.tolist() == [300_000, 300_001, 300_002]
    rewards = [returned(driver, None, SETTINGS, track) for track in found.track]
    assert found.expert_return.tolist() == [round(reward, 8) for reward in rewards]
    assert min(rewards) > 0


# --- confusion --------------------------------------------------------------------------------------------------------


def test_confusion_counts_every_frame_and_its_diagonal_the_correct_ones():
    network = random_network(Architecture((2, 84, 84), LAYERS[-1:], input_scale=51, signed=True), 50, 2)
    random = np.random.default_rng(0)
    splits = {
        name: Images(random.integers(-51, 52, (count, 2, 84, 84)).astype(np.int8), random.integers(0, most, count))
        for name, count, most in (("train", 5, 3), ("validation", 40, 3), ("test", 60, 2))
    }
    found = confusion(network, splits)
    assert tuple(found.columns) == CONFUSION.measured
    assert found.split.tolist() == ["validation"] * 9 + ["test"] * 9
    for split in ("validation", "test"):
        images, labels = splits[split].images, splits[split].labels
        table = found[found.split == split].pivot(index="label", columns="prediction", values="frames").to_numpy()
        assert table.shape == (len(CLASSES), len(CLASSES))
        assert table.sum(axis=1).tolist() == np.bincount(labels, minlength=3).tolist()
        assert np.trace(table) == reference.correct_count(network, images, labels)
        chosen = reference.logits(network, images).argmax(axis=1)
        for label, prediction in np.ndindex(table.shape):
            assert table[label, prediction] == ((labels == label) & (chosen == prediction)).sum()
        assert (table.sum(axis=0) > 0).sum() > 1


# --- video ------------------------------------------------------------------------------------------------------------


def decoded(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        codec = stream.codec_context
        return pictures, (codec.name, codec.pix_fmt, codec.width, codec.height, stream.average_rate), container.metadata


def scenes(network, data, settings, track):
    """Return the scene at each decision of a network's drive."""
    episode, driver, found = Episode(track, data, settings), NetworkDriver(network), []
    while not episode.over:
        found.append(episode.simulator.picture())
        episode.act(driver.choose(episode))
    return found


@pytest.mark.parametrize(("data", "repeat"), [(FRAMES, 2), (COLOR, 5)])
def test_a_video_has_a_picture_of_each_decision_and_shows_the_scene(drivers, tmp_path, data, repeat):
    settings, path = DrivingSettings(steps=29, repeat=repeat), tmp_path / "drive.mp4"
    total = write_video(drivers[data], data, settings, 7, path, "A network", PROVENANCE)
    assert total == returned(NetworkDriver(drivers[data]), data, settings, 7)
    pictures, stream, metadata = decoded(path)
    assert len(pictures) == math.ceil(29 / repeat)
    assert stream == ("h264", "yuv420p", 960, 440, 50 / repeat)
    assert metadata["title"] == "A network"
    assert json.loads(metadata["comment"]) == PROVENANCE
    for picture, scene in zip(pictures, scenes(drivers[data], data, settings, 7), strict=True):
        shown = picture[20:420, 20:620].astype(int)
        assert np.abs(shown - scene).mean() < 8
    assert np.abs(pictures[0].astype(int) - pictures[-1]).mean() > 8


@pytest.mark.parametrize("repeat", [3, 40])
def test_a_video_lasts_as_long_as_the_drive(drivers, tmp_path, repeat):
    settings = DrivingSettings(steps=4 * repeat, repeat=repeat)
    write_video(drivers[FRAMES], FRAMES, settings, 7, tmp_path / "x.mp4", "A network", PROVENANCE)
    pictures, stream, _ = decoded(tmp_path / "x.mp4")
    assert len(pictures) / stream[-1] == pytest.approx(settings.steps / 50)


def test_a_video_is_always_the_same_bytes(drivers, tmp_path):
    settings = DrivingSettings(steps=20)
    for name in ("one.mp4", "two.mp4"):
        write_video(drivers[FRAMES], FRAMES, settings, 7, tmp_path / name, "A network", PROVENANCE)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    assert shown(tmp_path) == {"one.mp4", "two.mp4"}
    write_video(drivers[FRAMES], FRAMES, settings, 8, tmp_path / "two.mp4", "A network", PROVENANCE)
    assert (tmp_path / "one.mp4").read_bytes() != (tmp_path / "two.mp4").read_bytes()


def test_the_largest_output_is_orange_and_each_bar_goes_to_its_side(drivers):
    episode = Episode(7, FRAMES, DrivingSettings(steps=20))
    picture = np.asarray(video._picture(episode, np.array([-40, 20, 10]), "A network")).astype(int)
    orange, blue = np.array([0xD5, 0x5E, 0x00]), np.array([0x00, 0x72, 0xB2])
    for place, (color, side, length) in enumerate([(blue, -1, 110), (orange, 1, 55), (blue, 1, 28)]):
        row = picture[262 + 36 * place + 12, 700:]
        columns = 700 + np.flatnonzero((row == color).all(axis=1))
        assert len(columns) == pytest.approx(length, abs=2)
        assert (np.sign(columns.mean() - 820), columns.min() >= 700) == (side, True)


@pytest.mark.parametrize("problem", ["no encoder", "no package"])
def test_a_video_without_an_encoder_is_one_line_and_leaves_no_file(drivers, tmp_path, monkeypatch, problem):
    def codec(name, mode):
        raise ValueError(f"no {mode} {name}")

    if problem == "no encoder":
        monkeypatch.setattr(av.codec, "Codec", codec)
    else:
        monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"^video: no H.264 encoder \(.*\); install one: pip .*'aann\[driving\]'$"):
        write_video(drivers[FRAMES], FRAMES, DrivingSettings(steps=4), 7, tmp_path / "x.mp4", "A network", PROVENANCE)
    assert list(tmp_path.iterdir()) == []


def test_a_drive_that_errs_leaves_no_video(drivers, tmp_path):
    with pytest.raises(InputError, match=r"^images: have shape"):
        write_video(drivers[COLOR], FRAMES, DrivingSettings(steps=4), 7, tmp_path / "x.mp4", "A network", PROVENANCE)
    assert list(tmp_path.iterdir()) == []
