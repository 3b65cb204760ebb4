"""A fitted log of a program that waits for load, and a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.advice import api
from sim.explore.predictor import Predictor
from tests.chromium import browser

__all__ = ["browser"]

LOG = Path(__file__).parents[1] / "golden/real/hbsteady.p2.gogc100.limnone.r0.gctrace.gz"


@pytest.fixture(scope="session")
def log() -> Path:
    """At GOGC=100 without a limit, on two Ps."""
    return LOG


@pytest.fixture(scope="session")
def predictor(log: Path) -> Predictor:
    return Predictor(api.fit(log), seed=1)
