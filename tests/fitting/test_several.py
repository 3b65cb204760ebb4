"""Several logs of one program: what hangs on the number of cycles is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.advice.prediction import predict
from sim.cli import main
from sim.errors import UserError
from sim.fitting.fit_log import fit_log
from sim.replay.setting import Setting

MORE = Path(__file__).parents[1] / "golden" / "real-more"


def log(program: str, gogc: int, procs: int = 2) -> Path:
    return MORE / f"{program}.p{procs}.gogc{gogc}.limnone.r0.gctrace.gz"


def cycles(logs: list[Path], gogc: int) -> tuple[float, float]:
    """Predicted cycles, and how wide their interval is (high / low)."""
    fit = fit_log(logs[0], also=logs[1:])
    (found,) = predict(fit, [Setting(gogc, None, 2)])
    return found.middle.gc_cycles, found.high.gc_cycles / found.low.gc_cycles


@pytest.mark.slow
def test_a_pool_that_cycles_empty_shows_in_two_logs() -> None:
    """encoding/json with a pooled buffer: 660, 179, 72 and 32 cycles at GOGC=50, 100, 200, 400."""
    alone, wide = cycles([log("json", 100)], 400)
    both, narrow = cycles([log("json", 100), log("json", 50)], 400)
    assert abs(both - 32) < abs(alone - 32)
    assert narrow < wide


def test_a_program_without_pools_has_hardly_anything_per_cycle() -> None:
    fit = fit_log(log("hbbig", 100), also=[log("hbbig", 50)])
    each = fit.observed.allocated[fit.measured].mean()
    assert fit.program.procs * fit.program.cached < 0.05 * each
    assert any("come with the cycle, not with the work" in line for line in fit.assumptions)


def test_logs_of_other_ps_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["whatif", str(log("hbbig", 100)), "--also", str(log("hbbig", 50, procs=1)), "-q"])
    assert ended.value.code == 2
    assert "--also: expected a log with GOMAXPROCS=2, got one with 1" in capsys.readouterr().err


def test_the_log_itself_is_no_other_run() -> None:
    with pytest.raises(UserError, match=r"--also: .*: expected another run"):
        fit_log(log("hbbig", 100), also=[log("hbbig", 100)])


def test_a_log_of_another_program_is_refused() -> None:
    with pytest.raises(UserError, match=r"--also: expected a log of the same program .*, got "):
        fit_log(log("hbbig", 100), also=[log("hbleak", 100)])
