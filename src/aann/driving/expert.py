"""The expert: a scripted driver that sees the simulator's state, and whose choice a network can read off a frame.

It computes how much to steer: the angle to a point of the center line ahead, less the yaw rate. It chooses LEFT or
RIGHT if that is large, else GO. Each class is one action of CarRacing, so that an expert and a network that choose
alike drive alike.
"""

from __future__ import annotations

import math

import numpy as np

from aann.driving import CLASSES, GO, LEFT, RIGHT
from aann.driving.simulator import POINT_SPACING, Simulator
from aann.settings.driving import ExpertSettings


def actions(settings: ExpertSettings) -> np.ndarray:
    """Return the action of each class, float64 of shape (3, 3): steering (right is positive), gas and brake."""
    turn = (settings.turning_gas, settings.turning_brake)
    found = np.empty((len(CLASSES), 3))
    found[GO] = (0.0, settings.gas, 0.0)
    found[LEFT], found[RIGHT] = (-settings.turn, *turn), (settings.turn, *turn)
    return found


class Expert:
    """Chooses classes for a car on a track."""

    def __init__(self, settings: ExpertSettings) -> None:
        self._settings = settings

    def steering(self, simulator: Simulator) -> float:
        """Return how much the expert would steer, in radians; left is positive."""
        place, angle, speed, yaw_rate = simulator.state
        target = self._ahead(simulator.center_line, place, speed)
        wanted = math.atan2(target[1] - place[1], target[0] - place[0]) - math.pi / 2
        error = math.remainder(wanted - angle, 2 * math.pi)
        return self._settings.gain * error - self._settings.damping * yaw_rate

    def choose(self, simulator: Simulator) -> int:
        """Return the class that the expert chooses now."""
        steering = self.steering(simulator)
        if abs(steering) <= self._settings.threshold:
            return GO
        return LEFT if steering > 0 else RIGHT

    def _ahead(self, line: np.ndarray, place: np.ndarray, speed: float) -> np.ndarray:
        """Return the point of the center line that lies a lookahead in front of the point nearest to the car."""
        nearest = int(np.square(line - place).sum(axis=1).argmin())
        steps = (self._settings.lookahead + self._settings.lookahead_seconds * speed) / POINT_SPACING
        whole, part = int(steps), steps % 1
        first, second = line[(nearest + whole) % len(line)], line[(nearest + whole + 1) % len(line)]
        point: np.ndarray = first * (1 - part) + second * part
        return point
