"""Runs are kept wherever fsspec can write, and read back from there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

import sim
from sim.errors import UserError
from sim.experiment.design import design
from sim.experiment.grid import points
from sim.experiment.processes import processes
from sim.experiment.sweep import stored, sweep
from sim.record.places import place
from sim.results import Results


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """A file system of its own for one test."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_a_sweep_in_a_bucket_goes_on_where_it_stopped(
    memory: fsspec.AbstractFileSystem, tiny: Path
) -> None:
    folder = place("memory://bucket/sweep-a")
    todo = points(tiny, design("grid", ["GOGC=50,100"]), 1)
    assert sweep(todo[:1], folder, processes(1)) == []
    first = memory.created(f"/bucket/sweep-a/{todo[0].name}/run.parquet")
    # Whoever was killed while it copied left no seal.
    memory.pipe(f"/bucket/sweep-a/{todo[1].name}/cycles.parquet", b"half")
    assert not stored(todo[1], folder)
    assert sweep(todo, folder, processes(1)) == []
    assert memory.created(f"/bucket/sweep-a/{todo[0].name}/run.parquet") == first
    tiny.write_text(tiny.read_text(encoding="utf-8").replace("20ms", "10ms"), encoding="utf-8")
    changed = points(tiny, design("grid", ["GOGC=50"]), 1)
    assert sweep(changed, folder, processes(1)) == []
    kept = {name for name in memory.find("/bucket") if name.endswith("/run.parquet")}
    assert kept == {f"/bucket/sweep-a/{p.name}/run.parquet" for p in (changed[0], todo[1])}
    assert memory.exists("/bucket/sweep-a/summary.parquet")
    assert not [name for name in memory.find("/bucket") if "partial" in name]


def test_runs_open_from_a_url_as_from_a_folder(
    memory: fsspec.AbstractFileSystem, tiny: Path, tmp_path: Path
) -> None:
    todo = points(tiny, design("grid", ["GOGC=50,100"]), 1)
    for folder in (place("memory://bucket/sweep-a"), tmp_path / "sweep-a"):
        sweep(todo, folder, processes(1))
    far, near = sim.load("memory://bucket/sweep-*"), sim.load(f"{tmp_path}/sweep-*")
    assert isinstance(far, Results)
    assert isinstance(near, Results)
    assert far.table("cycles").equals(near.table("cycles"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nowhere://bucket/a", "nowhere://bucket/a: "),
        ("memory://bucket/a", "memory://bucket/a: no such folder"),
        ("memory://bucket/*", "no folder that matches holds a run"),
    ],
)
@pytest.mark.usefixtures("memory")
def test_wrong_urls_are_sentences(url: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence.replace("*", r"\*")):
        sim.load(url)
