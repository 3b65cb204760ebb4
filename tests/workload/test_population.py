"""What a memoryless owner holds: cohorts that become one, a row a span."""

from __future__ import annotations

import numpy as np
import pytest

from sim.streams import Streams
from sim.workload.population import Population, Rows


def rows(spans: list[int], kinds: list[int], objects: list[int]) -> Rows:
    return Rows(np.array(spans), np.array(kinds), np.array(objects))


def test_what_lies_in_one_span_becomes_one_row() -> None:
    population = Population()
    population.add(rows([3, 1], [0, 2], [5, 7]))
    population.add(rows([1, 4], [2, 0], [2, 9]))
    population.bury(Streams(1)["test"])
    ((span, kind, objects),) = population.rows()
    assert span.tolist() == [1, 3, 4]
    assert kind.tolist() == [2, 0, 0]
    assert objects.tolist() == [9, 5, 9]
    assert population.per_kind(4).tolist() == [14, 0, 9, 0]


def test_the_young_survive_more_often_than_the_old() -> None:
    population, n = Population(), 1_000_000
    population.add(rows([0], [0], [n]))
    population.clock += 1.0
    population.add(rows([1], [1], [n]))
    population.clock += 0.5
    expected = population.expected_per_kind(2)
    assert expected.tolist() == pytest.approx([n * np.exp(-1.5), n * np.exp(-0.5)])
    population.bury(Streams(2)["test"])
    deviation = np.sqrt(expected * (1 - expected / n))
    assert (abs(population.per_kind(2) - expected) < 4 * deviation).all()


def test_dead_rows_are_forgotten() -> None:
    population = Population()
    population.add(rows([0, 1], [0, 0], [3, 4]))
    population.thin(1.0)
    population.bury(Streams(1)["test"])
    assert [len(part.span) for part in population.rows()] == [0]
    total = np.zeros(2, dtype=np.int64)
    population.add_per_span(total)
    assert total.tolist() == [0, 0]
