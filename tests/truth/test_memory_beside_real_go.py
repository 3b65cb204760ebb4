"""Heap, stacks and RSS beside real programs: containers are sized by these figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import UserError
from sim.truth.memory import markdown, validate
from sim.units import MiB

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "golden" / "memory"
#: Largest mean difference over time, as share of the largest real RSS.
BOUNDS = {"shrink": 0.15, "steady-leak": 0.06, "every-second": 0.08, "deep-stacks": 0.20}


@pytest.mark.parametrize("program", BOUNDS)
def test_memory_over_time_is_that_of_the_recorded_program(program):
    table = validate([ROOT / "configs" / f"{program}.yaml"], RECORDED)
    assert (table["error"] < BOUNDS[program]).all(), table
    stacks, rss = table.loc[(program, "stacks")], table.loc[(program, "rss")]
    assert stacks["simulated peak"] == pytest.approx(stacks["real peak"], rel=0.1, abs=MiB)
    assert rss["simulated peak"] == pytest.approx(rss["real peak"], rel=0.1)
    assert "| every-second" in markdown(table) or program != "every-second"


@pytest.mark.realgo
def test_a_real_program_can_be_measured(tmp_path):
    validate([ROOT / "configs" / "steady-leak.yaml"], tmp_path)
    assert (tmp_path / "steady-leak-2.csv").is_file()


@pytest.mark.realgo
def test_a_workload_without_a_program_is_told():
    with pytest.raises(UserError, match="no program"):
        validate([ROOT / "configs" / "quickstart.yaml"])
