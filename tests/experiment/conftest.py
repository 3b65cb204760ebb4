"""A tiny config of its own, so that a sweep takes no time."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Twenty milliseconds of a program that allocates."""
    path = tmp_path / "tiny.yaml"
    workload = ROOT / "workloads" / "hbsteady.yaml"
    path.write_text(
        f"workload: {workload}\nGOMAXPROCS: 2\nduration: 20ms\nrecord: {{samples: 5ms}}\n",
        encoding="utf-8",
    )
    return path
