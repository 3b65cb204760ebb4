"""The simulator beside the object-by-object oracle: `python -m tests.oracle.compare`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

import pandas as pd
from scipy import stats

from sim.results.result import Result
from tests.oracle.per_object import Case, Collection, simulate
from tests.worlds import run

WARM_UP: Final = 10
"""Collections at the start that are left out."""
CONFIDENCE: Final = 0.95


def workload(case: Case) -> dict[str, Any]:
    """The case as a program of the simulator."""
    mix = case.mix
    objects = [
        {"size": f"{size}B", "share": share, "pointers": 0 if noscan else "all"}
        for size, share, noscan in zip(mix.sizes, mix.shares, mix.noscan, strict=True)
    ]
    of = {"cpu": "1us", "of": "node"}
    job: list[dict[str, Any]] = [
        {"work": {**of, "allocate": f"{case.job_bytes}B"}},
        {"work": {**of, "allocate": f"{case.garbage_bytes}B", "lives": "step"}},
        {"work": {**of, "allocate": f"{case.random_bytes}B", "into": "random"}},
        {"work": {**of, "allocate": f"{case.oldest_bytes}B", "into": "oldest"}},
        {"work": {**of, "allocate": f"{case.tenured_bytes}B", "lives": f"{case.tenured_mean}ns"}},
        {"wait": {"exponential": f"{case.sleep}ns"}},
    ]
    return {
        "name": "oracle",
        "mixes": {"node": objects},
        "stores": {
            "random": {"size": f"{case.random_capacity}B", "of": "node"},
            "oldest": {"size": f"{case.oldest_capacity}B", "of": "node", "replacement": "oldest"},
        },
        "goroutines": {
            "job": {"steps": job},
            "collector": {"steps": [{"wait": f"{case.collect_every}ns"}, {"collect": {}}]},
        },
        "load": {
            "jobs": {"goroutine": "job", "workers": case.lanes},
            "collector": {"goroutine": "collector", "workers": 1},
        },
    }


def simulated(case: Case, seed: int) -> Result:
    """A run of the simulator: collections stop the world and sweep at once, as the oracle's do."""
    return run(
        workload(case),
        GOMAXPROCS=1,
        GOGC="off",
        seed=seed,
        record={"samples": 0},
        duration=f"{int(case.collect_every * (case.collections + 1) * 1.02)}ns",
        model={"concurrent": False, "lazy_sweep": False, "stop_the_world": False},
    )


def of_result(result: Result) -> dict[str, float]:
    """Means per collection."""
    cycles = result.cycles.iloc[WARM_UP:]
    spans = result.spans[result.spans["at_ns"].isin(cycles["end_ns"])]
    after = spans.groupby("cycle")[["spans", "free_slots", "span_bytes"]].sum()
    return _figures(
        cycles["heap_marked"].mean(),
        cycles["freed_bytes"].mean(),
        after["spans"].mean(),
        after["free_slots"].mean(),
        after["span_bytes"].mean(),
    )


def of_oracle(collections: list[Collection]) -> dict[str, float]:
    """Means per collection."""
    return _figures(*pd.DataFrame(collections[WARM_UP:]).mean().tolist())


def _figures(
    marked: float, freed: float, spans: float, free_slots: float, span_bytes: float
) -> dict[str, float]:
    return {
        "marked bytes": marked,
        "freed bytes": freed,
        "spans in use": spans,
        "free slots": free_slots,
        "fragmentation": 1 - marked / span_bytes,
    }


def as_fast(case: Case, runs: list[Result]) -> Case:
    """The case with the times of these runs: the oracle knows no costs.

    They are what a job takes besides its sleep, and the time from one collection to the next.
    """
    jobs = pd.concat([result.requests[result.requests["kind"] == "job"] for result in runs])
    busy = jobs["end_ns"] - jobs["arrival_ns"] - jobs["blocked"]
    distance = pd.concat([result.cycles["start_ns"].iloc[WARM_UP:].diff() for result in runs])
    return replace(case, busy=round(busy.mean()), collect_every=round(distance.mean()))


def compare(seeds: int, case: Case = Case()) -> pd.DataFrame:  # noqa: B008
    """Figures of both, a figure a row, with the interval of their difference over the seeds."""
    runs = [simulated(case, seed) for seed in range(seeds)]
    ours = pd.DataFrame([of_result(result) for result in runs])
    timed = as_fast(case, runs)
    theirs = pd.DataFrame([of_oracle(simulate(timed, seed)) for seed in range(seeds)])
    half = stats.t.ppf((1 + CONFIDENCE) / 2, 2 * (seeds - 1)) * (
        (ours.var() + theirs.var()) / seeds
    ).pow(0.5)
    table = pd.DataFrame({"simulator": ours.mean(), "oracle": theirs.mean()})
    table["difference"] = 100 * (table["simulator"] / table["oracle"] - 1)
    table["interval"] = 100 * half / table["oracle"]
    return table


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    sys.stdout.write(f"{number} seeds; difference and 95 % interval in percent of the oracle\n")
    sys.stdout.write(compare(number).to_string(float_format="%.4g") + "\n")
