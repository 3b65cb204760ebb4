"""What a fitted workload says is what the program did that left the log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.config import load
from sim.config.machine import load_profile
from sim.fitting.fit import Fit
from sim.fitting.fit_log import fit_log
from sim.fitting.variation import variation
from sim.fitting.workload import Container, to_yaml
from sim.results.traces import gctrace
from sim.simulation import simulate
from sim.units import MS, SECOND
from sim.workload.arrivals import Varying
from sim.workload.program import OpenLoop

ROOT = Path(__file__).parents[2]
RATES = (200.0, 800.0, 400.0)


def logged(arrivals: str, folder: Path) -> Fit:
    """A log of a quarter of the JSON API with other arrivals, fitted."""
    config = load(
        ROOT / "configs" / "quickstart.yaml",
        [
            f"workload.load.api.arrivals={arrivals}",
            "workload.stores.sessions.size=8MiB",
            "duration=12s",
        ],
    )
    log = folder / "app.gctrace"
    log.write_text("\n".join(gctrace(simulate(config).cycles)) + "\n", encoding="utf-8")
    return fit_log(log)


def test_a_load_that_changes_is_found_with_its_rates(tmp_path: Path) -> None:
    fit = logged(f"{{varying: {{every: 4s, rates: {[f'{r:g}/s' for r in RATES]}}}}}", tmp_path)
    found = variation(fit)
    assert found is not None
    assert max(found.rates) / min(found.rates) == pytest.approx(4, rel=0.3)
    first = fit.observed.at[fit.measured][-1] - len(found.rates) * found.every
    middles = [2000 * MS, 6000 * MS, 10_000 * MS]
    rates = np.array([found.rates[int((middle - first) // found.every)] for middle in middles])
    assert rates / rates.mean() == pytest.approx(np.array(RATES) / np.mean(RATES), rel=0.15)

    text = to_yaml(fit, "app.gctrace", load_profile("default-x86-64"), Container())
    (tmp_path / "fitted.yaml").write_text(text)
    (tmp_path / "run.yaml").write_text("workload: ./fitted.yaml\nduration: 1s\n")
    (units,) = load(tmp_path / "run.yaml").program.load.values()
    assert isinstance(units, OpenLoop)
    assert isinstance(units.arrivals, Varying)
    assert units.arrivals.every == found.every


def test_chance_is_not_taken_for_a_load_that_changes(tmp_path: Path) -> None:
    assert variation(logged("{poisson: 500/s}", tmp_path)) is None


def test_a_recorded_program_with_a_steady_load_has_one_rate() -> None:
    for repetition in (0, 1):
        log = f"hbsteady.p2.gogc100.limnone.r{repetition}.gctrace.gz"
        assert variation(fit_log(ROOT / "tests" / "golden" / "real" / log)) is None


@pytest.mark.parametrize(
    ("program", "lasted"), [("real-apps/etcd34.p2", 16.3909), ("real/garbage64.p2", 6.078)]
)
def test_a_fitted_workload_runs_as_long_as_its_log_by_itself(
    program: str, lasted: float, tmp_path: Path
) -> None:
    """A heap that grows all along has its peak at the end, which a shorter run does not reach."""
    name = "r5" if "etcd" in program else "r0"
    fit = fit_log(ROOT / "tests" / "golden" / f"{program}.gogc100.limnone.{name}.gctrace.gz")
    path = tmp_path / "fitted.yaml"
    path.write_text(to_yaml(fit, "log", load_profile("default-x86-64"), Container()))
    assert lasted * SECOND <= load(path).duration <= 2.5 * lasted * SECOND


@pytest.mark.slow
@pytest.mark.parametrize("detail", ["events", "fluid"])
@pytest.mark.parametrize("program", ["garbage64.p1", "garbage64.p2", "hbsteady.p2"])
def test_a_fitted_workload_leaves_the_log_that_it_was_fitted_to(
    program: str, detail: str, tmp_path: Path
) -> None:
    log = ROOT / "tests" / "golden" / "real" / f"{program}.gogc100.limnone.r0.gctrace.gz"
    fit = fit_log(log)
    seen, measured = fit.observed, fit.measured
    text = to_yaml(fit, log.name, load_profile("default-x86-64"), Container())
    (tmp_path / "fitted.yaml").write_text(text)
    (tmp_path / "run.yaml").write_text(
        f"workload: ./fitted.yaml\nduration: 20s\nGOMAXPROCS: {seen.procs}\n"
        f"model: {{detail: {detail}}}\n"
    )
    cycles = simulate(load(tmp_path / "run.yaml")).cycles
    marking = cycles[["dedicated_ns", "fractional_ns", "idle_ns", "assist_ns"]].sum(axis=1)
    lived = cycles["heap_marked"] > 0.8 * cycles["heap_marked"].median()
    assert len(cycles) == pytest.approx(len(seen.live[measured]), rel=0.2)
    assert cycles["heap_end"].max() == pytest.approx(seen.end[measured].max(), rel=0.15)
    assert marking[lived].mean() == pytest.approx(seen.mark_cpu[measured].mean(), rel=0.15)
