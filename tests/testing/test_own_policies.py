"""A user's own pacer runs by its name, from a file or a package, and its nonsense is stopped."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.go.pacer import pacers
from sim.results.load import load_run
from sim.workload.distributions import distributions

CONFIG = """
workload: small
GOMAXPROCS: 2
duration: 50ms
{settings}
"""
WORKLOAD = """
mixes: {node: [{size: 64B, pointers: 4}]}
goroutines:
  request:
    steps: [{work: {cpu: 50us, allocate: 64KiB, of: node}}]
load: {clients: {goroutine: request, arrivals: {poisson: 8000/s}}}
"""
PACER = """
from dataclasses import dataclass
from math import inf, nan

from sim.go.pacer import pacers
from sim.go.pacer.go127 import Go127Pacer


@pacers.register("mine")
@dataclass
class Mine(Go127Pacer):
    '''Go's pacer with another answer.'''

    early: float = 0.5

"""
HALFWAY = """
    def trigger(self):
        trigger, goal = super().trigger()
        return self.heap_marked + int(self.early * (goal - self.heap_marked)), goal
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of one user, and registries that forget what they register."""
    monkeypatch.setattr(pacers, "_classes", dict(pacers._classes))
    (tmp_path / "small.yaml").write_text(WORKLOAD)
    return tmp_path


def write(folder: Path, settings: str, pacer: str, name: str) -> list[str]:
    (folder / f"{name}.py").write_text(PACER + pacer)
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(settings=settings))
    return ["run", str(config), "--out", str(folder / "out")]


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--quiet"])
    return int(end.value.code or 0), capsys.readouterr().err


def test_a_pacer_beside_the_config_paces(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = "plugins: [beside.py]\ngc: {pacer: {mine: {early: 0.25}}}"
    arguments = write(folder, settings, HALFWAY, "beside")
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--gctrace", "--quiet"])
    assert not end.value.code
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("gc 1 @")
    assert " 1->" in first  # a quarter of 4 MiB


def test_a_pacer_from_an_installed_package_paces(folder: Path) -> None:
    package = folder / "site"
    info = package / "own_pacer-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-pacer\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gomemsim.pacer]\nmine = own_pacer:Mine\n")
    arguments = write(folder, "gc: {pacer: mine}", HALFWAY, "own_pacer")
    (folder / "own_pacer.py").rename(package / "own_pacer.py")
    done = subprocess.run(
        [sys.executable, "-m", "sim", *arguments, "--gctrace", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{package}:{Path(__file__).parents[2]}"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert " 2->" in done.stdout.splitlines()[0]  # half of 4 MiB


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("trigger(self): return nan, self.heap_goal()", "the trigger nan; expected 0 to its goal,"),
        ("trigger(self): return -5, self.heap_goal()", "the trigger -5; expected 0 to its goal,"),
        ("trigger(self): return 9, 7", "the trigger 9; expected 0 to its goal, 7"),
        ("trigger(self): return 1.5, 7", "the trigger 1.5; expected 0 to its goal, 7"),
        ("trigger(self): return 9, -1", "the heap goal -1; expected at least the marked heap, 0"),
        ("trigger(self): return 0, inf", "the heap goal inf; expected at least the marked heap, 0"),
        (
            "revise(self): self.assist_work_per_byte = nan",
            "the assist ratio nan; expected 0 or more",
        ),
        (
            "revise(self): self.assist_bytes_per_work = -1.0",
            "the assist ratio -1.0; expected 0 or more",
        ),
    ],
)
def test_nonsense_is_one_sentence_with_the_pacer_and_the_value(
    folder: Path, capsys: pytest.CaptureFixture[str], answer: str, sentence: str
) -> None:
    settings = "plugins: [wrong.py]\ngc: {pacer: mine}"
    arguments = write(folder, settings, f"    def {answer}\n", "wrong")
    code, err = fails(arguments, capsys)
    assert code == 1
    assert f"pacer 'mine' returned {sentence}" in err
    assert len(err.splitlines()) == 1


def test_a_ratio_that_breaks_while_marking_is_stopped(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = (
        "    def update(self, live, scan):\n"
        "        super().update(live, scan)\n"
        "        if self.marking: self.assist_work_per_byte = nan\n"
    )
    settings = "plugins: [late.py]\ngc: {pacer: mine}"
    code, err = fails(write(folder, settings, late, "late"), capsys)
    assert code == 1
    assert "pacer 'mine' returned the assist ratio nan" in err


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("    def end_cycle(self, now, procs): return 1 // 0\n", 16),
        ("    def end_cycle(self, now, procs): nothing()\n\n\ndef nothing(): 1 / 0\n", 19),
    ],
)
def test_an_error_of_a_pacer_is_one_sentence_and_the_result_stays(
    folder: Path, capsys: pytest.CaptureFixture[str], wrong: str, line: int
) -> None:
    arguments = write(folder, "plugins: [raises.py]\ngc: {pacer: mine}", wrong, "raises")
    code, err = fails(arguments, capsys)
    assert code == 2
    assert re.match(
        rf"gomemsim: the .*pacer 'mine' failed in .*raises.py:{line}: ZeroDivisionError: .* by zero"
        rf"; the partial result is in {folder / 'out' / 'partial'}$",
        err,
    )
    assert len(err.splitlines()) == 1
    result = load_run(folder / "out")
    assert result.run["status"] == "failed"
    assert "ZeroDivisionError" in result.run["reason"]
    assert len(result.samples) > 0


def test_an_error_while_the_config_is_read_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributions, "_classes", dict(distributions._classes))
    own = """
from dataclasses import dataclass
from sim.workload.distributions import distributions
@distributions.register("odd")
@dataclass(frozen=True)
class Odd:
    low: float
    def mean(self): return self.low / 0
    def quantile(self, u): return u
"""
    (folder / "odd.py").write_text(own)
    (folder / "small.yaml").write_text(WORKLOAD.replace("size: 64B", "size: {odd: {low: 64B}}"))
    arguments = write(folder, "plugins: [odd.py]", HALFWAY, "unused")
    code, err = fails(arguments, capsys)
    assert code == 2
    assert err.startswith("gomemsim: the distribution 'odd' failed in ")
    assert err.endswith("odd.py:8: ZeroDivisionError: division by zero\n")


def test_a_file_that_does_not_load_is_a_mistake(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = "plugins: [broken.py]\ngc: {pacer: mine}"
    code, err = fails(write(folder, settings, "    1 / 0\n", "broken"), capsys)
    assert code == 2
    assert "config.yaml:5: plugins.0: the plug-in file" in err
    assert "cannot be loaded: ZeroDivisionError: division by zero" in err
