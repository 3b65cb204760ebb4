"""Kills, full disks, missing rights and clock jumps at random moments lose nothing.

`make faults` does this at 500 points, some of them on a cluster.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "reliability.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks and signals")
def test_faults_at_random_moments_lose_nothing() -> None:
    command = [sys.executable, str(BENCHMARK), "--points", "24", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| all | 24 | 0 |" in done.stdout
