"""What was allocated and not freed is in the heap: counters of the fluid mode are right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.fluid.slots import SlotAccounts

SLOT_BYTES = [48.0, 1024.0]


@given(
    cycles=st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1)), min_size=1, max_size=8
    )
)
def test_allocated_less_freed_is_in_the_heap_after_every_sweep(
    cycles: list[tuple[float, float, float]],
) -> None:
    accounts = SlotAccounts(SLOT_BYTES)
    for small, large, left in cycles:
        accounts.taken[0] += small
        accounts.taken[1] += large
        marked = [slots * left for slots in accounts.in_heap()]
        accounts.sweep(marked)
        nbytes = sum(slots * size for slots, size in zip(marked, SLOT_BYTES, strict=True))
        allocated, freed = accounts.allocated, accounts.freed
        assert allocated[0] - freed[0] == pytest.approx(nbytes, abs=4, rel=1e-9)
        assert allocated[1] - freed[1] == pytest.approx(sum(marked), abs=4, rel=1e-9)
