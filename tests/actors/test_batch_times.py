"""A batch covers the time in which it is allocated, and knows how many Ps are there by then."""

from __future__ import annotations

import numpy as np
import pytest

from sim.actors.batch_times import BatchTimes
from sim.engine.clock import ProcessClock
from sim.streams import Streams


def times(*begun: tuple[int, int, int], ps: int = 4) -> tuple[ProcessClock, BatchTimes]:
    """Of a batch for which P p began at `at` to allocate for `ns`, in order of time."""
    clock = ProcessClock()
    found = BatchTimes(clock, ps)
    for at, p, ns in begun:
        clock.run(until=at) if at > clock.now else None
        found.note(p, ns)
    return clock, found


def test_a_batch_reaches_to_the_end_of_what_it_counts_at_its_begin() -> None:
    clock, found = times((0, 0, 1000), (0, 1, 3000))
    found.close()
    assert (found.elapsed, found.spent) == (2000, 4000)
    clock.run(until=2500)
    found.note(0, 100)
    found.close()
    assert found.elapsed == 500  # from the end of the first one


@pytest.mark.parametrize("at_once", [1, 3, 20])
def test_batches_cover_all_time_once(at_once: int) -> None:
    """Four Ps allocate all the time, and batches are of few or many of their stretches."""
    clock, found = times()
    rng, free, lasted = Streams(1)["batches"], [0] * 4, []
    for number in range(2000):
        clock.run(until=at) if (at := min(free)) > clock.now else None
        p, ns = free.index(at), int(rng.integers(1, 2000))
        found.note(p, ns)
        free[p] = at + ns
        if number % at_once == 0:
            found.close()
            lasted.append(found.elapsed)
    found.close()
    assert 0 <= sum(lasted) + found.elapsed - clock.now < 2000


def test_work_sees_the_ps_that_have_begun_by_then() -> None:
    """One P for 10 ns, then two for 20 ns, which do 40 of work, then three."""
    _, found = times((5, 0, 99), (15, 1, 99), (35, 3, 99))
    found.close()
    seen = found.at_work(np.array([4.0, 10.0, 50.0, 80.0]))
    assert seen == pytest.approx([1.0, 1.0, (10 + 2 * 40) / 50, (10 + 2 * 40 + 3 * 30) / 80])
