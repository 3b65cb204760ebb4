"""Where the truth is known, a comparison finds it, and finds nothing where there is nothing.

200 comparisons each: of settings that are identical, and of settings that differ by 2 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from sim.config import load
from sim.experiment import groups as module
from sim.experiment.table import Comparison, compare_runs
from sim.results.summary import Summary, summary
from sim.simulation import simulate
from sim.streams import Streams
from sim.units import Figure

COMPARISONS = 200
SEEDS = 5
CHANGE = 0.02


class Run:
    """A run of which only its figures are left."""

    collects = True

    def __init__(self, seed: int, figures: Mapping[str, Figure]) -> None:
        self.run = {"seed": seed, "status": "complete", "workload": "w"}
        self.figures = Summary(figures)


def compared(before: Iterable[Summary], after: Iterable[Summary]) -> Comparison:
    sides = {"before": before, "after": after}
    runs: list[Any] = [
        ({"side": side}, Run(seed, figures))
        for side, group in sides.items()
        for seed, figures in enumerate(group)
    ]
    return compare_runs(runs, {"side": "before"})


def alarms(tables: Iterable[Comparison]) -> float:
    """Share of the tables that say of anything that it holds."""
    return float(np.mean([any(row.senses for row in table.rows) for table in tables]))


def found(tables: Iterable[Comparison], sense: str) -> float:
    """Share of the tables that say this of the second setting."""
    return float(np.mean([sense in table.rows[1].senses for table in tables]))


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs have their figures with them."""
    monkeypatch.setattr(module, "summary", lambda run: run.figures)


NAMES = {"peak_rss": "bytes", "gc_cpu": "fraction", "latency_p99": "ns", "throughput": "per_second"}


def drawn(common: float, change: float, name: str) -> list[Comparison]:
    """Comparisons of figures with a noise of 5 %, of whose variance runs with a seed share most."""
    draw = Streams(1)[name]
    tables = []
    for _ in range(COMPARISONS):
        shared = common * draw.normal(size=(SEEDS, len(NAMES)))
        own = np.sqrt(1 - common**2) * draw.normal(size=(2, SEEDS, len(NAMES)))
        noise = np.exp(0.05 * (shared + own))
        noise[1, :, -1] *= 1 + change
        sides = [
            [
                Summary({n: Figure(v, u) for (n, u), v in zip(NAMES.items(), row, strict=True)})
                for row in side
            ]
            for side in noise
        ]
        tables.append(compared(*sides))
    return tables


def test_identical_settings_alarm_in_no_more_than_a_twentieth_of_all_tables() -> None:
    # Of 200 tables 5 % are 10; three standard deviations more are 19.
    assert alarms(drawn(0.0, 0.0, "independent")) <= 19 / COMPARISONS
    assert alarms(drawn(0.95, 0.0, "common")) <= 19 / COMPARISONS


def test_common_random_numbers_find_what_is_lost_in_independent_noise() -> None:
    assert found(drawn(0.99, CHANGE, "common"), "higher throughput") > 0.6
    assert found(drawn(0.0, CHANGE, "independent"), "higher throughput") < 0.2


POOL = 60
"""Seeds of each setting that is simulated."""
LIGHT = {
    "workload": {
        "name": "light",
        "mixes": {"small": [{"size": "64B"}]},
        "goroutines": {
            "handler": {
                "steps": [
                    {"work": {"cpu": {"exponential": "40us"}, "allocate": "32KiB", "of": "small"}}
                ]
            }
        },
        "load": {"web": {"goroutine": "handler", "arrivals": {"poisson": "10000/s"}}},
    },
    "GOMAXPROCS": 2,
    "duration": "70ms",
    "record": {"warmup": "10ms"},
}


@cache
def simulated(rate: int) -> tuple[Summary, ...]:
    """Figures of 60 ms of service, with each seed."""
    sets = [f"workload.load.web.arrivals.poisson={rate}/s"]
    runs = (simulate(load(LIGHT, [*sets, f"seed={seed}"])) for seed in range(POOL))
    return tuple(map(summary, runs))


def draws(name: str, sides: tuple[tuple[Summary, ...], ...], paired: bool) -> list[Comparison]:
    """Comparisons of runs with the same seeds, or with seeds of their own on each side."""
    draw, tables = Streams(2)[name], []
    for _ in range(COMPARISONS):
        seeds = draw.permutation(POOL)
        first, second = seeds[:SEEDS], seeds[:SEEDS] if paired else seeds[SEEDS : 2 * SEEDS]
        tables.append(compared([sides[0][s] for s in first], [sides[1][s] for s in second]))
    return tables


@pytest.mark.slow
def test_of_simulated_runs_differences_of_two_percent_are_found_and_no_others() -> None:
    """The rate of arrivals is 2 % higher: so is throughput."""
    base, more = simulated(10000), simulated(10200)
    rates = {
        "identical, same seeds": alarms(draws("a", (base, base), paired=True)),
        "identical, own seeds": alarms(draws("b", (base, base), paired=False)),
        "2 % more, same seeds": found(draws("c", (base, more), paired=True), "higher throughput"),
        "2 % more, own seeds": found(draws("d", (base, more), paired=False), "higher throughput"),
    }
    print(rates)  # noqa: T201  shown by pytest -s
    assert rates["identical, same seeds"] == 0
    assert rates["identical, own seeds"] <= 19 / COMPARISONS
    # 60 more requests of 3000, give or take 8, show through; among 3000 give or take 77 they drown.
    assert rates["2 % more, same seeds"] > 0.8
    assert rates["2 % more, own seeds"] < 0.2
