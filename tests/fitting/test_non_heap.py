"""Memory beside the heap that is assumed, beside what published metrics of real services have.

`golden/memory/published.csv` has figures of `go_memstats_*` families from the test data of other
projects, which it names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.fitting.draw import FIXED_SPREAD
from sim.fitting.gctrace_log import GoVersions
from sim.fitting.non_heap import BITMAPS, OLD_BITMAPS, assumed_overheads, chance_of_bitmaps
from sim.replay.memory import Overheads
from sim.units import MiB

PUBLISHED = Path(__file__).parents[1] / "golden" / "memory" / "published.csv"
USUAL_STACKS = 1.5 * MiB
"""Part of what is assumed; a log tells more."""


NEAR_ITS_GOAL = 0.7


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    """Bytes beside the heap that do not grow with it, and bytes to go to the goal."""
    found = pd.read_csv(PUBLISHED, dtype={"go": str})
    minor = found.go.str.extract(r"1\.(\d+)")[0].astype(float)
    found["to_go"] = found.next_gc - found.heap_alloc
    found["beside"] = (
        (found.sys - found.heap_idle - found.heap_alloc)
        - Overheads().share * found.next_gc
        - (found.stack_sys - USUAL_STACKS).clip(lower=0)
        - BITMAPS * minor.isin(list(OLD_BITMAPS))
    )
    return found


def filled(found: pd.DataFrame) -> float:
    """Of a byte allocated, what goes to free slots: median over programs seen several times."""
    groups = (group for _, group in found.groupby("program") if len(group) > 2)
    return float(np.median([np.polyfit(one.to_go, one.beside, 1)[0] for one in groups]))


def at_their_goals(found: pd.DataFrame, part: float) -> pd.Series:
    """Beside the heap of each program at its goal, if such a part fills free slots until then."""
    near = found[found.heap_alloc > NEAR_ITS_GOAL * found.next_gc]
    return (near.beside - part * near.to_go).groupby(near.program).median()


def test_services_have_beside_their_heap_what_is_assumed(published: pd.DataFrame) -> None:
    """Free slots are filled as fast until the goal as from its first half on, or not at all."""
    least = at_their_goals(published, filled(published))
    most = at_their_goals(published, 0.0)
    assert len(least) > 10
    assert least.median() < Overheads().constant < most.median()


def test_the_doubt_about_it_is_as_large_as_services_differ(published: pd.DataFrame) -> None:
    """Of eleven, 5 to 10 are within a standard deviation nine times of ten."""
    beside = at_their_goals(published, filled(published) / 2)
    within = ((beside - Overheads().constant).abs() < FIXED_SPREAD).sum()
    assert len(beside) == 11
    assert 5 <= within <= 10


def test_large_bitmaps_count_where_the_version_is_known_to_have_them() -> None:
    assert chance_of_bitmaps(GoVersions(19, 19)) == 1
    assert chance_of_bitmaps(GoVersions(26, 27)) == 0
    assert 0 < chance_of_bitmaps(GoVersions(18, 27)) < 0.5
    old, new = (assumed_overheads(1.0, 0, GoVersions(v, v)) for v in (19, 26))
    assert old.constant - new.constant == BITMAPS
    assert old.resident(40 * MiB) == new.resident(40 * MiB)


def test_a_program_of_the_standard_library_alone_has_less() -> None:
    small = Overheads(program=2 * MiB)
    assert small.constant < Overheads().constant - 3 * MiB
