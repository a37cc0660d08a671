import cmath
import errno
import hashlib
import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from drives import COLOR, FRAMES

from aann.artifacts import read_table
from aann.driving import CLASSES, GO, LEFT, RIGHT, simulator
from aann.driving.demonstrations import tracks
from aann.driving.episodes import Episode, ExpertDriver, NetworkDriver, each, returned
from aann.driving.expert import Expert, actions
from aann.driving.simulator import FRAMES_PER_SECOND, POINT_SPACING, Simulator
from aann.driving.views import view
from aann.errors import InputError
from aann.evaluation.inputs import check_images
from aann.layers import Dense
from aann.networks import Architecture, TernaryNetwork
from aann.settings.driving import DrivingSettings

TRACKS = (300_000, 7)
COAST = np.zeros(3)
GAS = np.array([0.0, 1.0, 0.0])


@pytest.fixture
def gymnasium_drive():
    """gymnasium's own CarRacing on a track, and the frame with which it begins."""
    from gymnasium.envs.box2d.car_racing import CarRacing  # after aann.driving.simulator, which silences its imports

    def begin(track):
        environment = CarRacing(render_mode="rgb_array")
        frame, _ = environment.reset(seed=track)
        return environment, frame

    return begin


def wild_actions(count, seed):
    """Return actions that skid, brake and leave the road."""
    random = np.random.default_rng(seed)
    held = np.column_stack([random.uniform(-1, 1, count), random.uniform(0, 1, count), random.uniform(0, 0.3, count)])
    return np.repeat(held, 6, axis=0)[:count]


# --- simulator --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("track", TRACKS)
def test_rewards_and_frames_are_those_of_gymnasium_bit_for_bit(gymnasium_drive, track):
    environment, frame = gymnasium_drive(track)
    ours, total = Simulator(track, 10_000), 0.0
    assert np.array_equal(ours.frame(), frame[:84])
    for action in wild_actions(70, track):
        frame, reward, *_ = environment.step(action)
        total += float(reward)
        assert ours.advance(action) == pytest.approx(reward, abs=1e-9)
        assert ours.total == total
        assert np.array_equal(ours.frame(), frame[:84])
    assert ours.steps == 70


@pytest.mark.parametrize("track", TRACKS)
def test_a_whole_lap_of_the_expert_is_that_of_gymnasium(gymnasium_drive, track):
    environment, _ = gymnasium_drive(track)
    ours, settings = Simulator(track, 10_000), DrivingSettings().expert
    expert, total, terminated = Expert(settings), 0.0, False
    while not terminated:
        drawn = ours.steps % 150 == 149
        environment.__dict__["_render"] = lambda mode: None
        if drawn:
            del environment.__dict__["_render"]
        action = actions(settings)[expert.choose(ours)]
        frame, reward, terminated, *_ = environment.step(action)
        total += float(reward)
        ours.advance(action)
        assert (ours.total, ours.finished) == (total, terminated)
        assert not drawn or np.array_equal(ours.frame(), frame[:84])
    assert ours.over
    assert ours.steps > 500


def test_the_picture_is_what_gymnasium_shows_to_people(gymnasium_drive):
    environment, _ = gymnasium_drive(3)
    ours = Simulator(3, 100)
    for _ in range(55):
        environment.step(GAS)
    ours.advance(GAS, 55)
    assert np.array_equal(ours.picture(), environment.render())
    assert ours.picture().shape == (400, 600, 3)


def test_looking_does_not_change_the_drive():
    seen, blind = Simulator(5, 100), Simulator(5, 100)
    for action in wild_actions(40, 0):
        assert seen.advance(action) == blind.advance(action)
        assert np.array_equal(seen.frame(), seen.frame())
        seen.picture()
    assert [*map(repr, seen.state)] == [*map(repr, blind.state)]


