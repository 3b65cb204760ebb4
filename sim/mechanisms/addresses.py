"""The address space of a Go process: one linear arena up to Go 1.10, sparse ones since.

States as in runtime/mem.go: None, Reserved (addresses taken, no memory), Prepared (memory may be
had), Ready (may be used). Only pages that were touched are resident.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sim.errors import UserError
from sim.mechanisms.frame import Event, Frame, MemoryCell, MemoryRow
from sim.mechanisms.script import Model, Size, Story
from sim.runtime.memory import ARENA
from sim.units import Bytes, GiB, MiB, format_bytes

HINT: Final = 0xC0 << 32
"""Where the first arena goes (runtime/malloc.go: mallocinit)."""
NEXT_HINT: Final = 1 << 40
LINEAR: Final = 512 * GiB
"""The arena of Go 1.10 on linux/amd64 (runtime/malloc.go: _MaxMem)."""
BITMAP: Final = LINEAR // 32
"""Two bits of heap bitmap a word."""
SPANS: Final = LINEAR // 8192 * 8
"""A pointer to its span for every page."""
GROW: Final = 4 * MiB


Amount: TypeAlias = Annotated[Size, Field(gt=0, le=GiB)]
"""More would be hundreds of pieces to draw."""


class Action(Model):
    """What happens to memory: one of these keys."""

    grow: Amount | None = None
    """The heap needs so much more."""
    touch: Amount | None = None
    """The program writes to so much memory for the first time, from the lowest address up."""
    scavenge: Amount | None = None
    """The runtime returns so much free memory, from the highest address down."""
    occupy: Amount | None = None
    """Another library maps so much memory at the next address that the heap wants."""

    @model_validator(mode="after")
    def _one(self) -> Action:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            names = ", ".join(type(self).model_fields)
            raise PydanticCustomError(
                "own_words", "expected one of the keys {names}", {"names": names}
            )
        return self


class AddressSettings(Model):
    """How the heap's addresses are laid out."""

    arenas: Literal["linear", "sparse"] = "sparse"


class AddressSpace(Story):
    """A scenario of memory and addresses."""

    memory: Annotated[list[Action], Field(min_length=1, max_length=200)]
    settings: AddressSettings = AddressSettings()


@dataclass
class Piece:
    """4 MiB of addresses: the state of all of it, and how much of it is resident."""

    address: int
    state: str
    resident: Bytes = 0


