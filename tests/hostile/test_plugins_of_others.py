"""A config of somebody else can be checked without running what it brings along."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.cli import main
from sim.registry import REGISTRIES
from tests.hostile.test_bounds import TINY

ROOT = Path(__file__).parents[2]
THEIRS = """
from dataclasses import dataclass
from pathlib import Path
from sim.go.pacer import pacers
from sim.go.pacer.go127 import Go127Pacer

Path(__file__).with_name("ran").touch()

@pacers.register("theirs{n}")
@dataclass
class Theirs(Go127Pacer):
    part: float = 0.5
    def trigger(self):
        {body}
        return super().trigger()
"""


@pytest.fixture(autouse=True)
def registries_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a plug-in registers here, no other test sees."""
    for registry in REGISTRIES.values():
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))


def written(folder: Path, body: str, n: int, tail: str = "") -> Path:
    (folder / "theirs.py").write_text(THEIRS.format(body=body, n=n) + tail, encoding="utf-8")
    config = folder / "theirs.yaml"
    pacer = f"gc: {{pacer: {{theirs{n}: {{part: 0.25}}}}}}\n"
    config.write_text(f"{TINY}plugins: [theirs.py]\n{pacer}", encoding="utf-8")
    return config


def typed(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def test_a_check_runs_no_plug_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path, "pass", 1)
    assert typed("check", str(config)) == 0
    out = capsys.readouterr().out
    assert f"{config}: right" in out
    assert "theirs.py, a Python program that `run` runs" in out
    assert not (tmp_path / "ran").exists()
    assert typed("check", str(config), "--set", "GOMAXPROCS=0") == 2
    assert typed("check", str(config), "--set", "workload.mixes.small.0.size=theirs") == 0
    assert typed("check", str(config), "--set", "workload.mixes.small.0.size=1MB") == 2
    assert not (tmp_path / "ran").exists()
    assert typed("run", str(config), "--out", str(tmp_path / "r")) == 0
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(("n", "end"), [(2, "sys.exit(5)"), (3, "raise KeyboardInterrupt")])
@pytest.mark.parametrize("when", ["imported", "used"])
def test_a_plug_in_that_ends_the_process_is_told_as_its_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], n: int, end: str, when: str
) -> None:
    if when == "imported":
        config = written(tmp_path, "pass", n, f"\nimport sys\n{end}\n")
    else:
        config = written(tmp_path, f"import sys; {end}", n + 10)
    assert typed("run", str(config), "--out", str(tmp_path / "r")) == 2
    err = capsys.readouterr().err
    assert "theirs" in err
    assert {"SystemExit", "KeyboardInterrupt"} & set(err.replace(":", " ").split())
    assert err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_not_taken_for_a_fault_of_the_plug_in(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    config = written(tmp_path, "import time; time.sleep(0.05)", 4)
    command = [sys.executable, "-m", "sim", "run", str(config), "--set", "duration=1h", "--out"]
    run = subprocess.Popen(
        [*command, str(tmp_path / "r")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "r" / "partial").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    os.kill(run.pid, number)
    _, err = run.communicate(timeout=120)
    assert run.returncode == code
    assert err == f"gomemsim: interrupted; the partial result is in {tmp_path / 'r' / 'partial'}\n"
