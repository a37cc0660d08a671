"""Stage claims: the intervals beside measured values."""

from __future__ import annotations

from pydantic import Field

from aann.settings.types import Section, Seed


class ClaimsSettings(Section):
    """Stage claims: the intervals beside measured values. The claims are in `config/claims.yaml`."""

    confidence: float = Field(0.95, ge=0.5, lt=1, description="How often an interval holds the true value.")
    resamples: int = Field(10_000, ge=100, le=10**6, description="Samples drawn for a bootstrap interval.")
    seed: Seed = Field(0, description="Draws these samples.")
    without: list[str] = Field([], description="Claims by name that are left out, since there is no run for them.")
    without_figures: list[str] = Field([], description="Figures by name whose claims are all left out.")
