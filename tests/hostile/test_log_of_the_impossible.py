"""Lines that no program can have written are told and passed over, lest a fit never end."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import UserError
from sim.fitting.gctrace_log import read_gctrace
from tests.hostile.test_bounds import GC


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("4->5->2 MB", "4->9999999999999999999999->2 MB", "more bytes than there are addresses"),
        ("5 MB goal", "9" * 400 + " MB goal", "more bytes than there are addresses"),
        ("gc 9 ", "gc " + "9" * 400 + " ", "impossible value"),
        ("0.02+0/1.0/0+0.02 ms cpu", "0.02+999999999/1.0/0+0.02 ms cpu", "more CPU time than 2 Ps"),
        ("2 P", "4097 P", "GOMAXPROCS=4097"),
        ("5->2 MB", "5->99 MB", "more alive than there was"),
        ("@9.0s", "@99999999999s", "a time or a number"),
    ],
)
def test_an_impossible_line_is_passed_over(
    tmp_path: Path, before: str, after: str, reason: str
) -> None:
    lines = [GC.format(n=n) for n in range(1, 10)]
    lines[-1] = lines[-1].replace(before, after)
    (tmp_path / "log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    log = read_gctrace(tmp_path / "log")
    assert len(log.lines) == len(lines) - 1
    assert any(reason in warning for warning in log.warnings)


def test_a_log_of_such_lines_only_is_refused_for_what_they_say(tmp_path: Path) -> None:
    lines = (GC.format(n=n).replace("5->2 MB", "5->99 MB") for n in range(1, 10))
    (tmp_path / "log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 1: impossible: more alive than there was"):
        read_gctrace(tmp_path / "log")
