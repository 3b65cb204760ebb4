"""What moves if a constant is wrong: every one that was judged or chosen, halved and doubled.

    python benchmarks/constants.py            # the table
    python benchmarks/constants.py --write    # the same into docs/constants.md

Constants are found by what their docstrings say: whoever writes that one is a judgement, or why it
was chosen so, has it measured here. Those of fits, replay and advice move predictions from recorded
logs; those of the fluid mode and of goroutines on Ps move runs of shipped workloads.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from sim.advice.prediction import predict
from sim.config import load
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.replay.setting import Setting
from sim.simulation import simulate

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "constants.md"
PART: Final = re.compile(r"(?<=<!-- constants -->\n).*(?=<!-- end -->)", re.DOTALL)
TUNED: Final = re.compile(r"judgement|\bChosen\b")
LOGS: Final = (
    "real/garbage64.p2.gogc100.limnone.r0",
    "real-more/cache.p2.gogc100.limnone.r0",
)
"""A busy program of many cycles, and one of few that waits for load."""
SETTINGS: Final = (50, 200)
"""GOGC that are predicted from a log at 100."""
RUNS: Final = {
    "sim.fluid": ("model.detail=fluid", "duration=10s"),
    "sim.actors": ("duration=300ms",),
}
PROCS: Final = "GOMAXPROCS=6"
"""Of which one and a half are for marking: fractional workers take part."""
WORKLOADS: Final = ("json-api", "garbage64")
SHOWN: Final = 0.005
"""Changes that are too small to be told apart from rounding are left out."""
FIGURES: Final = (
    "cycles",
    "peak heap",
    "GC CPU",
    "peak RSS",
    "interval of GC CPU",
    "interval of RSS",
)

Figures = tuple[float, ...]


class Constant(NamedTuple):
    """One that can be halved and doubled."""

    module: str
    name: str
    value: float


def constants() -> Iterator[Constant]:
    """All that were judged or chosen, and are numbers."""
    for room in ("fitting", "replay", "advice", "fluid", "actors"):
        for path in sorted((ROOT / "sim" / room).glob("*.py")):
            module = importlib.import_module(f"sim.{room}.{path.stem}")
            body = ast.parse(path.read_text(encoding="utf-8")).body
            for node, after in pairwise(body):
                told = ast.unparse(after) if isinstance(after, ast.Expr) else ""
                if isinstance(node, ast.AnnAssign) and TUNED.search(told):
                    name = ast.unparse(node.target)
                    value = getattr(module, name)
                    if isinstance(value, int | float):
                        yield Constant(module.__name__, name, value)


def scaled(value: float, factor: float) -> float:
    """So many times as much; of shares above a half the rest to 1, of factors what is above 1."""
    if isinstance(value, int):
        return max(round(value * factor), 1)
    if 0.5 < value < 1:
        return 1 - (1 - value) / factor
    return 1 + (value - 1) * factor if 1 < value < 2 else value * factor


@contextmanager
def changed(constant: Constant, factor: float) -> Iterator[None]:
    """Another value, wherever the constant has been imported."""
    other = scaled(constant.value, factor)
    home = importlib.import_module(constant.module)
    users = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("sim.") and vars(module).get(constant.name) is vars(home)[constant.name]
    ]
    try:
        for module in users:
            setattr(module, constant.name, other)
        yield
    finally:
        for module in users:
            setattr(module, constant.name, constant.value)


def predicted(log: str) -> Figures:
    """Middles of predictions from a log, and the widths of two intervals, as ratios."""
    fit = fit_log(ROOT / "tests" / "golden" / f"{log}.gctrace.gz", gogc=100)
    settings = [Setting(gogc, None, fit.program.procs) for gogc in SETTINGS]
    found: list[float] = []
    for one in predict(fit, settings, seeds=3, draws=9):
        middle = one.middle
        found += (middle.gc_cycles, middle.peak_heap_bytes, middle.gc_cpu_seconds)
        found += (middle.peak_rss_bytes, one.high.gc_cpu_seconds / one.low.gc_cpu_seconds)
        found.append(one.high.peak_rss_bytes / one.low.peak_rss_bytes)
    return tuple(found)


def simulated(workload: str, sets: tuple[str, ...]) -> Figures:
    """Of a run of a shipped workload on four Ps."""
    config = load({"workload": str(ROOT / "workloads" / f"{workload}.yaml")}, (*sets, PROCS))
    run = simulate(config)
    gc_cpu = run.cycles.filter(regex="^(assist|dedicated|fractional|idle)_ns$")
    return (
        float(len(run.cycles)),
        float(run.cycles["heap_end"].max()),
        float(gc_cpu.to_numpy().sum()),
        float(run.samples["sim:rss:bytes"].max()),
        1.0,
        1.0,
    )


def cases(room: str) -> list[Callable[[], Figures]]:
    """What the constants of a room are measured by."""
    if room in RUNS:
        return [lambda w=w: simulated(w, RUNS[room]) for w in WORKLOADS]  # type: ignore[misc]
    return [lambda log=log: predicted(log) for log in LOGS]  # type: ignore[misc]


def moved(before: Figures, after: Figures) -> list[float]:
    """The largest relative change by figure."""
    n = len(FIGURES)
    change = [abs(b / a - 1) if a else float(b != a) for a, b in zip(before, after, strict=True)]
    return [max(change[i::n]) for i in range(n)]


def rows() -> Iterator[str]:
    """Of the table: a constant, its value, and what moves by how much."""
    reference: dict[str, list[Figures]] = {}
    for constant in constants():
        room = ".".join(constant.module.split(".")[:2])
        if room not in reference:
            reference[room] = [case() for case in cases(room)]
        cells = [measured(constant, factor, reference[room], cases(room)) for factor in (0.5, 2.0)]
        name = f"{constant.module}.{constant.name}".removeprefix("sim.")
        yield f"| `{name}` | {constant.value:.6g} | {' | '.join(cells)} |\n"


def measured(
    constant: Constant, factor: float, before: list[Figures], now: list[Callable[[], Figures]]
) -> str:
    """In words: which figure moves by how much, in the case in which it moves most."""
    with changed(constant, factor):
        try:
            each = [moved(was, case()) for was, case in zip(before, now, strict=True)]
        except UserError as error:
            return f"refused: {error}"
    most = [max(moves) for moves in zip(*each, strict=True)]
    words = [f"{figure} {by:.1%}" for figure, by in zip(FIGURES, most, strict=True) if by >= SHOWN]
    return ", ".join(words) or "nothing"


def main() -> None:
    """Measure, and print or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="into docs/constants.md")
    write = parser.parse_args().write
    lines = ["| constant | value | half of it | twice as much |\n|---|--:|---|---|\n"]
    for row in rows():
        lines.append(row)
        print(row, end="", flush=True)
    if write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(PART.sub(lambda _: "".join(lines), text), encoding="utf-8")


if __name__ == "__main__":
    main()
