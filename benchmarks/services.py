"""The services that the benchmarks simulate, by size."""

from __future__ import annotations

from typing import Any

from sim.config import load
from sim.config.run import RunConfig


def service(
    gomaxprocs: int,
    allocation: str = "128MiB",
    live: str = "64MiB",
    requests: float = 250,
    duration: str = "2s",
) -> RunConfig:
    """The run that `service_file` describes."""
    return load(service_file(gomaxprocs, allocation, live, requests, duration))


def leak(duration: str) -> RunConfig:
    """The run that `leak_file` describes."""
    return load(leak_file(duration))


def service_file(
    gomaxprocs: int,
    allocation: str = "128MiB",
    live: str = "64MiB",
    requests: float = 250,
    duration: str = "2s",
) -> dict[str, Any]:
    """A service that allocates so much per second and P, with so many requests per second and P.

    A request computes for 0.4 ms, and a store of `live` per P turns over at random. The CPU is one
    of today's servers.
    """
    size = _bytes(allocation) / requests
    return {
        "workload": {
            "name": f"service on {gomaxprocs} Ps",
            "mixes": {
                "small": [
                    {"size": "24B", "share": 4, "pointers": 2},
                    {"size": {"lognormal": ["96B", "1KiB"]}, "share": 5, "pointers": "all"},
                    {"size": {"lognormal": ["256B", "8KiB"]}, "share": 2},
                ]
            },
            "stores": {"cache": {"size": f"{_bytes(live) * gomaxprocs}B", "of": "small"}},
            "goroutines": {
                "handler": {
                    "steps": [
                        {
                            "work": {
                                "cpu": "300us",
                                "allocate": f"{0.9 * size:.0f}B",
                                "of": "small",
                            }
                        },
                        {"wait": {"exponential": "1ms"}},
                        {
                            "work": {
                                "cpu": "100us",
                                "allocate": f"{0.1 * size:.0f}B",
                                "of": "small",
                                "into": "cache",
                            }
                        },
                    ]
                }
            },
            "load": {
                "api": {
                    "goroutine": "handler",
                    "arrivals": {"poisson": f"{requests * gomaxprocs}/s"},
                }
            },
        },
        "GOMAXPROCS": gomaxprocs,
        "machine": "avx512-x86-64",
        "duration": duration,
    }


def leak_file(duration: str) -> dict[str, Any]:
    """A service that keeps 1 MiB more every second, into a limit of 640 MiB."""
    return {
        "workload": {
            "name": "leak",
            "mixes": {"node": [{"size": "512B", "pointers": 2}, {"size": "2KiB"}]},
            "goroutines": {
                "handler": {
                    "steps": [
                        {"work": {"cpu": "1ms", "allocate": "256KiB", "of": "node"}},
                        {
                            "work": {
                                "cpu": "10us",
                                "allocate": "10486B",
                                "of": "node",
                                "lives": "forever",
                            }
                        },
                    ]
                }
            },
            "load": {"api": {"goroutine": "handler", "arrivals": {"poisson": "100/s"}}},
        },
        "GOMAXPROCS": 2,
        "GOMEMLIMIT": "640MiB",
        "duration": duration,
    }


def _bytes(text: str) -> float:
    number = float(text[:-3])
    return number * {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}[text[-3:]]
