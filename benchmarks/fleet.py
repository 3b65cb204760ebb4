"""What simulating a fleet costs: 1,000 services under 20 settings each, from a few of these runs.

    python benchmarks/fleet.py [--sample N] [--check N]

Services differ in Ps, allocation, live heap and requests, drawn once. Of all pairs of a service and
a setting, some are simulated in each mode, and their mean CPU time times all pairs is what a fleet
costs; more of them check it. Prints Markdown, with core hours and 95 % intervals.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace
from typing import Final

import numpy as np
from measure import in_process
from services import service

from sim.config.run import RunConfig
from sim.simulation import simulate
from sim.streams import Streams

SERVICES: Final = 1000
SETTINGS: Final = [(gogc, limit) for gogc in (50, 100, 200, 400, 800) for limit in (2, 4, 8, None)]
"""GOGC, and GOMEMLIMIT as a multiple of the live heap."""
DURATIONS: Final = {"events": "5s", "fluid": "1m"}
CONFIDENT: Final = 1.96


def run_of(number: int, which: int, detail: str) -> RunConfig:
    """A service of the fleet under one of the settings."""
    rng = Streams(number)["fleet"]
    ps = int(rng.choice([1, 2, 4, 8], p=[0.3, 0.4, 0.2, 0.1]))
    allocation, live = (round(2**x) for x in (rng.uniform(3, 7), rng.uniform(3, 7)))
    requests = float(2 ** rng.uniform(4, 8))
    config = service(ps, f"{allocation}MiB", f"{live}MiB", requests, DURATIONS[detail])
    gogc, limit = SETTINGS[which]
    most = None if limit is None else (limit * live * ps + 32) << 20
    model = replace(config.model, detail=detail)
    return replace(config, model=model, gc_percent=gogc, memory_limit=most or config.memory_limit)


def seconds(pairs: list[tuple[int, int]], detail: str) -> list[float]:
    """CPU time of each run."""
    found = []
    for number, which in pairs:
        config, begun = run_of(number, which, detail), time.process_time()
        simulate(config)
        found.append(time.process_time() - begun)
    return found


def core_hours(found: list[float]) -> tuple[float, float]:
    """Of the whole fleet, and half the width of the interval."""
    each = SERVICES * len(SETTINGS) / 3600
    return each * float(np.mean(found)), (
        each * CONFIDENT * float(np.std(found, ddof=1)) / math.sqrt(len(found))
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--check", type=int, default=100)
    given = parser.parse_args()
    drawn = Streams(1)["sample"].permutation(SERVICES * len(SETTINGS))
    pairs = [(int(n) // len(SETTINGS), int(n) % len(SETTINGS)) for n in drawn]
    print(f"| mode | a run | core hours, from {given.sample} | from {given.check} others |")
    print("|---|---|--:|--:|")
    for detail, duration in DURATIONS.items():
        parts = pairs[: given.sample], pairs[given.sample : given.sample + given.check]
        told = [core_hours(in_process(seconds, part, detail)) for part in parts]
        cells = " | ".join(f"{hours:.2f} ± {half:.2f}" for hours, half in told)
        print(f"| {detail} | {duration} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
