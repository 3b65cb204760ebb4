"""Designs reach every part of the ranges, and the same command gives the same points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import UserError
from sim.experiment.design import design


def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_range() -> None:
    axes = ["GOGC=0..1000", "workload.load.api.arrivals.poisson=1..2/s", "model.assists=true,false"]
    found = design("lhs:10", axes)
    assert found == design("lhs:10", axes)
    gogc = sorted(int(int(chosen["GOGC"]) / 100.1) for chosen in found)
    rates = [float(chosen["workload.load.api.arrivals.poisson"][:-2]) for chosen in found]
    assert gogc == list(range(10))
    assert sorted(int((rate - 1) * 10) for rate in rates) == list(range(10))
    assert [chosen["model.assists"] for chosen in found].count("true") == 5


@given(st.integers(1, 30))
def test_random_points_lie_in_their_ranges(count: int) -> None:
    found = design(f"random:{count}", ["GOMEMLIMIT=64MiB..1024MiB", "x=0.5ms..2ms"])
    assert len(found) == count
    assert all(64 <= int(chosen["GOMEMLIMIT"].removesuffix("MiB")) <= 1024 for chosen in found)
    assert all(0.5 <= float(chosen["x"].removesuffix("ms")) <= 2 for chosen in found)


def test_one_at_a_time_starts_from_the_first_values_and_the_middle_of_ranges() -> None:
    found = design("oat", ["GOGC=100,50,200", "x=1ms..3ms"])
    assert [(chosen["GOGC"], chosen["x"]) for chosen in found] == [
        ("100", "2ms"),
        ("50", "2ms"),
        ("200", "2ms"),
        ("100", "1ms"),
        ("100", "3ms"),
    ]


@pytest.mark.parametrize(
    ("form", "axis", "sentence"),
    [
        ("lhs", "GOGC=50,100", "--design lhs: expected grid, oat, lhs:N or random:N"),
        ("lhs:0", "GOGC=50,100", "--design lhs:0: expected"),
        ("grid", "GOGC=50..100", "GOGC: a range needs --design oat, lhs:N or random:N"),
        ("oat", "GOGC=100..50", "GOGC=100..50: expected a range from less to more"),
        ("oat", "x=1us..5ms", "expected a range from less to more in one unit"),
        ("grid", "GOGC=50,,100", "on both sides of every comma, got '50,,100'"),
    ],
)
def test_mistakes_in_a_design_are_sentences(form: str, axis: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        design(form, [axis])


def test_points_of_a_sample_are_no_straight_line() -> None:
    found = design("lhs:40", ["a=0..1000", "b=0..1000"])
    first, second = ([int(chosen[key]) for chosen in found] for key in "ab")
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.5