class Arenas:
    """The arenas of a process, and what the calls of the runtime do to them."""

    def __init__(self, *, linear: bool) -> None:
        self.linear = linear
        self.next = HINT
        """Where the next arena is wanted."""
        self.pieces: list[Piece] = []
        """What was prepared, in the order of growth."""
        self.reserved: Bytes = 0
        """Addresses that are reserved and not prepared."""
        self.others: list[tuple[int, Bytes]] = []
        self.frames: list[Frame] = []

    def begin(self) -> None:
        """What the runtime does at its start (mallocinit)."""
        if not self.linear:
            self.tell(
                "program", "the process starts: no addresses are reserved", "malloc.go: mallocinit"
            )
            return
        self.reserved = LINEAR
        text = (
            f"the process starts: {format_bytes(LINEAR)} of addresses are reserved for the arena,"
            f" {format_bytes(BITMAP)} for its bitmap, {format_bytes(SPANS)} for its spans: all"
            " Reserved, none of it memory"
        )
        self.tell("grow", text, "Go 1.10 malloc.go: mallocinit; sysReserve")

    def occupy(self, size: Bytes) -> None:
        """Somebody else's memory."""
        if self.linear:
            text = f"another library maps {format_bytes(size)}: elsewhere, the arena is reserved"
        else:
            at = self.next + self.reserved
            self.others.append((at, size))
            text = f"another library maps {format_bytes(size)} at {at:#x}, the next arena's place"
        self.tell("program", text)

    def grow(self, size: Bytes) -> None:
        """More heap, in pieces of 4 MiB (mheap.go: grow)."""
        for _ in range(-(-size // GROW)):
            if self.reserved == 0:
                self._reserve_arena()
            if self.linear and len(self.pieces) * GROW >= LINEAR:
                raise UserError(f"a linear arena ends after {format_bytes(LINEAR)}")
            self.pieces.append(Piece(self.next, "prepared"))
            self.next += GROW
            self.reserved -= GROW
        text = f"{format_bytes(size)}: Reserved to Prepared; no page is resident yet"
        self.tell("grow", f"the heap grows by {text}", "mheap.go: grow; mem.go: sysMap")

    def _reserve_arena(self) -> None:
        """The next 64 MiB of addresses; elsewhere if they are taken (malloc.go: sysAlloc)."""
        for at, _ in self.others:
            if self.next <= at < self.next + ARENA:
                self.next = (self.next // NEXT_HINT + 1) * NEXT_HINT + HINT % NEXT_HINT
                text = f"the next 64 MiB are taken, so the arena goes to {self.next:#x}"
                self.tell("grow", text, "malloc.go: sysAlloc, arenaHints")
        self.reserved = ARENA
        text = f"64 MiB of addresses at {self.next:#x}: None to Reserved"
        self.tell("grow", text, "malloc.go: sysAlloc; mem.go: sysReserve")

    def touch(self, size: Bytes) -> None:
        """Spans are allocated: Prepared to Ready; the first write makes a page resident."""
        left = size
        for piece in self.pieces:
            more = min(left, GROW - piece.resident)
            if more > 0:
                piece.state, piece.resident = "ready", piece.resident + more
                left -= more
        text = f"{format_bytes(size - left)}: Prepared to Ready, and resident page by page"
        self.tell(
            "allocate", f"the program writes to {text}", "mheap.go: allocSpan; mem.go: sysUsed"
        )

    def scavenge(self, size: Bytes) -> None:
        """Free memory goes back: Ready to Prepared; the addresses stay."""
        left = size
        for piece in reversed(self.pieces):
            less = min(left, piece.resident)
            piece.resident -= less
            left -= less
            if less and not piece.resident:
                piece.state = "prepared"
        text = f"{format_bytes(size - left)} go back to the OS (MADV_DONTNEED): Ready to Prepared"
        self.tell("release", f"{text}; addresses stay mapped", "mgcscavenge.go; mem.go: sysUnused")

    # -- telling ---------------------------------------------------------------------------------

    def tell(self, kind: str, text: str, rule: str = "") -> None:
        """An event, and the picture after it."""
        actor = "program" if kind == "allocate" else "runtime"
        self.frames.append(
            Frame(Event(actor, kind, text, rule), self._rows(), (), {}, self._figures(), {})
        )

    def _rows(self) -> tuple[MemoryRow, ...]:
        rows = []
        arenas = sorted({piece.address // ARENA for piece in self.pieces})
        for arena in arenas:
            mine = [piece for piece in self.pieces if piece.address // ARENA == arena]
            cells = [
                MemoryCell(
                    format_bytes(piece.resident) if piece.resident else "", piece.state, GROW
                )
                for piece in mine
            ]
            if not self.linear and len(mine) * GROW < ARENA:
                cells.append(MemoryCell("", "reserved", GROW, ARENA // GROW - len(mine)))
            rows.append(MemoryRow(f"{arena * ARENA:#x}", "64 MiB in pieces of 4 MiB", tuple(cells)))
        if self.linear:
            rest = (MemoryCell("", "reserved", GROW, self.reserved // GROW),)
            rows.append(MemoryRow("the rest of the arena", "pieces of 4 MiB", rest))
        rows += [
            MemoryRow(f"{at:#x}", "somebody else's", (MemoryCell("other library", "other", size),))
            for at, size in self.others
        ]
        return tuple(rows)

    def _figures(self) -> dict[str, float]:
        ready = sum(GROW for piece in self.pieces if piece.state == "ready")
        tables = BITMAP + SPANS if self.linear else 0
        return {
            "reserved, B": self.reserved + tables,
            "prepared, B": sum(GROW for piece in self.pieces if piece.state == "prepared"),
            "ready, B": ready,
            "resident, B": sum(piece.resident for piece in self.pieces),
            "virtual size, B": self.reserved + tables + len(self.pieces) * GROW,
        }


def address_frames(scenario: AddressSpace) -> tuple[Frame, ...]:
    """The frames of a scenario of addresses."""
    arenas = Arenas(linear=scenario.settings.arenas == "linear")
    arenas.begin()
    for action in scenario.memory:
        for name in type(action).model_fields:
            size = getattr(action, name)
            if size is not None:
                getattr(arenas, name)(size)
    return tuple(arenas.frames)
