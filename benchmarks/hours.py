"""What ten hours of each shipped workload cost as rates.

    python benchmarks/hours.py [WORKLOAD ...]

Prints Markdown: CPU seconds of the run, without writing tables; a batch ends when it is done.
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
from sim.units import MINUTE

HOURS: Final = 10


def spent(workload: str) -> tuple[float, int, float, bool]:
    """CPU seconds of a run, its cycles, the hours that it lasts, and whether it repeats cycles."""
    config = load(workload, [f"duration={HOURS}h", "model.detail=fluid"])
    begun = time.process_time()
    result = simulate(config)
    seconds, repeats = time.process_time() - begun, "times again" in result.run["reason"]
    return seconds, len(result.cycles), result.end_ns / (60 * MINUTE), repeats


def main(*names: str) -> None:
    """Measure and print."""
    print("| workload | hours | cycles | most of them repeated | CPU s |")
    print("|---|--:|--:|---|--:|")
    for name in names or sorted(examples("workloads")):
        try:
            load(name, ["model.detail=fluid"])
        except UserError:
            print(f"| {name} | | | | only event by event |")
            continue
        seconds, cycles, hours, repeats = in_process(spent, name)
        told = f"{hours:.2g} | {cycles:,} | {'yes' if repeats else 'no'}"
        print(f"| {name} | {told} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
