"""Heap, stacks and RSS beside real programs: containers are sized by these figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from sim.errors import UserError
from sim.truth.memory import QUANTITIES, markdown, validate
from sim.units import MiB

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "golden" / "memory"
BOUND = 0.1
"""Largest mean difference over time, as share of the largest real RSS; and of peaks."""
PROGRAMS = ("shrink", "steady-leak", "every-second", "deep-stacks")
FREED_LATE = pytest.mark.xfail(reason="stacks that shrink leave free pages longer than in real Go")


@cache
def table_of(program):
    return validate([ROOT / "configs" / f"{program}.yaml"], RECORDED)


@pytest.mark.parametrize(
    ("program", "quantity"),
    [
        pytest.param(program, quantity, marks=FREED_LATE)
        if (program, quantity) in {("deep-stacks", "free"), ("deep-stacks", "rss")}
        else (program, quantity)
        for program in PROGRAMS
        for quantity in QUANTITIES
    ],
)
def test_memory_over_time_is_that_of_the_recorded_program(program, quantity):
    assert table_of(program).loc[(program, quantity), "error"] < BOUND


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_largest_stacks_and_rss_are_those_of_the_recorded_program(program):
    table = table_of(program)
    stacks, rss = table.loc[(program, "stacks")], table.loc[(program, "rss")]
    assert stacks["simulated peak"] == pytest.approx(stacks["real peak"], rel=BOUND, abs=MiB)
    assert rss["simulated peak"] == pytest.approx(rss["real peak"], rel=BOUND)
    assert f"| {program}" in markdown(table)


@pytest.mark.realgo
def test_a_real_program_can_be_measured(tmp_path):
    validate([ROOT / "configs" / "steady-leak.yaml"], tmp_path)
    assert (tmp_path / "steady-leak-2.csv").is_file()


@pytest.mark.realgo
def test_a_workload_without_a_program_is_told():
    with pytest.raises(UserError, match="no program"):
        validate([ROOT / "configs" / "quickstart.yaml"])
