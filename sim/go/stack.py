"""Goroutine stacks: their sizes, and the spans they come from (runtime/stack.go, linux)."""

from __future__ import annotations

from typing import Final

from sim.errors import ModelError
from sim.go.sizeclass import PAGE_SIZE
from sim.units import Bytes, KiB

FIXED_STACK: Final[Bytes] = 2 * KiB
"""The smallest stack."""
STACK_ORDERS: Final = 4
"""Stacks of 2, 4, 8 and 16 KiB share spans."""
STACK_SPAN: Final[Bytes] = 32 * KiB
"""Span of a pool of small stacks (_StackCacheSize)."""
STACK_NOSPLIT: Final[Bytes] = 800
"""Room for functions that do not check the stack (internal/abi: StackNosplitBase)."""
STACK_GUARD: Final[Bytes] = STACK_NOSPLIT + 128
"""Room that must be left below the stack pointer (stackGuard)."""
MAX_STACK: Final[Bytes] = 1_000_000_000
"""Largest stack on 64-bit systems (runtime/proc.go: main)."""


def stack_order(size: Bytes) -> int | None:
    """The pool, 0 to 3, that serves a stack of a power of two of bytes; None: a span of its own."""
    order = (size // FIXED_STACK).bit_length() - 1
    if size != FIXED_STACK << order:
        raise ModelError(f"a stack of {size} bytes is not a power of two from 2 KiB on")
    return order if order < STACK_ORDERS else None


def stack_span_pages(size: Bytes) -> int:
    """Pages of the span from which a stack of `size` bytes is taken."""
    return (size if stack_order(size) is None else STACK_SPAN) // PAGE_SIZE


def fits(size: Bytes, used: Bytes) -> bool:
    """Whether a stack of `size` bytes has room for `used` bytes and the guard below them."""
    return size - used >= STACK_GUARD


def grown_stack(size: Bytes, used: Bytes, frame: Bytes = 0) -> Bytes:
    """The next size of a stack: double, and on until the new `frame` fits (newstack).

    ModelError beyond a billion bytes, where Go ends the program.
    """
    size *= 2
    while size - used < frame + STACK_GUARD:
        size *= 2
    if size > MAX_STACK:
        raise ModelError(f"a goroutine stack exceeds the limit of {MAX_STACK} bytes")
    return size


def shrunk_stack(size: Bytes, used: Bytes) -> Bytes:
    """The size after a stack scan: half, if less than a quarter is in use (shrinkstack)."""
    if size // 2 < FIXED_STACK or used + STACK_NOSPLIT >= size // 4:
        return size
    return size // 2


def starting_stack_size(scanned_bytes: Bytes, scanned_stacks: int) -> Bytes:
    """Stack of a new goroutine: the mean of the last cycle's scans, rounded up to a power of two.

    `scanned_bytes` are the bytes in use of all stacks scanned. Source: gcComputeStartingStackSize.
    """
    if scanned_stacks == 0:
        return FIXED_STACK
    mean = scanned_bytes // scanned_stacks + STACK_GUARD
    return 1 << (min(max(mean, FIXED_STACK), MAX_STACK) - 1).bit_length()
