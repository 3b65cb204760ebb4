"""One short run with a timeline, for all pictures and pages, and a browser that looks at them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import load
from sim.results import Result
from sim.simulation import simulate
from tests.chromium import browser

__all__ = ["browser"]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """200 ms of hbsteady, stored."""
    sets = ["duration=200ms", "record.timeline=true"]
    config = load(ROOT / "configs" / "hbsteady.yaml", sets)
    return simulate(config, out=tmp_path_factory.mktemp("runs") / "hbsteady")
