"""How the cost of a simulation grows: with Ps, allocation rate, live heap, requests and time.

    python benchmarks/growth.py

Prints Markdown. CPU seconds of this process per simulated second, so that other programs on the
machine count little; beside them SimPy's own rate of empty events in the same run.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import simpy
from per_object import simulate as per_object
from services import service

from sim.config import load
from sim.simulation import simulate

QUICKSTART = "configs/quickstart.yaml"


def bare_events_per_second(events: int = 200_000) -> float:
    """What SimPy does with a process that only waits."""

    def ticker(env: simpy.Environment):
        while True:
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(ticker(env))
    begun = time.process_time()
    env.run(until=events)
    return events / (time.process_time() - begun)


def cost(config) -> tuple[float, float, int]:
    """CPU seconds per simulated second, events per CPU second, GC cycles."""
    begun = time.process_time()
    result = simulate(config)
    cpu = time.process_time() - begun
    return cpu / (result.end_ns / 1e9), result.run["events"] / cpu, len(result.cycles)


def curve(title: str, key: str, values: list, configs: list) -> None:
    """A table of a parameter against cost, and the exponent of its growth."""
    print(f"\n### {title}\n\n| {key} | CPU s per simulated s | events per CPU s | GC cycles |")
    print("|---|---|---|---|")
    costs = []
    for value, config in zip(values, configs, strict=True):
        seconds, events, cycles = cost(config)
        costs.append(seconds)
        print(f"| {value} | {seconds:.3f} | {events:,.0f} | {cycles} |")
    numbers = [float(str(value).rstrip("MiBGs")) for value in values]
    exponent = np.polyfit(np.log(numbers), np.log(costs), 1)[0]
    print(f"\nExponent: {exponent:.2f}")


def main() -> None:
    """Measure and print."""
    print(f"SimPy alone: {bare_events_per_second():,.0f} events per CPU s\n")
    print("| run | CPU s per simulated s | events per CPU s | GC cycles |\n|---|---|---|---|")
    runs = {
        "quickstart": load(QUICKSTART),
        "8 Ps, 1 GiB/s, 2,000 requests/s, 512 MiB live": service(8, duration="5s"),
    }
    for name, config in runs.items():
        seconds, events, cycles = cost(config)
        print(f"| {name} | {seconds:.3f} | {events:,.0f} | {cycles} |")
    begun = time.process_time()
    per_object(8, 2**30 / 16, 2**26 / 16, 0.25)
    slow = (time.process_time() - begun) / 0.25 * 16
    print(f"| the same object by object (a 16th of it, times 16) | {slow:.1f} | | |")

    ps = [1, 2, 4, 8, 16]
    curve("Ps, everything per P", "Ps", ps, [service(n) for n in ps])
    rates = ["32MiB", "64MiB", "128MiB", "256MiB"]
    curve("Allocation rate per P", "per P and s", rates, [service(4, rate) for rate in rates])
    heaps = ["16MiB", "64MiB", "256MiB"]
    curve("Live heap per P", "live per P", heaps, [service(4, live=live) for live in heaps])
    requests = [125, 250, 500, 1000]
    curve("Requests", "per P and s", requests, [service(4, requests=n) for n in requests])
    seconds = ["1s", "2s", "4s", "8s"]
    curve("Simulated time", "time", seconds, [service(4, duration=s) for s in seconds])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of this process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
