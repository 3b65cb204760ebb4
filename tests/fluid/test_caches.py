"""What the caches of the Ps hold, which is missing to the heap until the next cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.config import load
from sim.config.machine import load_profile
from sim.fluid.spans import SpanModel
from sim.go.sizeclass import size_classes
from sim.machine.profile import DEFAULT
from sim.streams import Streams
from sim.workload.mixes import MixBook

PS = 6
TRIALS = 20_000


def model() -> SpanModel:
    config = load(Path("workloads/grpc-fanout.yaml"))
    table = size_classes(config.go)
    book = MixBook(config.program, table)
    return SpanModel(book.kinds, book.mixes, table, load_profile(DEFAULT))


def held(stretches: float, slots: float, nelems: float) -> float:
    """Free slots in the span of one P, on average, by drawing what it takes."""
    rng = Streams(1)["caches"]
    taken = rng.poisson(slots / stretches * rng.poisson(stretches, TRIALS))
    return float((np.ceil(taken / nelems) * nelems - taken).mean())


@pytest.mark.parametrize("stretches", [1, 4, 16, 1000])
@pytest.mark.parametrize("spans", [0.02, 0.3, 3])
def test_a_p_holds_a_span_of_a_class_only_if_a_stretch_took_some(
    stretches: float, spans: float
) -> None:
    found = model()
    which = int(np.argmax(found.nelems))
    nelems = float(found.nelems[which])
    slots = np.zeros(len(found.nelems))
    slots[which] = spans * nelems * PS
    nbytes = found.cached(slots, PS, stretches)
    expected = PS * held(stretches, spans * nelems, nelems) * float(found.slot[which])
    assert nbytes == pytest.approx(expected, rel=0.1)
