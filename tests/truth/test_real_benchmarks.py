"""The benchmarks run against real Go and find costs of the right order, on any machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import UserError
from sim.truth.alloc_costs import fault_costs, page_costs
from sim.truth.calibrate import run
from sim.truth.costs import sched_costs
from sim.truth.toolchain import build, find_go, go_env

pytestmark = pytest.mark.realgo


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The benchmark program, from the cache or built: that takes 20 s."""
    try:
        go = find_go()
    except UserError as error:
        pytest.skip(str(error))
    if not go_env(go, "GOVERSION")[0].startswith("go1.27"):
        pytest.skip("the probes need Go 1.27")
    return build("bench", go, overlay="probe")


def test_costs_have_the_right_order(bench: Path) -> None:
    pages = page_costs(run(bench, "pages")[0])
    assert 1 < pages["span_set_ns"] < pages["alloc_span_ns"] < 50_000
    assert 50 < fault_costs(run(bench, "faults")[0])["fault_ns"] < 100_000
    assert 20 < sched_costs(run(bench, "sched")[0])["go_ns"] < 50_000


def test_a_benchmark_that_does_not_exist_is_one_sentence(bench: Path) -> None:
    with pytest.raises(UserError, match=r"the benchmark nonsense failed: usage: bench NAME"):
        run(bench, "nonsense")
