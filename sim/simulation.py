"""Run a world to its end: from a config to stored tables."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from sim.build import Run, build
from sim.config import load, resolved
from sim.config.provenance import SIMULATOR, provenance
from sim.config.run import AUTO, RunConfig
from sim.errors import UserError
from sim.precision import Enough, warm_up
from sim.python_gc import one_of_many_runs
from sim.record.facts import Phase, RunInfo, Status
from sim.record.parquet import PARTIAL, ParquetSink, read_table
from sim.record.phases import PhaseName
from sim.record.recorder import MemorySink, Recorder
from sim.registry import fault
from sim.results.load import load_run
from sim.results.result import Result
from sim.runtime.state import Process, Runtime, Stopped

STEPS: Final = 200
"""How often a run reports its progress."""
FAST: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml writes the same text."""


@one_of_many_runs()
def simulate(
    config: RunConfig | str | Path,
    out: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> Result:
    """Simulate one config; tables go to the folder `out`, or stay in memory.

    A run that was in the folder is replaced once this one is whole. An interruption (Ctrl-C) seals
    what there is and goes on as KeyboardInterrupt, whose note says where: in `partial` inside the
    folder. So it is with any error; that of a plug-in is a UserError.
    """
    if not isinstance(config, RunConfig):
        config = load(Path(config))
    memory, info = MemorySink(), run_info(config, Status.RUNNING)
    recorder = Recorder(memory if out is None else ParquetSink(out), info)
    recorder.emit(Phase(PhaseName.START_UP, 0, "the program starts"))
    run = _built(config, recorder.emit)
    recorder.begin()
    read = memory.table if out is None else partial(read_table, out / PARTIAL)

    def so_far() -> Result:
        recorder.flush()
        return Result(config.workload, read)

    enough = None
    if config.duration == AUTO and config.program.serves:
        enough = Enough(config, so_far)
    status, reason = Status.FAILED, ""
    try:
        status, reason = run_to_end(run, progress, enough)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            status = Status.INTERRUPTED
        wrong = fault(error)
        reason = wrong or str(error) or type(error).__name__
        failure = UserError(wrong) if wrong else error
        if out:
            failure.add_note(f"the partial result is in {out / PARTIAL}")
        if wrong:
            raise failure from error
        raise
    finally:
        run.mode.report()
        emit_service(config, so_far(), recorder)
        end, events = round(run.runtime.clock.now), run.runtime.clock.events
        recorder.seal(info._replace(status=status, reason=reason, end_ns=end, events=events))
    if out is None:
        return Result(config.workload, memory.table)
    return load_run(out)


def emit_service(config: RunConfig, run: Result, recorder: Recorder) -> None:
    """Write down when service began, from what the run did until now; nothing without load."""
    if not config.program.serves:
        recorder.emit(Phase(PhaseName.SERVICE, 0, "batches count whole"))
        return
    begins = dict(zip(run.phases["phase"], run.phases["begin_ns"].tolist(), strict=True))
    load = begins.get(PhaseName.WARM_UP)
    if load is None:
        return
    found = warm_up(config, run, load)
    recorder.emit(Phase(PhaseName.SERVICE, found.end_ns, found.reason))


def _built(config: RunConfig, emit: Callable[[Any], None]) -> Run:
    """What runs; nothing is stored before it could be built."""
    try:
        return build(config, emit)
    except Exception as error:
        if wrong := fault(error):
            raise UserError(wrong) from error
        raise


def run_to_end(
    run: Run, progress: Callable[[float], None] | None, enough: Enough | None
) -> Stopped:
    """Go on until the duration is over, all batches are done, or something ends it before.

    Returns how it ended, and if before its time, why; where its time was open, what it knows.
    """
    clock = run.runtime.clock
    clock.process(_deadline(run.runtime, progress, enough))
    stopped: Stopped | None = clock.run(until=run.runtime.finished)
    run.mode.finish()
    if progress is not None:
        progress(1.0)
    return stopped or Stopped(Status.COMPLETE, enough.outcome if enough else run.mode.remark)


def _deadline(
    runtime: Runtime, progress: Callable[[float], None] | None, enough: Enough | None
) -> Process[None]:
    clock, duration = runtime.clock, runtime.settings.duration
    step = max(1, duration // STEPS)
    while clock.now < duration:
        yield clock.timeout(min(step, duration - clock.now))
        if progress is not None:
            progress(clock.now / duration)
        if enough is not None and enough.at(int(clock.now)):
            break
    if not runtime.finished.triggered:
        runtime.finished.succeed()


def run_info(config: RunConfig, status: Status) -> RunInfo:
    """The row of the table `run`."""
    return RunInfo(
        config=yaml.dump(resolved(config), Dumper=FAST, sort_keys=False),
        seed=config.seed,
        workload=config.workload,
        detail=config.model.detail,
        profile=config.machine,
        gomemsim=version(SIMULATOR),
        provenance=provenance(config),
        python=platform.python_version(),
        numpy=np.__version__,
        status=status,
        reason="",
        end_ns=0,
        events=0,
    )
