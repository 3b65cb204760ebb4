"""Frames of a watched scenario as text, and the keys that step through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from sim.mechanisms.frame import Frame, MemoryCell, MemoryRow, Root

MARKS = {
    "white": "○",
    "grey": "◐",
    "black": "●",
    "used": "■",
    "free": "·",
    "released": " ",
    "dead": "x",
    "lost": "‼",
}
"""A sign for every state of a piece of memory; others are told in words."""
LEGEND = "○ white  ◐ grey  ● black  ■ in use  · free  x dead  ‼ lost"
FIGURES_A_LINE = 4
HELP = "n next  b back  p play  j jump to the next of a kind  f first  l last  q quit"


def text_of(frame: Frame, figures: Sequence[str]) -> str:
    """One frame: the event, roots, queues, memory, the figures named, and invariants."""
    event = frame.event
    rule = f"   [{event.rule}]" if event.rule else ""
    lines = [f"{event.actor}  {event.kind}: {event.text}{rule}"]
    lines += [f"  {line}" for line in _roots(frame.roots)]
    lines += [
        f"  {name}: {', '.join(waiting) or 'empty'}" for name, waiting in frame.queues.items()
    ]
    lines += [_row(row) for row in frame.rows]
    shown = {name: frame.figures[name] for name in figures if name in frame.figures}
    lines += [f"  {line}" for line in _figures(shown)]
    lines += [f"  {name}: {found}" for name, found in frame.checks.items()]
    return "\n".join(lines)


def _roots(roots: Sequence[Root]) -> Iterator[str]:
    owners = dict.fromkeys(root.owner for root in roots)
    for owner in owners:
        mine = [root for root in roots if root.owner == owner]
        shown = ", ".join(f"{root.name} -> {root.to or 'nil'}" for root in mine)
        yield f"{owner}: {shown}" + ("" if mine[0].scanned else "   (to be scanned)")


def _row(row: MemoryRow) -> str:
    return f"  {row.name} ({row.note}): " + "  ".join(_cell(cell) for cell in row.cells)


def _cell(cell: MemoryCell) -> str:
    mark = MARKS.get(cell.state, cell.state)
    if not cell.name:
        words = "returned" if cell.state == "released" else ""
        return f"{mark}{words} x{cell.times}".strip()
    pointers = ",".join(f"{field}->{to}" for field, to in cell.pointers)
    return f"{mark} {cell.name}" + (f" ({pointers})" if pointers else "")


def _figures(figures: dict[str, float]) -> Iterator[str]:
    shown = [f"{name.partition(',')[0]} {_number(name, value)}" for name, value in figures.items()]
    for start in range(0, len(shown), FIGURES_A_LINE):
        yield "   ".join(shown[start : start + FIGURES_A_LINE])


def _number(name: str, value: float) -> str:
    from sim.units import format_bytes, format_duration

    if name.endswith(", B"):
        return format_bytes(value)
    if name.endswith(", ns"):
        return format_duration(value)
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"


def compared(comparison: pd.DataFrame) -> str:
    """A table of the figures and events that all variants have, and that are not all the same."""
    table = comparison.T.dropna()
    differs = table[table.ne(table.iloc[:, 0], axis=0).any(axis=1)]
    shown = differs.astype(object)
    for name, row in differs.iterrows():
        shown.loc[name] = [_number(str(name), value) for value in row]
    return str(shown.rename(index=lambda name: str(name).partition(",")[0]).to_string())


@dataclass
class Stepper:
    """A place among frames, moved by keys."""

    frames: Sequence[Frame]
    at: int = 0
    kind: str = ""
    """The kind of event to which `j` jumps."""

    @property
    def text(self) -> str:
        """The frame here."""
        text = text_of(self.frames[self.at], self._figures)
        return f"{self.at + 1}/{len(self.frames)}  {text}"

    @cached_property
    def _figures(self) -> list[str]:
        from sim.mechanisms.frame import figures_in

        return figures_in(self.frames)

    @property
    def kinds(self) -> list[str]:
        """Kinds of events that there are."""
        return list(dict.fromkeys(frame.event.kind for frame in self.frames))

    def press(self, key: str) -> None:
        """Move as the key says; others than those of `HELP` do nothing."""
        last = len(self.frames) - 1
        moves = {
            "n": self.at + 1,
            "b": self.at - 1,
            "f": 0,
            "l": last,
            "j": self._next_of_kind(),
        }
        self.at = min(max(moves.get(key, self.at), 0), last)

    def _next_of_kind(self) -> int:
        later = range(self.at + 1, len(self.frames))
        return next((at for at in later if self.frames[at].event.kind == self.kind), self.at)
