"""Kills, full disks, hostile options and files, extreme programs: a sentence, and nothing is lost.

`make faults` does this at 500 points, some of them on a cluster.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="forks and signals")
def test_faults_at_random_moments_lose_nothing() -> None:
    command = [sys.executable, "-m", "benchmarks.reliability", "--points", "24", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "| all | 24 | 0 |" in done.stdout
