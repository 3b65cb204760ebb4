"""From a log to a program: what is recognised, and what is said where it cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.config.machine import load_profile
from sim.errors import UserError
from sim.fitting.drift import drift
from sim.fitting.fit_log import fit_log
from sim.fitting.gctrace_log import read_gctrace
from sim.fitting.observe import observe, smoothed
from sim.fitting.workload import Container, to_yaml
from sim.replay.program import Load
from sim.replay.run import run
from sim.streams import Streams
from sim.units import GiB, MiB
from tests.fits import fitted

REAL = Path(__file__).parents[1] / "golden" / "real"
GARBAGE = REAL / "garbage64.p2.gogc100.limnone.r0.gctrace.gz"
HEAPBENCH = REAL / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"
LINE = (
    "gc {n} @{t:.3f}s 5%: 0.05+10+0.05 ms clock, 0.1+1.0/5.0/0+0.1 ms cpu, "
    "{start}->{end}->{marked} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, 2 P\n"
)


def written(folder: Path, text: str) -> Path:
    log = folder / "app.gctrace"
    log.write_text(text, encoding="utf-8")
    return log


def growing(cycles: int, grow: float) -> str:
    """A log whose live heap grows by `grow` MiB a cycle."""
    lines = []
    marked = 20.0
    for n in range(1, cycles + 1):
        live, marked = marked, marked + grow
        lines.append(
            LINE.format(
                n=n,
                t=0.1 * n,
                start=int(1.9 * live),
                end=int(1.95 * live),
                marked=int(marked),
                goal=int(2 * live),
            )
        )
    return "".join(lines)


@pytest.mark.parametrize(
    ("gogc", "roots"), [(50, 0.0), (50, 1.6), (100, 0.7), (400, 0.0), (400, 1.6)]
)
def test_stacks_and_globals_follow_from_rounded_goals(
    tmp_path: Path, gogc: int, roots: float
) -> None:
    """They are printed as 0 MB, each, up to a MiB, but make a tenth of the goal of a small heap."""
    rng = Streams(1)["marked"]
    lines, goal = [], 4 * gogc / 100
    for n in range(1, 121):
        marked = float(rng.uniform(6, 9))
        sizes = {"start": int(0.9 * goal), "end": int(goal), "marked": int(marked)}
        lines.append(LINE.format(n=n, t=0.1 * n, goal=int(goal), **sizes))
        goal = marked + (marked + roots) * gogc / 100
    log = read_gctrace(written(tmp_path, "".join(lines)))
    found = observe(log.lines, gogc, Load.BUSY, log.measured).roots
    assert found == pytest.approx(roots * MiB, abs=0.25 * MiB)


def test_a_fit_has_the_roots_that_were_seen() -> None:
    fit = fitted(GARBAGE)
    assert fit.program.roots == round(fit.observed.roots)


def test_a_program_without_idle_workers_is_busy() -> None:
    assert fitted(GARBAGE).program.load is Load.BUSY


def test_idle_workers_tell_that_load_limits_the_program() -> None:
    assert fitted(HEAPBENCH).program.load is Load.WAITING


def test_what_is_recognised_can_be_set(tmp_path: Path) -> None:
    log = written(tmp_path, growing(40, 0.1))
    assert fit_log(log).program.load is Load.BUSY
    assert fit_log(log, load="waiting").program.load is Load.WAITING
    with pytest.raises(UserError, match="expected busy or waiting, got 'idle'"):
        fit_log(log, load="idle")


def test_the_live_heap_is_what_was_marked_less_what_was_born_black() -> None:
    """heapbench keeps 64 MiB of nodes and a little more, whatever gctrace prints as marked."""
    fit = fitted(HEAPBENCH)
    assert fit.observed.live[fit.measured].mean() == pytest.approx(65 * MiB, rel=0.02)


def test_a_leak_shows_as_drift_and_a_steady_heap_as_none(tmp_path: Path) -> None:
    found = drift(fit_log(written(tmp_path, growing(60, 0.5))))
    assert found is not None
    assert found.growth == pytest.approx(29.5 * MiB, rel=0.15)
    assert drift(fitted(HEAPBENCH)) is None


def test_a_log_without_gctrace_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="GODEBUG=gctrace=1"):
        read_gctrace(written(tmp_path, "starting\nlistening on :8080\n"))


def test_too_few_cycles_say_what_can_be_told_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"only 2 cycles .* 20MiB alive, with a goal of 40MiB"):
        read_gctrace(written(tmp_path, growing(2, 0)))


def test_a_clock_that_runs_backwards_is_said_and_survived(tmp_path: Path) -> None:
    first, *rest = growing(12, 0).splitlines(keepends=True)
    fit = fit_log(written(tmp_path, "".join([first.replace("@0.100s", "@9.100s"), *rest])))
    assert any("clock ran backwards" in warning for warning in fit.warnings)
    assert fit.program.demand > 0


def test_heaps_below_a_mib_are_fitted_with_a_doubt(tmp_path: Path) -> None:
    line = LINE.format(n=1, t=0.1, start=0, end=0, marked=0, goal=4)
    lines = [line.replace("gc 1 @0.100", f"gc {n} @{n}.000") for n in range(1, 13)]
    fit = fit_log(written(tmp_path, "".join(lines)))
    assert any("so small" in warning for warning in fit.warnings)


def test_the_longest_of_several_processes_is_used(tmp_path: Path) -> None:
    log = read_gctrace(written(tmp_path, growing(3, 0) + growing(12, 0)))
    assert len(log.lines) == 12
    assert any("2 processes" in warning for warning in log.warnings)


def test_few_cycles_are_said(tmp_path: Path) -> None:
    warnings = fit_log(written(tmp_path, growing(4, 0))).warnings
    assert any("only 4 cycles" in warning for warning in warnings)


@pytest.mark.parametrize("gogc", [50, 100, 200, 400])
def test_gogc_shows_in_the_goals(gogc: int) -> None:
    for program in ("hbsteady", "garbage64"):
        log = read_gctrace(REAL / f"{program}.p2.gogc{gogc}.limnone.r0.gctrace.gz")
        assert log.segment.gogc == gogc
        assert log.segment.recognised


def test_the_workload_is_one_the_simulator_accepts(tmp_path: Path) -> None:
    from sim.config import load

    fit = fitted(GARBAGE)
    (tmp_path / "fitted.yaml").write_text(
        to_yaml(
            fit, "app.gctrace", load_profile("default-x86-64"), Container(memory=2 * GiB, cpu=2.0)
        )
    )
    (tmp_path / "run.yaml").write_text("workload: ./fitted.yaml\nduration: 1s\n")
    assert load(tmp_path / "run.yaml").workload


def test_growth_that_rounding_explains_is_smoothed_away() -> None:
    """Cycles that grow by half a MiB print 0 or 1; the pacer would take the 1 for a burst."""
    grown = np.tile([0.0, MiB], 20)
    smooth = smoothed(grown, np.full(40, 1e6), usual=MiB / 2, phases=40)
    assert smooth == pytest.approx(np.full(40, MiB / 2))


def test_growth_that_no_figure_can_show_is_what_the_program_allocates_otherwise() -> None:
    """The smallest heap there is starts every cycle at the same size: 3->3->0 MB says nothing."""
    smooth = smoothed(np.zeros(40), np.full(40, 1e6), usual=MiB / 10, phases=1)
    assert smooth.mean() == pytest.approx(MiB / 10, rel=0.1)


def test_as_many_cycles_come_out_as_were_logged() -> None:
    fit = fitted(GARBAGE)
    cycles = run(fit.program, fit.logged, 1, fit.overheads).cycles
    assert len(cycles) == pytest.approx(fit.measured.stop - fit.measured.start, rel=0.03)


@pytest.mark.parametrize(("mark_ms", "beside"), [(15.0, 0.06), (0.1, 0.0)])
def test_a_heap_of_which_marking_costs_little_has_little_beside_it(
    tmp_path: Path, mark_ms: float, beside: float
) -> None:
    """Large objects leave no room unused in their spans, and need few of them."""
    log = growing(16, 0).replace("0.1+1.0/5.0/0", f"0.1+0/{mark_ms}/0")
    assert fit_log(written(tmp_path, log)).overheads.share == pytest.approx(beside, abs=0.005)


def test_growth_beyond_rounding_keeps_its_scatter_and_its_mean() -> None:
    grown = np.tile([10.0 * MiB, 30.0 * MiB], 20)
    smooth = smoothed(grown, np.full(40, 1e6), usual=20.0 * MiB, phases=40)
    assert smooth.mean() == pytest.approx(grown.mean())
    assert smooth.std() == pytest.approx(grown.std(), rel=0.01)
