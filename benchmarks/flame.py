"""Where the time of a simulation goes, as a flame graph and as a table of layers.

    python benchmarks/flame.py [--svg FILE] [CONFIG [KEY=VALUE ...]]

Without a config it is the service on 8 Ps. The stack is sampled every millisecond of CPU time; time
in compiled code (numpy, SimPy's heap) counts where Python called it.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections import Counter
from functools import cache
from html import escape
from pathlib import Path
from types import CodeType, FrameType

from services import service

from sim.config import load
from sim.config.run import RunConfig
from sim.simulation import simulate

SAMPLE_S = 0.001
WIDTH, ROW, SMALLEST = 1200, 17, 0.002

Stack = tuple[str, ...]


def sample(config: RunConfig) -> tuple[Counter[Stack], float]:
    """How often each stack was seen, from the outermost function to the innermost.

    And the CPU time per event in microseconds.
    """
    seen: Counter[Stack] = Counter()

    def note(_: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append(name_of(frame.f_code))
            frame = frame.f_back
        seen[tuple(reversed(stack))] += 1

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)
    begun = time.process_time()
    events = simulate(config).run["events"]
    spent = time.process_time() - begun
    signal.setitimer(signal.ITIMER_PROF, 0)
    inside = Counter({stack[depth_of(stack) :]: count for stack, count in seen.items()})
    return inside, spent / events * 1e6


def depth_of(stack: Stack) -> int:
    """Where the simulation begins; what started it is of no interest."""
    return next((i for i, name in enumerate(stack) if name == "sim/simulation.py:simulate"), 0)


@cache
def name_of(code: CodeType) -> str:
    """`sim/actors/malloc.py:flush_batch`: the file from its package on, and the function."""
    parts = Path(code.co_filename).parts
    for package in ("sim", "simpy", "numpy", "pyarrow"):
        if package in parts:
            file = "/".join(parts[len(parts) - parts[::-1].index(package) - 1 :])
            return f"{file}:{code.co_name}"
    return f"{parts[-1]}:{code.co_name}"


def layers(seen: Counter[Stack], parts: int) -> list[tuple[str, int]]:
    """Samples by who was on top: the room (two parts of the path) or the file (all of them).

    numpy counts for its caller.
    """
    own: Counter[str] = Counter()
    for stack, count in seen.items():
        files = [name.split(":")[0] for name in stack]
        file = next(file for file in reversed(files) if not file.startswith("numpy/"))
        own["/".join(file.split("/")[:parts])] += count
    return own.most_common()


def flame(seen: Counter[Stack]) -> str:
    """The stacks as an SVG: the width is the share of time, who calls stands below."""
    total, boxes, rows = sum(seen.values()), [], 0
    level = [(0, 0.0, list(seen.items()))]
    while level:
        depth, left, stacks = level.pop()
        groups: dict[str, list[tuple[Stack, int]]] = {}
        for stack, count in sorted(stacks):
            if len(stack) > depth:
                groups.setdefault(stack[depth], []).append((stack, count))
        for name, members in groups.items():
            share = sum(count for _, count in members) / total
            if share >= SMALLEST:
                boxes.append((depth, left, share, name))
                level.append((depth + 1, left, members))
                rows = max(rows, depth + 1)
            left += share
    return svg(boxes, rows)


def svg(boxes: list[tuple[int, float, float, str]], rows: int) -> str:
    """Draw boxes of (row from below, left edge, width, name), in shares of the whole."""
    height = rows * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}">',
        '<g font-family="sans-serif" font-size="11">',
    ]
    for depth, left, share, name in boxes:
        x, y, width = left * WIDTH, height - (depth + 1) * ROW, share * WIDTH
        label = name.rpartition(":")[2][: int(width / 6.5)]
        parts.append(
            f"<g><title>{escape(name)}: {share:.1%}</title>"
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" '
            f'fill="{colour(name)}" rx="2"/>'
            f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(label)}</text></g>'
        )
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def colour(name: str) -> str:
    """One colour a room."""
    rooms = {
        "sim/actors": "#f4a261",
        "sim/go": "#8ecae6",
        "sim/workload": "#95d5b2",
        "sim/record": "#cdb4db",
        "sim/engine": "#e9c46a",
        "simpy": "#e9c46a",
        "numpy": "#ced4da",
    }
    return next((shade for room, shade in rooms.items() if name.startswith(room)), "#e5e5e5")


def main() -> None:
    """Sample, print the table, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("config", nargs="*")
    asked = parser.parse_args()
    config = load(asked.config[0], asked.config[1:]) if asked.config else service(8, duration="5s")
    seen, per_event = sample(config)
    total = sum(seen.values())
    for title, parts in (("room", 2), ("file", 9)):
        print(f"| {title} | share of the CPU time | µs per event |\n|---|---|---|")
        for name, count in layers(seen, parts):
            if count >= total / 100:
                share = count / total
                print(f"| `{name}` | {share:.0%} | {share * per_event:.1f} |")
        print()
    if asked.svg is not None:
        asked.svg.write_text(flame(seen), encoding="utf-8")


if __name__ == "__main__":
    main()
