"""Long lists beside real Go: marking takes as long on two Ps as on one."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.config.run import RunConfig
from sim.formats.gctrace import parse
from sim.simulation import simulate
from sim.truth import twin
from sim.truth.toolchain import find_go

COLLECTIONS = 12


def config(structure: str, procs: int) -> RunConfig:
    """A program that does nothing but collect, with 24 MiB of objects of 64 bytes."""
    workload: dict[str, Any] = {
        "name": f"{structure}-{procs}",
        "mixes": {"entry": [{"size": "64B"}]},
        "stores": {
            "queue": {
                "size": "24MiB",
                "of": "entry",
                "replacement": "oldest",
                "structure": structure,
            }
        },
        "goroutines": {"job": {"steps": [{"collect": {}}]}},
        "load": {"jobs": {"goroutine": "job", "count": COLLECTIONS}},
    }
    return load({"workload": workload, "duration": "1min", "GOMAXPROCS": procs})


def simulated_ns(structure: str, procs: int) -> float:
    cycles = simulate(config(structure, procs)).cycles
    forced = cycles[cycles["reason"] == "forced"]
    return float((forced["mark_term_ns"] - forced["mark_ns"]).median())


@pytest.mark.realgo
def test_a_list_is_marked_as_slowly_as_by_a_real_program(tmp_path: Path) -> None:
    """What another entry costs is a matter of the machine; that another P is of no use is not."""
    executable = twin.build_twin(find_go())

    def real_ns(structure: str, procs: int) -> float:
        log = tmp_path / f"{structure}{procs}.gctrace"
        twin.run_twin(executable, config(structure, procs), log)
        lines = [found.line for found in parse(log.read_text().splitlines())]
        return statistics.median(line.concurrent_mark for line in lines if line.forced)

    for ns in (real_ns, simulated_ns):
        table, one, two = ns("table", 1), ns("list", 1), ns("list", 2)
        assert two > 0.8 * one, ns.__name__
        assert one > 2 * table, ns.__name__
