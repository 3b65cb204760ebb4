"""Compiled, every run tells the same, byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
CAN_COMPILE = shutil.which("cc") and Path(sysconfig.get_path("include"), "Python.h").is_file()
RUNS = """
import pickle
import sys
from contextlib import suppress
from pathlib import Path
import sim.actors.processor
from sim.config import load
from sim.errors import UserError
from sim.examples import examples
from sim.simulation import simulate
from tests.worlds import EVERYTHING, config_of

out, configs = Path(sys.argv[1]), Path(sys.argv[2])
for name in examples("workloads"):
    for seed, detail, duration in ((1, "events", "200ms"), (2, "fluid", "4s"), (3, "fluid", "4s")):
        keys = [f"seed={seed}", f"model.detail={detail}", f"duration={duration}"]
        with suppress(UserError):  # of a program that goes only event by event
            simulate(load(name, keys), out=out / f"{name}, {detail}, {seed}")
for name, config in {
    "everything": config_of(EVERYTHING),
    "one refill at a time": config_of(EVERYTHING, "model.resolution=refill", "duration=4ms"),
    "all that is told": config_of(EVERYTHING, "record.timeline=true", "GOMAXPROCS=5"),
    "an old pacer": config_of(EVERYTHING, "gc.pacer=go1.18", "gc.marker=greentea"),
    "no collection": config_of(EVERYTHING, "GOGC=off", "cgroup.memory=24MiB", "cgroup.cpu=1.5"),
    "a service": load(configs / "quickstart.yaml", ["duration=500ms"]),
    "near a limit": load(configs / "limit-near.yaml", ["duration=500ms"]),
    "near a limit, as rates": load(
        configs / "limit-near.yaml", ["duration=5s", "model.detail=fluid", "cgroup.memory=300MiB"]
    ),
    "an old pacer, as rates": load(
        configs / "quickstart.yaml", ["duration=5s", "model.detail=fluid", "gc.pacer=go1.5"]
    ),
    "another seed": config_of(EVERYTHING, "seed=7", "GOMAXPROCS=3"),
    "deep stacks": load(configs / "deep-stacks.yaml", ["duration=500ms"]),
}.items():
    simulate(config, out=out / name)
log = configs.parent / "data" / "logs" / "service.gctrace"
sim.whatif(log, "50,off", "none,192MiB").to_parquet(out / "whatif.parquet")
assert pickle.loads(pickle.dumps(sim.fit(log))).program == sim.fit(log).program  # for processes
print(sim.actors.processor.__file__)
"""


def contents(file: Path) -> bytes | pa.Table:
    """The bytes of a table; of the table `run`, all but what it was simulated with."""
    if file.name != "run.parquet":
        return file.read_bytes()
    return pq.read_table(file).drop_columns(["provenance", "gomemsim"])


def told(out: Path, *path: Path, pure: str = "") -> tuple[dict[Path, bytes | pa.Table], str]:
    """The files of all runs, and where the simulator came from that was first on the path."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "GOMEMSIM_PURE": pure,
    }
    command = [sys.executable, "-c", RUNS, str(out), str(ROOT / "configs")]
    out.mkdir()
    ran = subprocess.run(
        command, check=True, env=environment, cwd=out, text=True, stdout=subprocess.PIPE
    )
    files = {file.relative_to(out): contents(file) for file in sorted(out.rglob("*.parquet"))}
    return files, ran.stdout


def install(folder: Path) -> None:
    """Install the package into a folder, compiled."""
    flags = ["--quiet", "--no-deps", "--target", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags], check=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not CAN_COMPILE, reason="needs a C compiler and the headers of Python")
def test_compiled_runs_tell_the_same(tmp_path: Path) -> None:
    install(tmp_path / "compiled")
    plain, source = told(tmp_path / "plain", ROOT, pure="1")
    compiled, library = told(tmp_path / "fast", tmp_path / "compiled", ROOT)
    assert source.endswith("processor.py\n")
    assert library.endswith(".so\n")
    assert compiled == plain
