"""A script that ends a command by a signal learns from the exit code which one it was."""

from __future__ import annotations

import signal

import pytest

from sim.cli import main
from sim.cli.ending import Interrupted
from sim.cli.help import Grouped


@pytest.mark.parametrize("moment", ["make_context", "invoke"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_at_any_moment_of_a_command_is_told_with_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    moment: str,
    number: signal.Signals,
    code: int,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise Interrupted(number)

    monkeypatch.setattr(Grouped, moment, interrupted)
    with pytest.raises(SystemExit) as end:
        main(["sizeclasses"])
    assert end.value.code == code
    assert capsys.readouterr().err == "gomemsim: interrupted\n"
