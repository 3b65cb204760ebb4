"""A parameter that carries a figure has the elasticity of it, one that does nothing has none."""

from __future__ import annotations

import pandas as pd
from make_errors import TABLES
from make_sensitivity import DATA, PAGE, tables

from sim.config import load
from sim.examples import examples
from sim.experiment.sensitivity import elasticities

LIGHT = {
    "workload": {
        "name": "light",
        "mixes": {"small": [{"size": "1KiB", "pointers": "all"}]},
        "stores": {"base": {"size": "8MiB", "of": "small"}},
        "goroutines": {
            "g": {"steps": [{"work": {"cpu": "20us", "allocate": "16KiB", "of": "small"}}]}
        },
        "load": {"web": {"goroutine": "g", "arrivals": {"poisson": "5000/s"}}},
    },
    "GOMAXPROCS": 2,
    "duration": "500ms",
    "model": {"detail": "fluid"},
}


def test_the_live_heap_follows_its_store_and_not_the_cost_of_a_malloc() -> None:
    found = elasticities(load(LIGHT), 1, 1).set_index(["parameter", "figure"])["elasticity"]
    assert abs(found["workload.stores.base.size", "mean_heap_marked"] - 1) < 0.1
    assert abs(found["machine.alloc.scan_ns", "mean_heap_marked"]) < 0.05
    # More requests collect more often, and allocate more while marking: it grows faster than they.
    assert 0.7 < found["workload.load.web.arrivals.poisson.rate", "gc_cpu"] < 2


def test_it_says_what_it_leaves_out_and_why() -> None:
    few = elasticities(load(LIGHT), 1, 1).attrs["remarks"]
    assert any("no distribution" in line for line in few)
    assert few[-1] == "Left out: simulated (the duration is configured)."
    none = elasticities(load({**LIGHT, "GOGC": 10_000}), 1, 1).attrs["remarks"]
    assert "no GC cycle is in service" in none[0]
    assert "GC CPU (a run has no GC cycle in service)" in none[-1]
    assert "marked heap (mean) (a run has no GC cycle in service)" in none[-1]


def test_the_page_shows_the_data_of_shipped_workloads() -> None:
    found = pd.read_csv(DATA)
    assert set(found["program"]) <= set(examples("workloads"))
    shown = TABLES.search(PAGE.read_text(encoding="utf-8"))
    assert shown is not None
    assert shown[0].strip() == tables(found).strip()
