"""Logs after public reports: what each shows, and that its program makes it again.

Cases 01 and 14 are in test_large_objects, 08 in test_phases, 12 and the kinds of damage in
tests/formats and test_incomplete_logs; 21, 23 and 24 are simulated (tests/simulation).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from sim.cli import main
from sim.errors import UserError
from sim.fitting.gctrace_log import read_gctrace
from sim.units import SECOND, MiB
from tests.fits import fitted

CASES = Path(__file__).parents[1] / "golden" / "cases"


def case(number: str) -> Path:
    (found,) = CASES.glob(f"{number}-*")
    return found


class Facts(NamedTuple):
    """What the report and the lines of a case say."""

    cycles: int
    gogc: int
    procs: int
    peak: int
    """MiB, at the end of a cycle."""
    rate: float
    """MiB a second, from heap to heap in the lines (case 10: in the report)."""


FACTS = {
    "03": Facts(10, 100, 8, 400, 2.8),
    "04": Facts(11, 10, 48, 23853, 585),
    "06": Facts(6, 100, 8, 412, 126),
    "10": Facts(9, 100, 3, 4540, 64),
    "13": Facts(16, 100, 4, 13, 950),
    "16": Facts(23, 100, 12, 278, 310),
}


@pytest.mark.parametrize("number", FACTS)
def test_a_case_is_measured_and_made_again(number: str) -> None:
    facts, fit = FACTS[number], fitted(case(number))
    assert (fit.cycles, fit.logged.gogc, fit.logged.procs) == facts[:3]
    assert fit.logged.memory_limit is None
    assert fit.program.demand * SECOND / MiB == pytest.approx(facts.rate, rel=0.05)
    own = fit.reproduction
    assert own is not None
    assert own.trusted
    cycles, peak = own.figures[:2]
    assert cycles.replayed == pytest.approx(facts.cycles, abs=1)
    assert peak.logged == pytest.approx(facts.peak * MiB, abs=MiB)
    assert peak.replayed == pytest.approx(peak.logged, rel=0.15, abs=MiB)


def test_case_10_predicts_the_part_of_three_ps_and_says_what_is_missing() -> None:
    """Its start ran on 32 Ps and 618 lines are not there."""
    told = " ".join(fitted(case("10")).warnings)
    assert "of the cycles 1 to 633 only 15 are in the log" in told
    assert "cycles 625 to 633" in told


def test_case_11_has_goals_that_follow_nothing_and_no_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Go 1.5 aims by what it estimates to be reachable, which it does not print."""
    fit = fitted(case("11"))
    assert fit.go == (5, 5)
    told = " ".join(fit.warnings)
    assert "GOGC does not show" in told
    assert "do not trust the cycles" in told
    with pytest.raises(SystemExit) as ended:
        main(["tune", str(case("11")), "--memory", "4GiB", "-q"])
    assert ended.value.code == 2
    assert "would rest on nothing" in capsys.readouterr().err


def test_case_12_is_of_a_go_whose_lines_are_not_read() -> None:
    with pytest.raises(UserError, match=r"Go 1\.4 or older"):
        read_gctrace(case("12"))


def test_case_16_is_four_processes_of_which_that_with_most_gc_cpu_is_taken() -> None:
    log = read_gctrace(case("16"))
    assert [len(one.found) for one in log.processes] == [23, 5, 5, 2]
    assert sum(log.seen[log.measured]) == 23


def test_case_17_newest_first_is_turned_around() -> None:
    numbers = [line.number for line in read_gctrace(case("17")).lines]
    assert numbers == sorted(numbers)


def test_case_19_is_case_06_in_utf_16() -> None:
    assert read_gctrace(case("19")).lines == read_gctrace(case("06")).lines


def test_many_ps_cache_no_more_of_a_small_heap_than_was_taken() -> None:
    """A job that grows from 16 MiB to 3.6 GiB on 40 Ps (golang/go 18896), followed by another."""
    fit = fitted(case("25"))
    own = fit.reproduction
    assert own is not None
    assert own.figures[0].replayed == own.figures[0].logged == 12
    assert own.figures[1].replayed == pytest.approx(3662 * MiB, rel=0.1)
    assert "2 processes" in " ".join(fit.warnings)


def test_the_smallest_heap_before_go_1_18_has_a_goal_of_5_mib_under_gogc_100() -> None:
    """`4->4->0 MB, 5 MB goal` (golang/go 24892): 4 MiB is its trigger, and a goal is a MiB more."""
    fit = fitted(case("26"))
    assert fit.logged.gogc == 100
    assert fit.reproduction is not None
    assert fit.reproduction.figures[0].replayed == pytest.approx(13, abs=1)
