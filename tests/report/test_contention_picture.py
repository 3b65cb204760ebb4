"""Waiting for locks over GOMAXPROCS: a picture where it costs something, and words of it."""

from __future__ import annotations

import pandas as pd
import pytest

from sim.report.contention import picture, verdict
from sim.results import Result


class Run:
    """A stored run, as far as the picture looks at it."""

    def __init__(self, procs: int) -> None:
        self.settings = {"GOMAXPROCS": str(procs)}
        self.locks = pd.DataFrame({"lock": ["mheap"]})


def frame(share: float) -> pd.DataFrame:
    return pd.DataFrame({"cpu_share": [share, share / 2]}, index=["all", "mheap"])


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What each lock takes of the CPU, by the value of GOMAXPROCS."""
    found: dict[str, float] = {}
    monkeypatch.setattr(
        "sim.report.contention.lock_frame", lambda run: frame(found[run.settings["GOMAXPROCS"]])
    )
    return found


def drawn(*procs: int) -> object:
    runs: dict[str, Result] = {str(n): Run(n) for n in procs}  # type: ignore[misc]
    return picture(runs)


def test_waiting_that_costs_something_is_drawn(shares: dict[str, float]) -> None:
    shares |= {"2": 0.0, "8": 0.01}
    assert drawn(2, 8) is not None


def test_what_costs_nothing_or_is_one_point_is_not(shares: dict[str, float]) -> None:
    shares |= {"2": 0.0, "8": 1e-9}
    assert drawn(2, 8) is None
    shares["8"] = 0.01
    assert drawn(8) is None


def test_the_verdict_names_the_worst_setting_and_lock() -> None:
    rows = pd.DataFrame(
        {
            "refills": "batches",
            "setting": ["GOMAXPROCS=2", "GOMAXPROCS=2", "GOMAXPROCS=8", "GOMAXPROCS=8"],
            "lock": ["all", "mheap", "all", "mcentral[48B]"],
            "contended": [0.0, 0.0, 0.1, 0.25],
            "cpu_share": [0.0, 0.0, 0.02, 0.015],
            "began": [False, False, True, True],
            "cycles": [0, 0, 9, 9],
        }
    )
    first, worst, never, few, basis = verdict(rows)
    assert first == (
        "Waiting for locks takes 2% of the time of all Ps, idle or not; that is most, under"
        " GOMAXPROCS=8."
    )
    assert never.startswith("GOMAXPROCS=2: load had not begun at the end")
    assert few.startswith("GOMAXPROCS=8: 9 GC cycles in service are few")
    assert worst == "Most waited for there: mcentral[48B], 25.00% of the times it is taken."
    assert basis == "Rests on: one run of each of 2 settings."
