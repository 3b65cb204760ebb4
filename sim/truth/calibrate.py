"""Measure what the steps of the Go runtime cost on this machine, and write it as a profile."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from sim.errors import UserError
from sim.files import write
from sim.machine.profile import CLASSIC as CLASSIC_COSTS
from sim.machine.profile import SECTIONS, ClassicMarkCosts
from sim.truth.costs import SOURCES, CostRule, all_costs
from sim.truth.host import host, realtime, undisturbed
from sim.truth.mark_costs import mark_errors
from sim.truth.rows import Costs, Rows, merged
from sim.truth.toolchain import build, find_go, go_env

NEEDS: Final = "go1.27"
"""The probes are part of this version's runtime."""
CLASSIC: Final = "_classic"
"""Suffix of benchmarks that run with the classic marker."""
DIGITS: Final = 4
"""Significant digits of a cost."""
Report = Callable[[float], None]


OTHERS: Final = "others_cpu"
"""Key of a round's rows: what other programs used during each benchmark, in CPUs."""


def calibrate(*, out: Path, repetitions: int = 5, progress: Report | None = None) -> str:
    """Run all benchmarks so many times, write a profile of their means, say how steady it was.

    UserError where there is no Go 1.27 or a benchmark fails.
    """
    return write_profile(list(run_rounds(build_benchmarks(), repetitions, progress)), out)


def write_profile(rounds: Sequence[Mapping[str, Rows]], out: Path) -> str:
    """Write the profile that rounds of all benchmarks give; returns how steady the machine was."""
    each, rows = [all_costs(rows) for rows in rounds], merged(rounds)
    mean = all_costs(rows)
    steady = steadiness(mean, each, [row["used"] for one in rounds for row in one.get(OTHERS, ())])
    told = {"machine": steady, "marking": explained(rows)}
    write(out, profile_text(mean, each, {**provenance(len(rounds)), **told}))
    return steady


def explained(rows: Mapping[str, Rows]) -> str:
    """One sentence: how far the costs of its steps are from what marking a heap took.

    Marking the heap of a program is off by as much as that of a benchmark, or more.
    """
    errors = mark_errors(rows["latency"], rows["mark"])
    return (
        f"{len(errors)} heaps cost what their steps do, off by {np.median(errors):.0%} in the"
        f" median, {np.quantile(errors, 0.9):.0%} for one in ten"
    )


def steadiness(
    mean: Mapping[CostRule, Costs], each: Sequence[Mapping[CostRule, Costs]], used: Sequence[float]
) -> str:
    """One sentence: who else used the machine, and by how much the rounds differ.

    `used` has the CPUs of other programs during each benchmark.
    """
    apart = [
        _spread([found[rule][name] for found in each]) / cost
        for rule, costs in mean.items()
        for name, cost in costs.items()
        if cost > 0
    ]
    first = "real-time priority, stolen by other machines" if realtime() else "used by others"
    taken = f"{max(used):.1%} of a CPU at most" if used else "unknown"
    differ = f"{np.median(apart):.1%} in the median, {np.quantile(apart, 0.9):.1%} for one in ten"
    return f"{first}: {taken}; rounds differ by {differ} (half the interquartile range)"


def build_benchmarks() -> dict[str, Path]:
    """The benchmark program with the default marker ("") and with the classic one."""
    go = find_go()
    (version,) = go_env(go, "GOVERSION")
    if version != NEEDS and not version.startswith(f"{NEEDS}."):
        raise UserError(f"calibrate needs {NEEDS}, {go} is {version}")
    return {
        "": build("bench", go, overlay="probe"),
        CLASSIC: build("bench", go, experiment="nogreenteagc", overlay="probe"),
    }


def benchmarks() -> list[str]:
    """All benchmarks that the costs need, in the order in which they run."""
    return list(dict.fromkeys(name for source in SOURCES for name in source.benchmarks))


def run_rounds(
    programs: Mapping[str, Path], repetitions: int, progress: Report | None = None
) -> Iterator[dict[str, Rows]]:
    """Every round runs all benchmarks once, so that a slow minute does not hit one cost alone."""
    names = benchmarks()
    for turn in range(repetitions):
        rows: dict[str, Rows] = {}
        others = []
        for i, name in enumerate(names):
            program = programs[CLASSIC if name.endswith(CLASSIC) else ""]
            rows[name], used = run(program, name)
            others.append({"benchmark": name, "used": used})
            if progress:
                progress((turn + (i + 1) / len(names)) / repetitions)
        yield rows | {OTHERS: others}


def run(program: Path, benchmark: str) -> tuple[Rows, float]:
    """The rows of one benchmark, in a run that nobody disturbed if there is one in a few.

    With them comes what others used meanwhile, in CPUs.
    """
    command = [str(program), benchmark.removesuffix(CLASSIC)]
    env = {name: text for name, text in os.environ.items() if name not in _GO_SETTINGS}

    def measure() -> Rows:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines() or ["no reason given"]
            raise UserError(f"the benchmark {benchmark} failed: {reason[0]}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return undisturbed(measure)


_GO_SETTINGS: Final = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG")


def profile_text(
    values: Mapping[CostRule, Costs],
    rounds: Sequence[Mapping[CostRule, Costs]],
    source: Mapping[str, Any],
) -> str:
    """The YAML of a profile; the rounds by themselves tell the spread."""
    head = "# Costs of the steps of the Go runtime, measured by `gomemsim calibrate`.\n"
    text = yaml.safe_dump({"provenance": dict(source)}, sort_keys=False, allow_unicode=True)
    lines = ["costs:"]
    for section, cls in (*SECTIONS.items(), (CLASSIC_COSTS, ClassicMarkCosts)):
        lines.append(f"  {section}:")
        costs = {
            name: {
                "value": _rounded(value),
                "spread": _rounded(_spread([found[origin][name] for found in rounds])),
                "unit": unit_of(name),
                "benchmark": " + ".join(origin.benchmarks),
            }
            for origin in SOURCES
            if origin.section == section
            for name, value in values[origin].items()
        }
        lines += [f"    {field.name}: {_inline(costs[field.name])}" for field in fields(cls)]
    return head + text + "\n".join(lines) + "\n"


def _inline(cost: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in cost.items()) + "}"


def _spread(values: Sequence[float]) -> float:
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high - low) / 2


def unit_of(name: str) -> str:
    """The unit that a cost's name tells."""
    suffix = name.rsplit("_", 1)[-1]
    return {"ns": "ns", "bytes": "B"}.get(suffix, "1")


def _rounded(value: float) -> float:
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def provenance(repetitions: int) -> dict[str, Any]:
    """What the costs were measured on, with and when."""
    return {
        "status": "measured",
        **host(find_go()),
        "command": f"gomemsim calibrate --repetitions {repetitions}",
        "spread": "half the interquartile range of the repetitions",
    }
