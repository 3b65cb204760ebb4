"""Contention over GOMAXPROCS is one command, which says what the exact mode will cost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sim.cli import main


def test_a_curve_over_ps_with_the_exact_mode_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "contention",
        "json-api",
        "--gomaxprocs",
        "1,4",
        "--exact",
        "--set",
        "duration=12ms",
        "--set",
        "workload.stores.sessions.size=64KiB",
        "--set",
        "record.warmup=0s",
        "--out",
        str(tmp_path / "runs"),
        "--table",
        str(tmp_path / "locks.csv"),
        "-o",
        str(tmp_path / "curve.svg"),
    ]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    printed = capsys.readouterr()
    assert not end.value.code, printed.err
    assert printed.err.count("2 runs: about") == 2
    assert "mcentral[" in printed.out
    rows = pd.read_csv(tmp_path / "locks.csv").set_index(["refills", "setting", "lock"])
    for refills in ("batches", "exact"):
        assert rows.loc[(refills, "GOMAXPROCS=1", "all"), "wait_ns"] == 0
        assert rows.loc[(refills, "GOMAXPROCS=4", "all"), "acquisitions"] > 0
    assert (tmp_path / "curve.svg").read_text(encoding="utf-8").count("GOMAXPROCS")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "GOMAXPROCS=3"], "GOMAXPROCS is set for all runs, and GOMAXPROCS is varied"),
        (["--set", "model.resolution=refill"], "model.resolution is set twice"),
        (["--gomaxprocs", "4,04"], "are the same setting"),
        (["--out", " "], "--out: expected a folder, got ' '"),
    ],
)
def test_what_the_command_sets_itself_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["contention", "json-api", *arguments])
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert sentence in told
    assert len(told.splitlines()) == 1
