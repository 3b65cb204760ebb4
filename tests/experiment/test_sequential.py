"""A precision that was asked for is reached, or the table says that it was not."""

from __future__ import annotations

import math

import pytest

from sim.config import load
from sim.errors import UserError
from sim.examples import examples
from sim.experiment.groups import Groups, SeedValues
from sim.experiment.sequential import PrecisionGoal
from sim.simulation import simulate
from sim.streams import Streams


def sample(values: list[float]) -> list[SeedValues]:
    known = SeedValues("w", "GOGC=50", "throughput", [1.0, 1.0])
    return [SeedValues("w", "GOGC=50", "gc_cpu", values), known]


def test_seeds_are_added_until_the_interval_is_narrow_and_the_mean_is_near_the_true_one() -> None:
    precision, hits, taken = PrecisionGoal.parse("2%", 200), 0, []
    for trial in range(200):
        draw = Streams(trial)["test"]
        values = draw.normal(100, 5, size=5).tolist()
        while (wanted := precision.seeds(sample(values), len(values))) > len(values):
            values += draw.normal(100, 5, size=wanted - len(values)).tolist()
        hits += abs(sum(values) / len(values) - 100) <= 2
        taken.append(len(values))
    # A half width of 2 % takes (1.96 * 5 / 2)^2 = 24 values; asymptotically 95 % of the means hit.
    assert 20 < sorted(taken)[100] < 45
    assert hits >= 178  # 95 % less four standard deviations of 200 trials


def test_the_limit_ends_it_and_is_said() -> None:
    precision = PrecisionGoal.parse("1 %", 6)
    noisy = sample([1.0, 2.0, 3.0, 4.0, 5.0])
    assert precision.seeds(noisy, 5) == 6
    assert precision.seeds(sample([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 6) == 6
    assert "not reached with 5 seeds, the limit" in precision.outcome(noisy)
    assert "1.0% reached" in precision.outcome(sample([1.0, 1.0, 1.0]))


def test_one_seed_tells_nothing_and_zeros_are_known() -> None:
    precision = PrecisionGoal.parse("2%", 50)
    assert precision.seeds([SeedValues("w", "", "gc_cpu", [3.0])], 1) == 2
    assert precision.seeds([SeedValues("w", "", "gc_cpu", [0.0, 0.0])], 2) == 2


def test_a_figure_without_data_is_not_known() -> None:
    precision, none = PrecisionGoal.parse("2%", 4), sample([0.1, math.nan, 0.1])
    assert precision.seeds(none, 3) == 4
    assert "not reached" in precision.outcome(none)
    assert "GC CPU of w GOGC=50, unknown" in precision.outcome(none)


@pytest.mark.parametrize(("gogc", "known"), [("100", False), ("off", True)])
def test_gc_cpu_is_known_of_a_run_without_cycles_only_where_nothing_collects(
    gogc: str, known: bool
) -> None:
    result = simulate(load(examples("configs")["quickstart"], ["duration=2ms", f"GOGC={gogc}"]))
    assert result.cycles.empty
    (gc_cpu,) = (one for one in Groups([({}, result)]).samples() if one.figure == "gc_cpu")
    assert math.isnan(gc_cpu.values[0]) == (not known)


@pytest.mark.parametrize("text", ["2", "0%", "100%", "-1%", "two%"])
def test_a_precision_is_a_percentage(text: str) -> None:
    with pytest.raises(UserError, match="expected a percentage such as 2%"):
        PrecisionGoal.parse(text, 10)
