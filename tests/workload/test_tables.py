"""How many pointers of a table lead to a store: counted in trees that are made one by one."""

from __future__ import annotations

import numpy as np
import pytest

from sim.go.kinds import KindTable
from sim.go.sizeclass import size_classes
from sim.streams import Streams
from sim.workload.tables import GENERATIONS, LARGE_TREE, SMALL_TREE, table_share


def roots(tree: int, reach: list[int], shares: list[float], rng: np.random.Generator) -> int:
    """Objects that nothing leads to when a tree is complete (twin: family.add)."""
    orphans = 0
    for links in rng.choice(reach, size=tree, p=shares):
        orphans += 1 - max(min(links, orphans - tree // GENERATIONS), 0)
    return orphans


@pytest.mark.parametrize("tree", [SMALL_TREE, LARGE_TREE])
@pytest.mark.parametrize("pointers", [0, 1, 4, 12])
def test_the_mean_of_many_trees(tree: int, pointers: int) -> None:
    """One object of a hundred bytes in three has pointers."""
    kinds, rng = KindTable(), Streams(1)["trees"]
    words = np.array([float(pointers), 0.0, 0.0])
    mix = kinds.add_mix(np.full(3, 100.0), words, np.ones(3), np.ones(3), size_classes())
    made = [roots(tree, [pointers, 0], [1 / 3, 2 / 3], rng) for _ in range(400)]
    counted, spread = np.mean(made) / tree, np.std(made) / tree / np.sqrt(len(made))
    assert table_share(mix, kinds, tree) == pytest.approx(counted, abs=0.03 + 4 * spread)
