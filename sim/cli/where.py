"""`gomemsim where`: the path of an allocation, and what rounding wastes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Json
from sim.quantities import OBJECT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sim.mechanisms.where import Path, Rounding

SHOWN = 0.001
"""Size classes with less of the objects and of the waste have no line."""
POINTS = 4096
"""Quantiles that stand for a distribution."""


def where(
    sizes: Annotated[
        list[str],
        typer.Argument(
            metavar="SIZE...",
            help="Sizes such as 1000B, or a distribution such as 'lognormal: [200B, 4KiB]'.",
        ),
    ],
    pointers: Annotated[
        bool, typer.Option("--pointers", help="The objects hold pointers.")
    ] = False,
    go: Annotated[str, typer.Option(metavar="VERSION", help="Version of Go.")] = "1.27",
    machine: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Machine profile with the costs.")
    ] = "default-x86-64",
    json: Json = None,
) -> None:
    """Say where an object of a size goes: slot, span, steps, locks, costs, waste."""
    import numpy as np

    from sim.config.machine import load_profile
    from sim.go.sizeclass import size_classes
    from sim.mechanisms.where import path_of, rounding

    table, profile = size_classes(go), load_profile(machine)
    given = [_sizes(text) for text in sizes]
    paths = [path_of(int(some[0]), pointers, table, profile) for some in given if len(some) == 1]
    every = np.concatenate(given)
    every = every[every > 0]
    rounded = rounding(every, pointers, table, profile) if len(every) > 1 else None
    if json is not None:
        from sim.report.documents import of_paths

        if write_json(json, lambda: of_paths(paths, rounded, go)):
            return
    texts = [_path(path, go) for path in paths]
    if rounded is not None:
        texts.append(_rounding(rounded))
    print("\n\n".join(texts))


def _sizes(text: str) -> NDArray[np.float64]:
    """One size, or equally likely sizes that stand for a distribution."""
    import numpy as np

    if ":" not in text:
        return np.array([OBJECT.read(text)], dtype=np.float64)
    from sim.config.at import At
    from sim.config.convert import convert
    from sim.config.tree import parse_yaml
    from sim.units import Unit
    from sim.workload.distributions import Distribution

    place = At(parse_yaml(text, "SIZE"))
    drawn: NDArray[np.float64] = convert(place, Annotated[Distribution, Unit("bytes")]).quantile(
        (np.arange(POINTS) + 0.5) / POINTS
    )
    return drawn


def _path(path: Path, go: str) -> str:
    from sim.units import format_bytes

    kind = "with pointers" if path.pointers else "without pointers"
    lines = [f"{path.size} B {kind} in Go {go}: {path.path}"]
    if path.path == "nothing":
        return "\n".join(
            [*lines, "  all objects of 0 bytes share one address; nothing is allocated"]
        )
    if path.header:
        lines.append(f"  header      {path.header} B in front of the object: its type")
    if path.path == "large":
        lines.append(f"  span        its own: {path.span_pages} pages, {format_bytes(path.slot)}")
    else:
        shared = ", a block that tiny objects share" if path.path == "tiny" else ""
        lines += [
            f"  slot        {path.slot} B{shared}",
            (
                f"  size class  {path.sizeclass}, span class {path.span_class}"
                f" ({'scan' if path.pointers else 'noscan'})"
            ),
            (
                f"  span        {format_bytes(path.span_pages * 8192)}: {path.slots} slots,"
                f" {path.reserve} B for mark and pointer bits, {path.tail} B behind the last slot"
            ),
        ]
    shared = f", filled by {path.objects_a_slot}" if path.objects_a_slot > 1 else ""
    lines.append(
        f"  waste       {path.slot_waste} B of the slot{shared}; {path.waste:.1%} of a full span"
    )
    return "\n".join([*lines, "", *_steps(path)])


def _steps(path: Path) -> list[str]:
    from sim.units import format_duration

    rows = [
        (f"{number}.", step.when, step.lock, format_duration(step.cost_ns), step.function)
        for number, step in enumerate(path.steps, start=1)
    ]
    heads = ("", "the first of these that serves", "lock", "CPU", "Go (src/runtime)")
    wide = [max(len(row[at]) for row in [heads, *rows]) for at in range(4)]
    return [
        "  " + "  ".join([*(c.ljust(w) for c, w in zip(row, wide, strict=False)), row[-1]])
        for row in [heads, *rows]
    ]


def _rounding(found: Rounding) -> str:
    from sim.units import format_bytes

    lines = [
        (
            f"on average {found.requested:.1f} B asked for, {found.slot:.1f} B of slots"
            f" ({1 - found.requested / found.slot:.1%} wasted), {found.span:.1f} B of spans"
            f" ({1 - found.requested / found.span:.1%} wasted)"
        ),
        "  slot       share of the objects  share of the waste",
    ]
    wasted = (found.slot - found.requested) or 1.0
    lines += [
        f"  {format_bytes(slot):9s}  {some.share:20.1%}  {some.wasted / wasted:18.1%}"
        for slot, some in found.classes.items()
        if max(some.share, some.wasted / wasted) >= SHOWN
    ]
    return "\n".join(lines)
