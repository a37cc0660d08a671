"""gymnasium's CarRacing-v3, bit for bit, but it draws only when a frame is asked for, and only what is visible in it.

The simulation is deterministic in the seed of its track, in any process. Drawing takes nearly all of its time, so
polygons that lie outside of the frame are found together, with a few array operations, and left out.
"""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

import numpy as np

from aann.errors import InputError

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # frames are drawn in memory: no display is needed

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import Box2D  # noqa: F401 (gymnasium has an exception of its own for its absence)
        import pygame
        from gymnasium.envs.box2d import car_racing
except ImportError as error:
    raise InputError(
        f"driving: CarRacing cannot be imported ({error}); install its simulator: pip install 'aann[driving]'"
    ) from error

FRAMES_PER_SECOND = car_racing.FPS
"""Steps of the simulator a second; it moves on by a step for each action."""

ROWS, COLUMNS = 84, car_racing.STATE_W
"""The frame that CarRacing shows to an agent, in pixels, without the dashboard below."""

POINT_SPACING = car_racing.TRACK_DETAIL_STEP
"""Between two points of the center line, in CarRacing's unit of length."""

_FIELD = car_racing.PLAYFIELD * np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
"""Corners of the field, as CarRacing draws it."""

_GRASS = car_racing.GRASS_DIM * np.array(
    [[(x + 1, y), (x, y), (x, y + 1), (x + 1, y + 1)] for x in range(-20, 20, 2) for y in range(-20, 20, 2)], float
)
"""Patches of grass, as CarRacing places them: corners in its unit of length, shape (patches, 4, 2)."""


class _Environment(car_racing.CarRacing):  # type: ignore[misc]
    """CarRacing that draws nothing in ``step``, and no polygon that lies on one side of the window as a whole."""

    def _render(self, mode: str) -> Any:
        return None if mode == "state_pixels" else super()._render(mode)

    def road_ahead(self) -> np.ndarray:
        """Return the rows of CarRacing's frame above the dashboard: uint8 of shape (84, 96, 3)."""
        width, height = car_racing.WINDOW_W, car_racing.WINDOW_H
        zoom, angle = self._zoom(), -self.car.hull.angle
        scroll = pygame.math.Vector2(*(-zoom * place for place in self.car.hull.position)).rotate_rad(angle)
        translation = (width / 2 + scroll[0], height / 4 + scroll[1])
        self.surf = pygame.Surface((width, height))
        self._render_road(zoom, translation, angle)
        self.car.draw(self.surf, zoom, translation, angle, False)
        dashboard = height * (car_racing.STATE_H - ROWS) // car_racing.STATE_H
        road = pygame.transform.flip(self.surf.subsurface((0, dashboard, width, height - dashboard)), False, True)
        drawn: np.ndarray = self._create_image_array(road, (COLUMNS, ROWS))
        return drawn

    def _zoom(self) -> float:
        """Return pixels of the window for a unit of length; the camera moves in during the first second."""
        started = min(self.t, 1.0)
        return float(car_racing.SCALE * (0.1 * (1 - started) + car_racing.ZOOM * started))

    def _render_road(self, zoom: float, translation: tuple[float, float], angle: float) -> None:
        view = (zoom, translation, angle)
        self._draw_colored_polygon(self.surf, _FIELD.tolist(), self.bg_color, *view, clip=False)
        for corners in _GRASS[_in_window(_GRASS, *view)].tolist():
            self._draw_colored_polygon(self.surf, corners, self.grass_color, *view, clip=False)
        for index in np.flatnonzero(_in_window(self._road_corners(), *view)):
            corners, color = self.road_poly[index]
            self._draw_colored_polygon(self.surf, corners, [int(part) for part in color], *view, clip=False)

    def _road_corners(self) -> np.ndarray:
        """Return the corners of the road's polygons, shape (polygons, 4, 2), computed once for a track."""
        if getattr(self, "_corners_of", None) is not self.road_poly:
            self._corners = np.array([corners for corners, _ in self.road_poly], float)
            self._corners_of = self.road_poly
        return self._corners


def _in_window(corners: np.ndarray, zoom: float, translation: tuple[float, float], angle: float) -> np.ndarray:
    """Return which polygons may reach into the window, with two pixels of tolerance."""
    cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
    places = corners @ np.array([[cosine, sine], [-sine, cosine]]) + translation
    limits = np.array([car_racing.WINDOW_W, car_racing.WINDOW_H]) + 2
    inside: np.ndarray = ((places.min(axis=1) <= limits) & (places.max(axis=1) >= -2)).all(axis=1)
    return inside


class Simulator:
    """A car at the start of the track of a seed, until it touched every tile, left the field, or ran out of steps.

    A lap alone ends nothing: a car that missed a tile drives on into a second lap (Farama-Foundation/Gymnasium#1269).

    ``center_line`` has points in the middle of the road, in driving order, shape (points, 2), in CarRacing's unit of
    length. ``total`` is the sum of rewards so far, ``steps`` the number of steps. ``finished`` says whether CarRacing
    ended the episode, by the last tile or by the edge of the field.

    Raises ``InputError`` if the track cannot be generated.
    """

    def __init__(self, track: int, steps: int) -> None:
        if track < 0:
            raise InputError(f"track {track}: expected a seed of 0 or more")
        self._environment: Any = _Environment()
        try:
            self._environment.reset(seed=track)
        except (AssertionError, ValueError, IndexError) as error:
            raise InputError(f"track {track}: cannot be generated ({error}); choose another seed") from error
        self.center_line = np.array(self._environment.track)[:, 2:]
        self.track, self.steps, self._most_steps = track, 0, steps
        self.total, self.finished = 0.0, False

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.finished or self.steps == self._most_steps

    def advance(self, action: np.ndarray, steps: int = 1) -> float:
        """Take steps with one action (steering in [-1, 1], gas and brake in [0, 1]); return their reward."""
        before = self.total
        for _ in range(steps):
            if self.over:
                break
            _, reward, self.finished, _, _ = self._environment.step(action)
            self.total += float(reward)
            self.steps += 1
        return self.total - before

    def frame(self) -> np.ndarray:
        """Return what CarRacing shows to an agent now, without the dashboard: uint8 of shape (84, 96, 3)."""
        drawn: np.ndarray = self._environment.road_ahead()
        return drawn

    def picture(self) -> np.ndarray:
        """Return the scene as CarRacing shows it to people: uint8 of shape (400, 600, 3)."""
        drawn: np.ndarray = self._environment._render("rgb_array")
        return drawn

    @property
    def state(self) -> tuple[np.ndarray, float, float, float]:
        """Where the car's hull is (2 coordinates), its angle in radians, its speed, and its yaw rate in radians/s."""
        hull = self._environment.car.hull
        speed = math.hypot(*hull.linearVelocity)
        return np.array(hull.position), float(hull.angle), speed, float(hull.angularVelocity)

    @property
    def wrong_way(self) -> bool:
        """Whether the car heads back: more than a right angle off the driving direction of the road beside it."""
        place, angle, *_ = self.state
        nearest = int(np.square(self.center_line - place).sum(axis=1).argmin())
        along = self.center_line[(nearest + 1) % len(self.center_line)] - self.center_line[nearest - 1]
        return bool(along @ (-math.sin(angle), math.cos(angle)) < 0)
