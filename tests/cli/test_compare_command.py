"""`gomemsim compare` as typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.cli import main
from sim.experiment import worker

ROOT = Path(__file__).parents[2]


def test_a_grid_becomes_one_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = [
        "compare",
        "configs/hbsteady.yaml",
        "--gogc",
        "50,100",
        "--seeds",
        "1",
        "--jobs",
        "1",
        "--set",
        "duration=20ms",
        "--baseline",
        "GOGC=100",
        "--out",
        str(tmp_path / "sweep-x"),
    ]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, _ = capsys.readouterr()
    assert not end.value.code
    assert "| GOGC" in out
    assert "baseline" in out
    assert len(list((tmp_path / "sweep-x").rglob("run.parquet"))) == 2


def test_a_wide_grid_is_screened_as_rates_and_only_the_best_is_simulated_in_detail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = [
        "compare",
        "configs/hbsteady.yaml",
        "--gogc",
        "50,100,400",
        "--gomaxprocs",
        "1,2",
        "--seeds",
        "1",
        "--jobs",
        "1",
        "--set",
        "duration=250ms",
        "--out",
        str(tmp_path / "wide"),
        "--screen",
    ]
    tables = []
    for _ in range(2):  # the second time everything is stored
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert not end.value.code
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]
    screened, detailed = tables[0].split("in detail:")
    rows = [line for line in screened.splitlines() if line.startswith(("| 50", "| 100", "| 400"))]
    assert len(rows) == 6
    optimal = sum("| yes" in row for row in rows)
    assert 0 < optimal < 6
    assert len(list((tmp_path / "wide").rglob("run.parquet"))) == optimal
    assert "latency p99" in detailed
    assert "latency p99" not in screened


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--gogc", "5x"], "GOGC"),
        (["--vary", "model.assist=true"], "did you mean 'assists'"),
        (["--vary", "nothing"], "expected key.path=value,value"),
        (["--gogc", "50", "--baseline", "GOGC=7"], "expected exactly one of the settings"),
        (["--gogc", "50,100", "--set", "GOGC=200"], "expected one or the other"),
        (["--vary", "gc.pacer=go1.18,go1.5", "--set", "gc.pacer.x=1"], "gc.pacer is varied"),
        (["--gogc", "50", "--set", "duration=1s", "--set", "duration=2s"], "duration is set twice"),
        (["--gogc", "50,050"], "GOGC=50 and GOGC=050 are the same setting"),
        (["--gomemlimit", "1GiB,off,1024MiB"], "GOMEMLIMIT=1GiB and GOMEMLIMIT=1024MiB are the"),
        (["--vary", "seed=1,2"], "the number of --seeds"),
        (["--gogc", "50", "--out", ""], "--out: expected a folder, got ''"),
    ],
)
def test_a_typo_is_one_sentence(
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as end:
        main(["compare", "configs/hbsteady.yaml", *arguments])
    _, err = capsys.readouterr()
    assert end.value.code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_many_runs_that_fail_alike_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(worker, "simulate", fail)
    config = str(ROOT / "configs" / "hbsteady.yaml")
    with pytest.raises(SystemExit) as end:
        main(["compare", config, "--gogc", "50,100", "-q", "--jobs", "1", "--out", str(tmp_path)])
    told = capsys.readouterr().err.splitlines()
    assert end.value.code == 1
    assert told == ["gomemsim: GOGC=50 seed=1: ZeroDivisionError: by zero (and so 9 more runs)"]
