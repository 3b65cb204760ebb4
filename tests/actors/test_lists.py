"""Long lists: marking finds one entry after the other, however many Ps there are."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from sim.config import load
from sim.errors import UserError
from sim.simulation import simulate

KINDS = ["dedicated_ns", "fractional_ns", "idle_ns", "assist_ns"]


def queue(structure: str, entry: dict[str, Any], **store: str) -> dict[str, Any]:
    return {
        "name": "queue",
        "mixes": {"entry": [entry], "other": [{"size": "128B", "pointers": 2}]},
        "stores": {
            "queue": {
                "size": "8MiB",
                "of": "entry",
                "replacement": "oldest",
                "structure": structure,
                **store,
            }
        },
        "goroutines": {
            "get": {
                "steps": [
                    {"work": {"cpu": "200us", "allocate": "64KiB", "of": "other"}},
                    {
                        "work": {
                            "cpu": "20us",
                            "allocate": "4KiB",
                            "of": "entry",
                            "into": "queue",
                        }
                    },
                ]
            }
        },
        "load": {"gets": {"goroutine": "get", "arrivals": {"poisson": "8000/s"}}},
    }


def cycles(
    structure: str,
    procs: int = 4,
    detail: str = "events",
    entry: dict[str, Any] | None = None,
    *,
    course: bool = True,
) -> pd.DataFrame:
    config = load(
        {
            "workload": queue(structure, entry or {"size": "64B"}),
            "duration": "300ms",
            "GOMAXPROCS": procs,
            "model": {"detail": detail, "mark_course": course},
        }
    )
    return simulate(config).cycles


def marking_ns(found: pd.DataFrame) -> float:
    return float((found["mark_term_ns"] - found["mark_ns"]).mean())


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_a_list_is_marked_by_one_p_at_a_time(detail: str) -> None:
    found = cycles("list", detail=detail)
    cpu = found[KINDS].sum(axis=1).mean()
    assert len(found) >= 3
    assert 0.9 < cpu / marking_ns(found) < 1.3  # roots are marked by all


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_more_ps_mark_a_table_sooner_but_not_a_list(detail: str) -> None:
    lists, tables = (
        [marking_ns(cycles(structure, procs, detail)) for procs in (4, 16)]
        for structure in ("list", "table")
    )
    assert tables[1] < 0.7 * tables[0]
    assert lists[1] == pytest.approx(lists[0], rel=0.15)
    assert lists[0] > 3 * tables[0]


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_the_nodes_of_a_tree_cost_as_much_as_those_of_a_list_but_all_mark_them(detail: str) -> None:
    lists, trees = (cycles(structure, 16, detail) for structure in ("list", "tree"))
    one, other = (found[KINDS].sum(axis=1).mean() for found in (lists, trees))
    assert other == pytest.approx(one, rel=0.35)  # more at a time get in each other's way
    assert marking_ns(trees) < 0.4 * marking_ns(lists)


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_without_the_course_of_marking_work_is_found_at_once(detail: str) -> None:
    whole, without = (
        marking_ns(cycles("list", 16, detail, course=course)) for course in (True, False)
    )
    assert without < 0.5 * whole


def test_who_has_to_assist_and_finds_no_work_waits() -> None:
    assert cycles("list")["assist_parks"].mean() > 10 * cycles("table")["assist_parks"].mean()


def test_where_entries_are_large_trees_a_list_keeps_all_busy() -> None:
    tree = {"size": "64B", "pointers": 4}
    lists, tables = (marking_ns(cycles(structure, entry=tree)) for structure in ("list", "table"))
    assert lists < 1.3 * tables


def test_who_drops_entries_at_random_needs_a_table() -> None:
    workload = queue("list", {"size": "64B"}, replacement="random")
    with pytest.raises(UserError, match="structure: expected a table where 'replacement' is ran"):
        load({"workload": workload, "duration": "10ms"})