def test_a_track_is_the_same_in_another_process():
    code = (
        "import hashlib\nimport numpy as np\nfrom aann.driving.simulator import Simulator\n"
        "found = Simulator(7, 1000)\nrewards = [found.advance(np.array([0.3, 0.6, 0.0]), 5) for _ in range(20)]\n"
        "print(rewards, hashlib.sha256(found.frame().tobytes()).hexdigest())"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    found = Simulator(7, 1000)
    rewards = [found.advance(np.array([0.3, 0.6, 0.0]), 5) for _ in range(20)]
    assert printed.strip() == f"{rewards} {hashlib.sha256(found.frame().tobytes()).hexdigest()}"
    assert len({*rewards}) > 1


def test_what_is_drawn_is_plain_numbers_as_pygame_takes_them_beside_pygame_ce(monkeypatch):
    drawn = []

    def draw(environment, surface, corners, *arguments, **options):
        drawn.extend(corners)
        original(environment, surface, corners, *arguments, **options)

    original = simulator._Environment._draw_colored_polygon
    monkeypatch.setattr(simulator._Environment, "_draw_colored_polygon", draw)
    Simulator(7, 10).frame()
    assert len(drawn) > 100
    assert {type(corner) for corner in drawn} <= {list, tuple}


def test_an_episode_ends_when_its_steps_are_used_up_and_then_nothing_moves():
    found, one_by_one = Simulator(0, 7), Simulator(0, 7)
    found.advance(GAS, 5)
    assert not found.over
    found.advance(GAS, 5)
    assert (found.steps, found.over, found.finished) == (7, True, False)
    while not one_by_one.over:
        one_by_one.advance(GAS)
    assert (one_by_one.steps, one_by_one.total) == (7, found.total)
    place = found.state[0]
    assert found.advance(GAS, 5) == 0
    assert np.array_equal(found.state[0], place)
    assert found.steps == 7


def drive_of_the_expert(track):
    """Return the expert's drive on a track, and whether each tile of the road was touched."""
    settings = DrivingSettings()
    episode, driver = Episode(track, None, settings), ExpertDriver(settings)
    while not episode.over:
        episode.act(driver.choose(episode))
    return episode.simulator, [tile.road_visited for tile in episode.simulator._environment.road]


def test_an_episode_ends_when_every_tile_was_touched_before_its_steps_are_used_up():
    found, touched = drive_of_the_expert(300_001)
    assert found.finished
    assert all(touched)
    assert found.steps < 1000
    assert found.total == pytest.approx(1000 - found.steps / 10)


def test_an_episode_goes_on_after_a_lap_in_which_a_tile_was_missed():
    found, touched = drive_of_the_expert(14)
    assert touched.count(False) == 1
    assert touched[-20:] == 20 * [True]  # the end of the lap
    assert (found.finished, found.steps) == (False, 1000)
    assert found.total == pytest.approx(1000 * (1 - 1 / len(touched)) - 100)


def test_a_car_that_leaves_the_field_loses_a_hundred_and_has_ended():
    found, rewards = Simulator(0, 3000), []
    while not found.over:
        _, angle, _, yaw_rate = found.state
        east = 1.5 * (angle + math.pi / 2) + 0.3 * yaw_rate
        rewards.append(found.advance(np.array([max(-1, min(1, east)), 0.3, 0])))
    assert found.finished
    assert found.steps < 3000
    assert rewards[-1] == pytest.approx(-100)
    assert np.abs(found.state[0]).max() > 2000 / 6


def test_the_center_line_is_the_tracks_and_the_car_begins_on_it():
    found = Simulator(11, 10)
    gaps = np.linalg.norm(np.diff(found.center_line, axis=0), axis=1)
    assert found.center_line.shape == (len(gaps) + 1, 2)
    assert gaps == pytest.approx(np.full(len(gaps), POINT_SPACING))
    place, angle, speed, yaw_rate = found.state
    assert np.linalg.norm(found.center_line[0] - place) < 1
    assert (speed, yaw_rate) == pytest.approx((0, 0), abs=0.1)
    ahead = found.center_line[3] - found.center_line[0]
    assert math.remainder(math.atan2(ahead[1], ahead[0]) - angle - math.pi / 2, 2 * math.pi) == pytest.approx(0, abs=1)


def test_speed_and_yaw_rate_are_how_fast_place_and_angle_change():
    found = Simulator(7, 1000)
    for action in wild_actions(80, 1):
        before = found.state
        found.advance(action)
        place, angle, speed, yaw_rate = found.state
        moved = np.linalg.norm(place - before[0]) * FRAMES_PER_SECOND
        assert speed == pytest.approx(moved, rel=0.1, abs=0.5)
        assert yaw_rate == pytest.approx((angle - before[1]) * FRAMES_PER_SECOND, abs=1e-3)


def test_a_car_heads_the_wrong_way_beyond_a_right_angle_to_the_road():
    found = Simulator(11, 10)
    hull = found._environment.car.hull
    for place in (0, 40, len(found.center_line) - 1):
        along = found.center_line[(place + 1) % len(found.center_line)] - found.center_line[place - 1]
        for turned, wrong in ((0, False), (1.4, False), (-1.4, False), (1.8, True), (-1.8, True), (math.pi, True)):
            hull.angle = math.atan2(along[1], along[0]) - math.pi / 2 + turned + 2 * math.pi
            hull.position = found.center_line[place] + 0.5
            assert found.wrong_way is wrong


@pytest.mark.parametrize("problem", [AssertionError(""), ValueError("no loop"), IndexError("list index")])
def test_a_track_that_cannot_be_generated_is_named(monkeypatch, problem):
    def reset(self, seed):
        raise problem

    monkeypatch.setattr(simulator._Environment, "reset", reset)
    with pytest.raises(InputError, match=r"^track 17: cannot be generated .*; choose another seed$"):
        Simulator(17, 10)


def test_a_negative_track_is_refused():
    with pytest.raises(InputError, match=r"^track -1: "):
        Simulator(-1, 10)


@pytest.mark.parametrize("package", ["gymnasium", "Box2D", "pygame"])
def test_a_simulator_that_is_not_installed_is_one_line_that_says_what_to_install(package):
    code = (
        f"import sys\nsys.modules[{package!r}] = None\nfrom aann.errors import InputError\n"
        "try:\n    import aann.driving.simulator\nexcept InputError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count("\n") == 1
    assert run.stdout.startswith("driving: CarRacing cannot be imported")
    assert "pip install 'aann[driving]'" in run.stdout


# --- expert -----------------------------------------------------------------------------------------------------------


def steering(line, state, settings):
    """Return what the expert should steer, by complex numbers and a search over the points."""
    place, angle, speed, yaw_rate = state
    points, here = [complex(*point) for point in line], complex(*place)
    nearest = min(range(len(points)), key=lambda index: abs(points[index] - here))
    part, whole = math.modf((settings.lookahead + settings.lookahead_seconds * speed) / 3.5)
    first, second = (points[(nearest + int(whole) + more) % len(points)] for more in (0, 1))
    forwards = cmath.rect(1, angle + math.pi / 2)
    return (
        settings.gain * cmath.phase((first + part * (second - first) - here) / forwards) - settings.damping * yaw_rate
    )


@pytest.fixture(scope="module")
def states():
    """Center line and state at many decisions of a drive that is disturbed again and again, round a whole lap."""
    settings, random = DrivingSettings(), np.random.default_rng(0)
    episode, driver = Episode(TRACKS[0], None, settings), ExpertDriver(settings)
    found = []
    while not episode.over:
        found.append(SimpleNamespace(center_line=episode.simulator.center_line, state=episode.simulator.state))
        episode.act(driver.choose(episode) if random.random() < 0.7 else int(random.integers(3)))
    return found[::3]


def test_the_expert_steers_to_a_point_ahead_less_its_yaw_rate(states):
    settings = DrivingSettings().expert
    expert, chosen = Expert(settings), []
    for found in states:
        expected = steering(found.center_line, found.state, settings)
        assert expert.steering(found) == pytest.approx(expected, abs=1e-9)
        expected_class = GO if abs(expected) <= settings.threshold else (LEFT if expected > 0 else RIGHT)
        chosen.append(expert.choose(found))
        assert chosen[-1] == expected_class
    assert min(np.bincount(chosen, minlength=3)) > 5


def test_the_point_ahead_goes_on_over_the_end_of_the_lap(states):
    settings, line = DrivingSettings().expert, states[0].center_line
    for place in range(len(line) - 12, len(line)):
        for speed in (0.0, 13.0, 60.0):
            found = SimpleNamespace(center_line=line, state=(line[place] + 0.5, 0.3, speed, 0.1))
            assert Expert(settings).steering(found) == pytest.approx(steering(line, found.state, settings), abs=1e-9)


def test_the_expert_goes_at_the_threshold_and_turns_above_it(states):
    settings = DrivingSettings().expert
    for found in states[:20]:
        steered = Expert(settings).steering(found)
        at, below = abs(steered), float(np.nextafter(abs(steered), 0))
        assert Expert(settings.model_copy(update={"threshold": at})).choose(found) == GO
        turning = Expert(settings.model_copy(update={"threshold": below})).choose(found)
        assert turning == (LEFT if steered > 0 else RIGHT)


def test_the_expert_in_a_mirror_exchanges_left_and_right(states):
    expert, mirror = Expert(DrivingSettings().expert), np.array([-1, 1])
    for found in states:
        place, angle, speed, yaw_rate = found.state
        mirrored = SimpleNamespace(
            center_line=found.center_line * mirror, state=(place * mirror, -angle, speed, -yaw_rate)
        )
        assert expert.steering(mirrored) == pytest.approx(-expert.steering(found), abs=1e-9)
        assert expert.choose(mirrored) == {LEFT: RIGHT, RIGHT: LEFT, GO: GO}[expert.choose(found)]


def test_actions_stand_in_the_order_of_the_classes_and_turn_to_their_side():
    settings = DrivingSettings().expert
    straight, left, right = actions(settings)
    assert CLASSES == ("GO", "LEFT", "RIGHT")
    assert left.tolist() == [-settings.turn, settings.turning_gas, settings.turning_brake]
    assert right.tolist() == [settings.turn, settings.turning_gas, settings.turning_brake]
    assert straight.tolist() == [0, settings.gas, 0]
    turned = {}
    for choice in (LEFT, RIGHT, GO):
        found = Simulator(0, 1000)
        found.advance(straight, 40)
        before = found.state[1]
        found.advance(actions(settings)[choice], 30)
        turned[choice] = found.state[1] - before
    assert turned[LEFT] > 0.2 > abs(turned[GO])
    assert turned[RIGHT] < -0.2


def test_the_expert_drives_well():
    settings = DrivingSettings()
    returns = [returned(ExpertDriver(settings), None, settings, track) for track in range(300_000, 300_008)]
    assert min(returns) >= 700
    assert np.mean(returns) >= 850


# --- views ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def frames():
    """Frames of noise that reach every value."""
    return list(np.random.default_rng(0).integers(0, 256, (6, 84, 96, 3)).astype(np.uint8))


def pixel(frame, row, column):
    return max(-51, min(51, int(frame[row, column + 6, 1]) - 153))


@pytest.mark.parametrize("count", range(1, 7))
def test_the_two_channels_are_green_and_its_difference_to_two_decisions_before(frames, count):
    seen = view(FRAMES, frames[:count])
    now, before = frames[count - 1], frames[max(0, count - 3)]
    assert seen.dtype == np.int8
    assert seen.shape == (2, 84, 84)
    for row, column in np.random.default_rng(1).integers(0, 84, (300, 2)):
        expected = pixel(now, row, column) - pixel(before, row, column)
        assert seen[0, row, column] == pixel(now, row, column)
        assert seen[1, row, column] == max(-51, min(51, expected))
    assert (seen[0].min(), seen[0].max()) == (-51, 51)
    assert (count == 1) == (not seen[1].any())


def test_the_color_view_is_the_square_around_the_car_now(frames):
    seen = view(COLOR, frames)
    assert seen.dtype == np.int8
    assert seen.shape == (3, 72, 72)
    for channel in range(3):
        assert np.array_equal(seen[channel].astype(int) + 128, frames[-1][12:84, 12:84, channel])
    assert np.array_equal(seen, view(COLOR, frames[-1:]))


def test_what_is_seen_fits_the_data_sets_and_the_networks_of_the_paper(frames, paper_settings):
    driven = {task: data for task in paper_settings.tasks if (data := paper_settings.dataset(task)).kind == "driving"}
    assert {data.sees for data in driven.values()} == {"two-frames", "color"}
    black, white = np.zeros((84, 96, 3), np.uint8), np.full((84, 96, 3), 255, np.uint8)
    for task, data in driven.items():
        architecture = Architecture.from_dict(paper_settings.network(task))
        seen = np.stack([view(data, shown) for shown in (frames, [black], [white], [black] * 3 + [white])])
        assert seen.shape[1:] == tuple(data.shape)
        check_images(architecture, seen)
        assert architecture.classes == len(data.class_names) == len(CLASSES)


def test_the_limit_of_what_is_seen_is_the_entrys(frames):
    seen = view(FRAMES.model_copy(update={"limit": 20}), frames)
    assert np.array_equal(seen[0], view(FRAMES, frames)[0].clip(-20, 20))
    assert (seen.min(), seen.max()) == (-20, 20)


def test_road_is_negative_and_grass_is_positive_at_the_start():
    found = Simulator(TRACKS[0], 100)
    found.advance(COAST, 50)
    road = view(FRAMES, [found.frame()])[0]
    assert road[20:60, 42].max() < -40
    assert road[20:60, 0].min() > 40


# --- episodes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [FRAMES, COLOR])
def test_what_is_seen_is_the_view_of_the_frames_at_all_decisions(data):
    settings = DrivingSettings(steps=25, repeat=3)
    episode, alone, frames = Episode(7, data, settings), Simulator(7, 25), []
    choices = iter([GO, LEFT, LEFT, RIGHT, GO, GO, RIGHT, RIGHT, GO])
    while not episode.over:
        frames.append(alone.frame())
        assert np.array_equal(episode.frame, frames[-1])
        assert np.array_equal(episode.seen, view(data, frames))
        choice = next(choices)
        episode.act(choice)
        alone.advance(actions(settings.expert)[choice], 3)
    assert len(frames) == 9  # decisions in 25 steps, three steps each and one for the last
    assert (episode.simulator.steps, episode.simulator.total) == (25, alone.total)


def test_a_drive_is_worth_the_same_whether_frames_are_drawn_or_not():
    settings = DrivingSettings(steps=60)
    found = {returned(ExpertDriver(settings), data, settings, 7) for data in (None, FRAMES, COLOR)}
    assert len(found) == 1
    assert not hasattr(Episode(7, None, settings), "seen")


def test_a_network_drives_by_its_largest_logit_and_the_first_of_equals():
    architecture = Architecture((2, 84, 84), (Dense("fc", 3),), input_scale=51, signed=True)
    episode = Episode(7, FRAMES, DrivingSettings(steps=10))
    weights = np.random.default_rng(0).integers(-1, 2, (3, 2 * 84 * 84)).astype(np.int8)
    expected = weights.astype(int) @ episode.seen.ravel().astype(int)
    driver = NetworkDriver(TernaryNetwork(architecture, {"fc": weights}))
    assert driver.logits(episode).tolist() == expected.tolist()
    assert driver.choose(episode) == max(range(3), key=lambda choice: expected[choice])
    for equal in ((0, 1, 2), (1, 2)):
        weights[:] = -(episode.seen.ravel() > 0).astype(np.int8)
        weights[list(equal)] = 0
        assert NetworkDriver(TernaryNetwork(architecture, {"fc": weights})).choose(episode) == equal[0]


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_tracks_until_one_errs_which_is_named(processes):
    found = each(math.sqrt, [9, 4, -1, 16], processes)
    assert [next(found), next(found)] == [3, 2]
    with pytest.raises(InputError, match=r"^track -1: its episode failed \(ValueError: math domain error\); see"):
        next(found)


ERRORS = [OSError(errno.EROFS, "Read-only file system"), FileNotFoundError(2, "No such file or directory")]
ERRORS += [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.ENOSPC, "No space left on device")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.strerror)
def test_without_semaphores_one_process_drives_and_says_so(monkeypatch, capfd, error):
    def refuse(*arguments):
        raise error

    monkeypatch.setattr("multiprocessing.synchronize._multiprocessing.SemLock", refuse)
    assert list(each(math.sqrt, [9, 4, 16], 2)) == [3, 2, 4]
    reason = f"since others need semaphores ({error.strerror})"
    said = f"warning: one process drives in place of 2, {reason}; on Linux, make /dev/shm a folder that can be written"
    assert capfd.readouterr() == ("", f"{said}\n")


# --- tracks -----------------------------------------------------------------------------------------------------------


def test_no_track_is_of_two_kinds():
    kinds = ("train", "validation", "test", "returns", "round1", "round2", "round3", "round10")
    taken = {track for kind in kinds for track in tracks(kind, 100_000)}
    assert len(taken) == len(kinds) * 100_000
    assert min(taken) >= 0
    assert all(list(tracks(kind, 3)) == list(tracks(kind, 9))[:3] for kind in kinds)


@pytest.mark.parametrize("kind", ["", "Train", "round", "round0", "round-1", "round1.5", "roundx", "1"])
def test_an_unknown_kind_of_tracks_is_refused(kind):
    with pytest.raises(InputError, match=rf"^tracks of kind '{kind}': there are none; expected validation, test, .*"):
        tracks(kind, 1)


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_a_number_of_tracks_out_of_range_is_refused(count):
    with pytest.raises(InputError, match=rf"^{count} tracks of kind 'round2': expected 1 to 100000$"):
        tracks("round2", count)


def test_above_the_top_speed_go_gives_no_gas():
    def speeds(**changes):
        episode, found = Episode(11, None, DrivingSettings.model_validate({"expert": changes})), []
        for choice in [GO] * 40 + [LEFT] * 5:
            episode.act(choice)
            found.append(episode.simulator.state[2])
        return found

    free, limited = speeds(), speeds(top_speed=30)
    reached = next(place for place, speed in enumerate(free) if speed > 30)
    assert limited[: reached + 1] == free[: reached + 1]
    assert 29 < min(limited[reached:40]) < max(limited[reached:40]) < 31 < max(free)
    assert speeds(top_speed=100) == free


# --- benchmark --------------------------------------------------------------------------------------------------------


def test_the_benchmark_of_imperfect_sight_runs(root, tmp_path):
    command = [sys.executable, "benchmarks/imperfect_sight.py", "--tracks", "1", "--processes", "1"]
    output = tmp_path / "imperfect_sight.csv"
    subprocess.run([*command, "--output", output], cwd=root, check=True, capture_output=True)
    table = read_table(output)
    assert table.noise_radians.tolist() == 2 * [0, 0.03, 0.05, 0.07]
    clean = table[table.noise_radians == 0]
    assert (clean.agreement == 1).all()
    assert (table.agreement[table.noise_radians > 0] < 0.95).all()
    settings = DrivingSettings()
    expected = returned(ExpertDriver(settings), None, settings, 900_000)
    assert clean.mean_return.iloc[0] == pytest.approx(expected)


def test_the_lost_drive_is_drawn(root, tmp_path):
    output = tmp_path / "lost_drive.png"
    command = [sys.executable, "benchmarks/lost_drive.py", "--output", output]
    run = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert run.stdout == "return 509.27\n"  # docs/driving.md
    assert output.read_bytes().startswith(b"\x89PNG")
