"""The same config and seed give the same bytes, in whichever process and hash order they run."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.simulation import simulate
from tests.worlds import EVERYTHING, config_of

ROOT = Path(__file__).parents[2]
RUN = """
import sys
from pathlib import Path
from sim.simulation import simulate
from tests.worlds import EVERYTHING, config_of
out, *sets = sys.argv[1:]
simulate(config_of(EVERYTHING, *sets), out=Path(out))
"""


def tables(out: Path, hash_seed: str, *sets: str) -> dict[str, bytes]:
    """The files of a run that a process of its own has made."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", RUN, str(out), *sets]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    return files(out)


def made_here(out: Path, *sets: str) -> dict[str, bytes]:
    """The files of a run that this process has made, whatever ran in it before."""
    simulate(config_of(EVERYTHING, *sets), out=out)
    return files(out)


def files(out: Path) -> dict[str, bytes]:
    """All files of a run."""
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return tables(tmp_path_factory.mktemp("reference") / "run", "0")


def test_hash_order_and_process_change_no_byte(reference: dict[str, bytes], tmp_path: Path) -> None:
    assert "cycles.parquet" in reference
    assert tables(tmp_path / "run", "4242") == reference


def test_another_seed_is_another_run(reference: dict[str, bytes], tmp_path: Path) -> None:
    other = made_here(tmp_path / "run", "seed=2")
    assert other.keys() == reference.keys()
    for name in ("requests", "cycles", "samples", "spans", "locks"):
        assert other[f"{name}.parquet"] != reference[f"{name}.parquet"]


def test_refills_one_by_one_are_as_reproducible(tmp_path: Path) -> None:
    sets = ("model.resolution=refill", "duration=4ms")
    assert tables(tmp_path / "1", "1", *sets) == made_here(tmp_path / "2", *sets)


def test_a_second_run_in_the_same_process_is_the_same(
    reference: dict[str, bytes], tmp_path: Path
) -> None:
    for name in ("first", "second"):
        assert made_here(tmp_path / name) == reference


def test_a_run_leaves_pythons_own_collector_as_it_was() -> None:
    usual, before = gc.get_threshold(), (700, 10, 10)
    during: list[tuple[int, int, int]] = []
    gc.set_threshold(*before)
    try:
        simulate(config_of(EVERYTHING), progress=lambda _: during.append(gc.get_threshold()))
        assert during[0] != before
        assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*usual)
