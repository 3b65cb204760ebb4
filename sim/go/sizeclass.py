"""Size classes: which slot an allocation gets, and how many slots a span holds.

The classes are computed by the rule that also generates Go's own table, so the table is a result
here and not an input. Sources: runtime/_mkmalloc/mksizeclasses.go (classes), runtime/msize.go
(rounding), runtime/mheap.go: initSpan (slots per span).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.errors import UserError
from sim.units import Bytes

PAGE_SIZE: Final = 8192
MIN_HEAP_ALIGN: Final = 8
MAX_SMALL_SIZE: Final = 32768
LARGE_SIZE_DIV: Final = 128
MALLOC_HEADER_SIZE: Final = 8
#: Pointerful objects above this size carry a malloc header (gc/malloc.go).
MIN_SIZE_FOR_MALLOC_HEADER: Final = 512
#: Mark and scan bits inside a span (runtime/mgcmark_greenteagc.go: spanInlineMarkBits).
INLINE_MARK_BYTES: Final = 128
MIN_SIZE_FOR_INLINE_MARKS: Final = 16
#: One bit of the pointer bitmap covers one 8-byte word.
BYTES_PER_BITMAP_BYTE: Final = 64
TINY_SIZE: Final = 16

#: Minor versions of Go 1 in which a layout began.
_OLDEST: Final = 18
_MALLOC_HEADERS: Final = 22
_GREEN_TEA: Final = 26
#: Sizes from which candidates are 16 bytes, an eighth of a power of two, and 256 bytes apart.
_STEP_16_FROM: Final = 32
_STEP_EIGHTH_FROM: Final = 128
_STEP_256_FROM: Final = 2048

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """What a Go version keeps inside a small-object span beside the slots."""

    malloc_headers: bool
    """Since 1.22: pointer bitmap in spans of slots up to 512 B, an 8-byte header above."""
    inline_marks: bool
    """Since 1.26 (Green Tea): mark bits in spans of 16 to 512 B slots."""


def layout_of(go_version: str) -> Layout:
    """The layout of a Go version such as `1.27` or `go1.22.3`; UserError before 1.18."""
    match = re.fullmatch(r"(?:go)?1\.(\d+)(?:\.\d+|rc\d+|beta\d+)?", go_version.strip())
    if match is None or int(match.group(1)) < _OLDEST:
        raise UserError(f"expected a Go version from 1.18 on such as 1.27, got {go_version!r}")
    minor = int(match.group(1))
    return Layout(malloc_headers=minor >= _MALLOC_HEADERS, inline_marks=minor >= _GREEN_TEA)


class SizeClass(NamedTuple):
    """One row of the classic table, which ignores what a span keeps for itself."""

    size: Bytes
    npages: int
    objects: int
    tail_waste: Bytes
    max_waste: float
    """The largest share of a span that slots, each holding the smallest fitting object, lose."""
    min_align: Bytes


class SpanClass(NamedTuple):
    """A size class with or without pointers: what a span of it looks like (mheap.go: spanClass)."""

    sizeclass: int
    noscan: bool
    elemsize: Bytes
    npages: int
    nelems: int
    reserve: Bytes
    """Bytes at the end of the span taken by mark bits and pointer bitmap."""


def _alignment_after(size: Bytes, align: Bytes) -> Bytes:
    """The step to the next candidate size; it grows at powers of two only."""
    if size & (size - 1):
        return align
    if size >= _STEP_256_FROM:
        return 256
    if size >= _STEP_EIGHTH_FROM:
        return size // 8
    return 16 if size >= _STEP_16_FROM else align


def _pages_per_span(size: Bytes) -> int:
    """The smallest span that leaves at most an eighth of it unused behind the last slot."""
    npages = 1
    while npages * PAGE_SIZE % size > npages * PAGE_SIZE // 8:
        npages += 1
    return npages


def _make_classes() -> list[tuple[Bytes, int]]:
    """(slot size, pages) of every class: candidates with equal spans merge into the largest."""
    classes: list[tuple[Bytes, int]] = []
    size = align = MIN_HEAP_ALIGN
    while size <= MAX_SMALL_SIZE:
        align = _alignment_after(size, align)
        npages = _pages_per_span(size)
        span = npages * PAGE_SIZE
        if classes and classes[-1][1] == npages and span // size == span // classes[-1][0]:
            classes.pop()
        classes.append((size, npages))
        size += align
    return [(_stretched(size, npages), npages) for size, npages in classes]


def _stretched(size: Bytes, npages: int) -> Bytes:
    """The largest slot of which as many fit, in steps that the runtime's lookup can resolve."""
    span = npages * PAGE_SIZE
    return max(size, span // (span // size) // LARGE_SIZE_DIV * LARGE_SIZE_DIV)


def _size_classes() -> Iterator[SizeClass]:
    yield SizeClass(0, 0, 1, 0, 0.0, PAGE_SIZE)  # class 0: large objects, a span each
    previous = 0
    for size, npages in _make_classes():
        span = npages * PAGE_SIZE
        objects, tail = divmod(span, size)
        waste = ((size - previous - 1) * objects + tail) / span
        yield SizeClass(size, npages, objects, tail, waste, min(size & -size, PAGE_SIZE))
        previous = size


def _span_class(sizeclass: int, row: SizeClass, noscan: bool, layout: Layout) -> SpanClass:
    if sizeclass == 0:
        return SpanClass(0, noscan, 0, 0, 1, 0)
    span = row.npages * PAGE_SIZE
    small = row.size <= MIN_SIZE_FOR_MALLOC_HEADER
    reserve = 0
    if layout.inline_marks and small and row.size >= MIN_SIZE_FOR_INLINE_MARKS:
        reserve += INLINE_MARK_BYTES
    if layout.malloc_headers and small and not noscan:
        reserve += span // BYTES_PER_BITMAP_BYTE
    nelems = (span - reserve) // row.size
    return SpanClass(sizeclass, noscan, row.size, row.npages, nelems, reserve)


def _frozen(values: list[int]) -> Ints:
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array


class SizeClassTable:
    """All size classes of one layout, by class and by span class (2 x class + noscan)."""

    def __init__(self, layout: Layout) -> None:
        self.layout: Final = layout
        self.classes: Final = tuple(_size_classes())
        """By size class, 68 rows; class 0 stands for large objects."""
        self.spans: Final = tuple(
            _span_class(index, row, noscan, layout)
            for index, row in enumerate(self.classes)
            for noscan in (False, True)
        )
        """By span class, 136 rows; 0 and 1 stand for large objects, whose size varies."""
        self.elemsize: Final = _frozen([span.elemsize for span in self.spans])
        """Slot size in bytes by span class."""
        self.npages: Final = _frozen([span.npages for span in self.spans])
        """Pages per span by span class."""
        self.nelems: Final = _frozen([span.nelems for span in self.spans])
        """Slots per span by span class."""
        sizes, words = [row.size for row in self.classes], np.arange(0, MAX_SMALL_SIZE + 1, 8)
        self._class_by_words: Final[tuple[int, ...]] = tuple(np.searchsorted(sizes, words).tolist())
        """Size class by 8-byte words; every class is a multiple of 8."""

    @property
    def tiny_span_class(self) -> int:
        """Span class of the 16-byte blocks that hold several tiny pointer-free objects."""
        return self.span_class(TINY_SIZE, noscan=True)

    @property
    def max_small_size(self) -> Bytes:
        """The largest request that a size class serves; a larger one gets a span of its own."""
        return MAX_SMALL_SIZE - (MALLOC_HEADER_SIZE if self.layout.malloc_headers else 0)

    def span_class(self, size: Bytes, noscan: bool) -> int:
        """Span class of a request of `size` bytes; 0 or 1 if it is large."""
        if size > self.max_small_size:
            return int(noscan)
        return 2 * self._class_by_words[(size + self._header(size, noscan) + 7) // 8] + noscan

    def span_classes(self, sizes: ArrayLike, noscan: ArrayLike) -> Ints:
        """`span_class` of many requests at once."""
        wanted = np.asarray(sizes, dtype=np.int64)
        pointer_free = np.asarray(noscan, dtype=bool)
        header = self.layout.malloc_headers & ~pointer_free & (wanted > MIN_SIZE_FOR_MALLOC_HEADER)
        small = np.where(wanted <= self.max_small_size, wanted + MALLOC_HEADER_SIZE * header, 0)
        by_words = np.array(self._class_by_words)
        return np.asarray(2 * by_words[(small + 7) // 8] + pointer_free)

    def usable_size(self, size: Bytes, noscan: bool) -> Bytes:
        """Bytes the program may use of what a request of `size` bytes gets (roundupsize)."""
        if size > self.max_small_size:
            return self.large_npages(size) * PAGE_SIZE
        slot = self.spans[self.span_class(size, noscan)].elemsize
        return slot - self._header(size, noscan)

    def large_npages(self, size: Bytes) -> int:
        """Pages of the span of a large object of `size` bytes."""
        return -(-size // PAGE_SIZE)

    def _header(self, size: Bytes, noscan: bool) -> Bytes:
        headed = self.layout.malloc_headers and not noscan and size > MIN_SIZE_FOR_MALLOC_HEADER
        return MALLOC_HEADER_SIZE if headed else 0


def size_classes(go_version: str = "1.27") -> SizeClassTable:
    """The size classes of a Go version; UserError for one before 1.18."""
    return SizeClassTable(layout_of(go_version))


def format_table(table: SizeClassTable) -> str:
    """The classic table of the 67 small classes, as heads Go's gc/sizeclasses.go."""
    lines = ["class  bytes/obj  bytes/span  objects  tail waste  max waste  min align"]
    for index, row in enumerate(table.classes[1:], start=1):
        lines.append(
            f"{index:5d}  {row.size:9d}  {row.npages * PAGE_SIZE:10d}  {row.objects:7d}"
            f"  {row.tail_waste:10d}  {row.max_waste:9.2%}  {row.min_align:9d}"
        )
    return "\n".join(lines)
