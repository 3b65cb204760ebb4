"""Size classes: wrong slots per span would shift heap_live, the trigger and every cycle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import UserError
from sim.go.sizeclass import PAGE_SIZE, format_table, size_classes

GOLDEN = Path(__file__).parents[1] / "golden"
TABLE = size_classes("1.27")
VERSIONS = st.sampled_from(["1.18", "1.21.4", "go1.22", "1.25", "1.27"])

#: Slots per one-page span as (noscan, scan), then the same for Go 1.22 to 1.25.
SLOTS = {
    8: (1024, 1008, 1024, 1008),
    16: (504, 496, 512, 504),
    24: (336, 330, 341, 336),
    32: (252, 248, 256, 252),
    48: (168, 165, 170, 168),
    80: (100, 99, 102, 100),
    128: (63, 62, 64, 63),
    240: (33, 33, 34, 33),
    320: (25, 24, 25, 25),
    512: (15, 15, 16, 15),
    576: (14, 14, 14, 14),
}


def test_the_computed_classes_are_those_of_the_go_source():
    ours = [line.rstrip() for line in format_table(TABLE).splitlines()]
    go = [line.rstrip() for line in (GOLDEN / "sizeclasses.txt").read_text().splitlines()]
    assert ours == go


@pytest.mark.parametrize("kind", ["noscan", "scan"])
def test_requests_are_rounded_as_the_real_runtime_rounds_them(kind):
    recorded = json.loads((GOLDEN / "usable_sizes.json").read_text())[kind]
    ours = {size: TABLE.usable_size(int(size), kind == "noscan") for size in recorded}
    assert ours == recorded


def test_slots_leave_room_for_mark_bits_and_pointer_bitmaps():
    new, old = size_classes("1.26"), size_classes("1.25")
    for size, expected in SLOTS.items():
        noscan, scan = new.span_class(size, True), new.span_class(size, False)
        if size > 512:
            scan = new.span_class(size - 8, False)
        slots = [table.spans[spc].nelems for table in (new, old) for spc in (noscan, scan)]
        assert tuple(slots) == expected, size


def test_before_malloc_headers_pointers_cost_no_slot():
    old = size_classes("1.21")
    for noscan, scan in zip(old.spans[1::2], old.spans[::2], strict=True):
        assert noscan.nelems == scan.nelems == old.classes[scan.sizeclass].objects
    assert old.usable_size(1024, noscan=False) == 1024
    assert old.spans[old.span_class(32768, noscan=True)].elemsize == 32768


def test_a_header_moves_pointerful_powers_of_two_up_a_class():
    slots = [TABLE.spans[TABLE.span_class(size, False)].elemsize for size in (1024, 4096, 16384)]
    assert slots == [1152, 4864, 18432]


def test_the_largest_small_request_is_eight_bytes_below_the_largest_class():
    assert TABLE.span_class(32760, noscan=True) == 2 * 67 + 1
    assert TABLE.span_class(32761, noscan=True) == 1
    assert TABLE.span_class(32761, noscan=False) == 0
    assert TABLE.large_npages(32769) == 5


@given(VERSIONS, st.lists(st.tuples(st.integers(1, 40_000), st.booleans()), min_size=1))
def test_many_requests_at_once_get_the_classes_of_single_requests(version, requests):
    table = size_classes(version)
    sizes, noscan = zip(*requests, strict=True)
    together = table.span_classes(np.array(sizes), np.array(noscan))
    assert together.tolist() == [table.span_class(*request) for request in requests]


@given(VERSIONS, st.integers(1, 32_768), st.booleans())
def test_a_request_fits_its_slot_and_no_smaller_one(version, size, noscan):
    table = size_classes(version)
    usable = table.usable_size(size, noscan)
    assert usable >= size
    if size <= table.max_small_size and size > 8:
        smaller = table.spans[table.span_class(size, noscan) - 2].elemsize
        header = table.spans[table.span_class(size, noscan)].elemsize - usable
        assert smaller < size + header


@given(VERSIONS)
def test_slots_and_reserve_fit_the_span(version):
    for span in size_classes(version).spans[2:]:
        used = span.nelems * span.elemsize + span.reserve
        assert used <= span.npages * PAGE_SIZE < used + span.elemsize


@pytest.mark.parametrize("version", ["1.17", "2.0", "latest", ""])
def test_an_unknown_go_version_is_the_users_mistake(version):
    with pytest.raises(UserError, match="expected a Go version"):
        size_classes(version)
