"""Run a world to its end: from a config to stored tables."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import yaml

from sim.actors.malloc import materialise
from sim.actors.reporting import report_free_runs, report_locks, report_spans
from sim.build import build
from sim.config import load, resolved
from sim.config.run import RunConfig
from sim.record.facts import RunInfo, Status
from sim.record.parquet import ParquetSink
from sim.record.recorder import MemorySink, Recorder
from sim.results.load import load_run
from sim.results.result import Result
from sim.world import Process, World

STEPS = 200
"""How often a run reports its progress."""


def simulate(
    config: RunConfig | str | Path,
    out: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Simulate one config; tables go to the folder `out`, or stay in memory.

    An interruption (Ctrl-C) seals what there is and goes on as KeyboardInterrupt; the folder then
    holds a readable, partial run.
    """
    if not isinstance(config, RunConfig):
        config = load(Path(config))
    memory = MemorySink()
    recorder = Recorder(
        memory if out is None else ParquetSink(out), run_info(config, Status.RUNNING)
    )
    world = build(config, recorder.emit)
    status, reason = Status.FAILED, ""
    try:
        reason = run(world, progress)
        status = Status.OOM_KILLED if reason else Status.COMPLETE
    except KeyboardInterrupt:
        status, reason = Status.INTERRUPTED, "interrupted"
        raise
    except Exception as error:
        reason = str(error)
        raise
    finally:
        report_spans(world)
        report_free_runs(world)
        report_locks(world)
        recorder.seal(run_info(config, status, reason, world))
    if out is None:
        return Result(config.workload, memory.table)
    return load_run(out)


def run(world: World, progress: Callable[[float], None] | None) -> str:
    """Advance the clock until the duration is over or all batches are done.

    Returns why the process was killed before; empty if it was not.
    """
    env = world.env
    env.process(_deadline(world, progress))
    killed: str | None = env.run(until=world.finished)
    materialise(world)  # the last batch belongs to the run
    if progress is not None:
        progress(1.0)
    return killed or ""


def _deadline(world: World, progress: Callable[[float], None] | None) -> Process[None]:
    step = max(1, world.duration // STEPS)
    while world.env.now < world.duration:
        yield world.env.timeout(min(step, world.duration - world.env.now))
        if progress is not None:
            progress(world.env.now / world.duration)
    if not world.finished.triggered:
        world.finished.succeed()


def run_info(
    config: RunConfig, status: Status, reason: str = "", world: World | None = None
) -> RunInfo:
    """The row of the table `run`."""
    return RunInfo(
        config=yaml.safe_dump(resolved(config), sort_keys=False), seed=config.seed,
        workload=config.workload, profile=config.machine, gomemsim=version("gomemsim"),
        python=platform.python_version(), numpy=np.__version__, status=status, reason=reason,
        end_ns=world.env.now if world else 0, events=world.env.events if world else 0,
    )  # fmt: skip
