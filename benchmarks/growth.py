"""What simulations cost, and how that grows: with Ps, allocation, live heap, requests and time.

    python benchmarks/growth.py [--quick]

Prints Markdown: the sizes that this project promises to be fast at, then a curve for every
parameter with the exponent of its growth. `--quick` leaves out what takes minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from measure import Cost, bare_events_per_second, cost, in_process, objects_per_second
from services import leak, service

from sim.config import load
from sim.config.run import RunConfig

SWEEP = [
    {"GOGC": gogc, "GOMEMLIMIT": limit}
    for gogc, limit in product(
        (25, 50, 75, 100, 150, 200, 300, 400, 600, 800),
        ("off", "512MiB", "384MiB", "256MiB", "192MiB", "128MiB"),
    )
]
GIB = 2.0**30

Row = tuple[str, Callable[[], RunConfig], str]


def targets(quick: bool) -> None:
    """The sizes with a promise; times are CPU times of one core."""
    print("| run | simulated s per CPU s | CPU s | events per CPU s | GC cycles | peak MiB |")
    print("|---|---|---|---|---|---|")
    rows: list[tuple[str, RunConfig]] = [
        ("quickstart, 10 s", load("configs/quickstart.yaml")),
        ("(a) 8 Ps, 1 GiB/s, 512 MiB live, 2,000 requests/s, 5 s", service(8, duration="5s")),
        (
            "(a) with next to nothing allocated, 5 s",
            service(8, "10.24KiB", "102.4KiB", duration="5s"),
        ),
        ("(d) a leak of 10 min into a limit", leak("60s" if quick else "10m")),
    ]
    if not quick:
        rows += [
            (
                "(b) 64 Ps, 16 GiB/s, 16 GiB live, 16,000 requests/s, 14 s",
                service(64, "256MiB", "256MiB", duration="14s"),
            ),
            (
                "(c) 128 Ps, 32 GiB/s, 64 GiB live, 32,000 requests/s, 46 s",
                service(128, "256MiB", "512MiB", duration="46s"),
            ),
        ]
    for name, config in rows:
        print(row(name, cost(config)), flush=True)
    settings = SWEEP[:: 10 if quick else 1]
    print(row(f"(e) quickstart, 2 s, with each of {len(settings)} settings", tried(settings)))
    loop = in_process(objects_per_second, 8, GIB)
    print(f"| (a) object by object, 128 bytes each | {1 / loop:.4f} | | | | |")
    print(f"\nSimPy alone: {bare_events_per_second():,.0f} events per CPU s")


def tried(settings: list[dict[str, Any]]) -> Cost:
    """All runs of a sweep together."""
    costs = []
    for setting in settings:
        given = [f"{key}={value}" for key, value in setting.items()]
        costs.append(cost(load("configs/quickstart.yaml", ["duration=2s", *given])))
    sums = np.sum(costs, axis=0)
    return Cost(
        per_second=sums[0] / len(costs),
        whole=sums[1],
        events=int(sums[2]),
        requests=int(sums[3]),
        cycles=int(sums[4]),
        peak_mib=max(one.peak_mib for one in costs),
    )


def row(name: str, found: Cost) -> str:
    """One line of the table."""
    return (
        f"| {name} | {1 / found.per_second:.2f} | {found.whole:.1f} "
        f"| {found.events / found.whole:,.0f} | {found.cycles:,} | {found.peak_mib:,.0f} |"
    )


def curve(title: str, key: str, values: list[Any], make: Callable[[Any], RunConfig]) -> None:
    """A table of a parameter against cost, and the exponents of its growth."""
    print(f"\n### {title}\n\n| {key} | CPU s per simulated s | events | GC cycles | peak MiB |")
    print("|---|---|---|---|---|")
    found = []
    for value in values:
        found.append(cost(make(value)))
        print(
            f"| {value} | {found[-1].per_second:.3f} | {found[-1].events:,} "
            f"| {found[-1].cycles:,} | {found[-1].peak_mib:,.0f} |",
            flush=True,
        )
    numbers = [float(str(value).rstrip("MiBGs")) for value in values]
    time, memory = (
        np.polyfit(np.log(numbers), np.log(column), 1)[0]
        for column in ([c.per_second for c in found], [c.peak_mib for c in found])
    )
    print(f"\nExponents: time {time:.2f}, memory {memory:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    targets(quick)
    curve(
        "Ps, everything per P",
        "Ps",
        [1, 2, 4, 8] if quick else [1, 2, 4, 8, 16, 32, 64],
        lambda n: service(n, duration=f"{1.5 + 0.07 * n}s"),
    )
    rates = ["32MiB", "64MiB", "128MiB", "256MiB", "512MiB"]
    curve("Allocation per P and second", "rate", rates, lambda rate: service(4, rate))
    heaps = ["16MiB", "64MiB", "256MiB"] if quick else ["16MiB", "64MiB", "256MiB", "1024MiB"]
    curve("Live heap per P", "live", heaps, lambda live: service(4, live=live, duration="8s"))
    requests = [125, 250, 500, 1000, 2000]
    curve("Requests per P and second", "rate", requests, lambda n: service(4, requests=n))
    seconds = ["2s", "4s", "8s"] if quick else ["2s", "4s", "8s", "16s", "32s"]
    curve("Simulated time", "time", seconds, lambda s: service(4, duration=s))


if __name__ == "__main__":
    main()
