"""Counts by span tell what every single object would: the ledger beside the oracle."""

from __future__ import annotations

import pytest

from sim.units import KiB
from tests.oracle.compare import compare
from tests.oracle.per_object import Case

RANDOM = Case(lanes=4, random_capacity=256 * KiB, oldest_bytes=0, tenured_bytes=0, collections=20)


def test_where_objects_die_at_random_all_agrees_within_the_sampling_error() -> None:
    table = compare(3, RANDOM)
    assert (table["difference"].abs() <= table["interval"] + 1.0).all(), table.to_string()


@pytest.mark.slow
def test_with_every_kind_of_owner_bytes_agree_and_spans_are_somewhat_too_many() -> None:
    """docs/exactness.md says why: what one job keeps for different times lies less side by side."""
    table = compare(20)
    exact = table.loc[["marked bytes", "freed bytes"]]
    assert (exact["difference"].abs() <= exact["interval"] + 1.0).all(), table.to_string()
    spread = table.loc[["spans in use", "free slots", "fragmentation"], "difference"]
    assert spread.between(0, 25).all(), table.to_string()
