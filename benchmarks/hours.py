"""What ten hours of each shipped workload cost as rates, from ten minutes of them.

    python benchmarks/hours.py [WORKLOAD ...]

Prints Markdown: CPU seconds of ten minutes after the first, and what ten hours take at that rate;
a batch that ends before is over.
"""

from __future__ import annotations

import sys
import time
from typing import Final

from measure import in_process

from sim.config import load
from sim.errors import UserError
from sim.examples import examples
from sim.simulation import simulate

HOURS: Final = 10


def spent(workload: str, duration: str) -> tuple[float, int, float]:
    """CPU seconds of a run, its cycles, and how long it was, in simulated seconds."""
    config = load(workload, [f"duration={duration}", "model.detail=fluid"])
    begun = time.process_time()
    result = simulate(config)
    return time.process_time() - begun, len(result.cycles), result.end_ns / 1e9


def main(*names: str) -> None:
    """Measure and print."""
    print(f"| workload | cycles a minute | CPU s of a minute | of {HOURS} hours |")
    print("|---|--:|--:|--:|")
    for name in names or sorted(examples("workloads")):
        try:
            load(name, ["model.detail=fluid"])
        except UserError:
            print(f"| {name} | | | only event by event |")
            continue
        begin, fewer, first = in_process(spent, name, "1m")
        whole, cycles, end = in_process(spent, name, "11m")
        minutes = (end - first) / 60
        if not minutes:
            print(f"| {name} | | {begin:.2f} | it ends before |", flush=True)
            continue
        each = (whole - begin) / minutes
        told = f"{(cycles - fewer) / minutes:.0f} | {each:.3f} | {each * 60 * HOURS:.0f}"
        print(f"| {name} | {told} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
