"""In which layer a search draws its next neighborhood."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aann.errors import InputError
from aann.settings.sense import LayersSettings

_MEMORY = 0.8
"""The weight of a layer's average gain so far; the gain of its next neighborhood has the rest."""

_SHARE = 0.05
"""The least probability of a layer that is drawn by gain: what gains nothing now may gain later. Of many layers, all
together have at most half."""


class LayerSchedule:
    """Layers in a cycle, drawn at random, or drawn in proportion to what their neighborhoods have gained recently.

    A layer has ``repeat`` neighborhoods in a row. ``gains`` are averages by layer; a layer that was not tried yet is
    missing and comes first. Everything else follows from the number of the neighborhood and the seed.

    Raises ``InputError`` for a layer that the network does not have.
    """

    def __init__(self, settings: LayersSettings, known: tuple[str, ...], seed: int) -> None:
        for name in settings.names:
            if name not in known:
                raise InputError(f"layer {name!r}: the network has no such layer; expected one of {', '.join(known)}")
        self._settings, self._seed = settings, seed
        self.gains: dict[str, float] = {}

    def layer(self, neighborhood: int) -> str:
        """Return the layer of a neighborhood; they are numbered from 0."""
        names, turn = self._settings.names, neighborhood // self._settings.repeat
        if self._settings.schedule == "cycle":
            return names[turn % len(names)]
        random = np.random.default_rng([self._seed, 2, turn])
        if self._settings.schedule == "random":
            return names[random.integers(len(names))]
        untried = [name for name in names if name not in self.gains]
        return untried[0] if untried else str(random.choice(names, p=self._probabilities()))

    def _probabilities(self) -> np.ndarray:
        gains = np.array([max(self.gains[name], 0.0) for name in self._settings.names])
        total = gains.sum()
        shares = gains / total if total > 0 else np.full(len(gains), 1 / len(gains))
        least = min(_SHARE, 0.5 / len(gains))
        found: np.ndarray = least + (1 - len(gains) * least) * shares
        return found

    def learn(self, layer: str, gain: float) -> None:
        """Take note of what a neighborhood has gained."""
        self.gains[layer] = _MEMORY * self.gains.get(layer, gain) + (1 - _MEMORY) * gain

    def restore(self, gains: Mapping[str, float]) -> None:
        """Go on with the gains of an interrupted search."""
        self.gains = dict(gains)
