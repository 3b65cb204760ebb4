"""Ctrl-C keeps what there is: tables that open, marked as partial, and it says where they are."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sim
from sim.record.facts import Status

ROOT = Path(__file__).parents[2]
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


def _heed_ctrl_c() -> None:
    """Shells start what they put into the background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_run_is_readable_and_says_where_it_is(tmp_path: Path) -> None:
    out = tmp_path / "run"
    sets = ("--set", "duration=10h", "--set", "workload.stores.sessions.size=1MiB")
    run = subprocess.Popen(
        [sys.executable, "-m", "sim", "run", "configs/quickstart.yaml", *sets, "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 - no threads yet
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.7)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == INTERRUPTED
    assert f"interrupted; the partial result is in {out}" in errors
    assert "Traceback" not in errors
    result = sim.load(out)
    assert result.partial
    assert result.run["status"] == Status.INTERRUPTED
    assert result.end_ns > 0
    assert not result.cycles.empty
    assert not result.requests.empty
    assert result.requests["end_ns"].max() <= result.end_ns
    assert len(result.samples) > 1
    assert not list(out.glob("*.tmp"))
