"""Twin and simulator side by side: the same workload, the same settings, real and simulated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import joblib
import numpy as np
import pandas as pd

from sim.config import RunConfig, load
from sim.files import replacing, write
from sim.simulation import simulate
from sim.truth.accuracy import compared
from sim.truth.host import QUIET, undisturbed
from sim.truth.marking import OWN_GOGC, own_run, save_machine
from sim.truth.recorded import RecordedFigures, RecordedSetting, read_recorded, simulated
from sim.truth.scans import green_tea
from sim.truth.toolchain import chosen_go, go_version
from sim.truth.twin import build_twin, run_twin, twin_spec
from sim.workload import program as spec
from sim.workload.distributions import Constant

GRID: Final[Mapping[str, tuple[str, ...]]] = {
    "GOMAXPROCS": ("1", "2"),
    "GOGC": ("50", "100", "200", "400"),
}
"""Settings under which a workload is validated unless others are asked for."""
TABLE: Final = "validation.parquet"
OWN_RUNS: Final = "own"
"""Folder of the runs that tell what marking costs in the heaps of the workloads."""
OWN: Final = "own"
"""Mix of what a real program has in its heap that is not the workload's."""
OWN_OBJECT: Final = 512
"""Bytes of such an object: a slot, without a header."""
OWN_FILLED: Final = 0.5
"""Part of the words of those with pointers that lead to an object."""
Report = Callable[[float], None]


class ValidatedPoint(NamedTuple):
    """One workload under one setting."""

    setting: RecordedSetting
    config: RunConfig


def validate(
    sources: Sequence[Path],
    *,
    out: Path,
    grid: Mapping[str, Sequence[str]] = GRID,
    sets: Sequence[str] = (),
    repetitions: int = 3,
    go: Path | None = None,
    progress: Report | None = None,
    own_costs: bool = True,
) -> pd.DataFrame:
    """Run each config, or workload, for real and simulated under all settings of a grid.

    `go` is the command of the Go to compare with, whose version the simulator takes; without it the
    Go that is installed. With `own_costs`, marking costs what it costs in the heap of each workload
    (`sim.truth.marking`), else what it costs in the heaps of the benchmarks.

    The logs of the real runs stay in `out`, with the table: a row per setting and figure, as
    `sim.truth.accuracy` has it, and `others_cpu`: how much of a CPU other programs used meanwhile.
    Runs that they disturbed count only where all of a setting were.
    UserError if there is no Go.
    """
    points = points_of(sources, grid, sets, chosen_go(go))
    measure(points, out=out, repetitions=repetitions, go=go, progress=progress)
    recorded = read_recorded(out)
    table = pd.DataFrame(
        {**row, "others_cpu": others}
        for point, found in zip(points, _simulated(points, out, own_costs=own_costs), strict=True)
        for runs, others in [_undisturbed(point, recorded, out)]
        for row in compared(point.setting, runs, [found])
    )
    with replacing(out / TABLE) as growing:
        table.to_parquet(growing)
    return table


def measure(
    points: Sequence[ValidatedPoint],
    *,
    out: Path,
    repetitions: int,
    go: Path | None = None,
    progress: Report | None = None,
) -> None:
    """Make the real runs, one after the other and nothing beside them, into the folder `out`.

    Those that it has of the same program and settings are not repeated; one that others disturb is,
    a few times.
    """
    twin = build_twin(chosen_go(go))
    (out / OWN_RUNS).mkdir(parents=True, exist_ok=True)
    one_of_each = _one_of_each(points).values()
    for point in one_of_each:
        if point.config.gc.marker.name == "greentea":
            _scan(twin, point, _scans(out, point.config.workload))
    runs: list[tuple[ValidatedPoint, Path]] = []
    for turn in range(repetitions):
        own = [_own_run(point) for point in one_of_each]
        runs += [(point, _log(out / OWN_RUNS, point.setting, turn)) for point in own]
        runs += [(point, _log(out, point.setting, turn)) for point in points]
    for done, (point, log) in enumerate(runs, start=1):
        _measure(twin, point, log)
        if progress:
            progress(0.9 * done / len(runs))


def disturbance(out: Path) -> float:
    """How much of a CPU other programs used during the real runs: the median.

    Above a few percent, times and latencies of the real runs are those of a machine that others
    use. NaN where the system does not tell.
    """
    return float(np.median([run.get("others_cpu", np.nan) for run in _facts(out.glob("*.json"))]))


def _undisturbed(
    point: ValidatedPoint, recorded: Mapping[RecordedSetting, Sequence[RecordedFigures]], out: Path
) -> tuple[list[RecordedFigures], float]:
    """The real runs of a setting that nobody disturbed, or all where each was; what others used."""
    used = [run.get("others_cpu", np.nan) for run in _facts_of(point, out)]
    runs = list(zip(recorded[point.setting], used, strict=True))
    counted = [(run, others) for run, others in runs if not others > QUIET] or runs
    return [run for run, _ in counted], float(np.median([others for _, others in counted]))


def with_scans(config: RunConfig, out: Path) -> RunConfig:
    """The config with the structure of the real heap: how its spans are scanned.

    Which objects lead to which decides that, and workloads do not say it. It comes from a real run
    of its own, which is not compared with.
    """
    log = _scans(out, config.workload)
    if config.gc.marker.name != "greentea" or not log.is_file():
        return config
    found = green_tea(log.read_text(encoding="utf-8").partition("=== begin")[2])
    marker = replace(config.gc.marker, parameters=tuple(asdict(found).items()))
    return replace(config, gc=replace(config.gc, marker=marker))


def with_own(config: RunConfig, runs: Sequence[Mapping[str, Any]]) -> RunConfig:
    """The config with what the real program has in memory beside the workload.

    That is what the twin says of itself: the runtime's objects, its goroutines, the tables of its
    stores, which are there from the start and stay, and the resident part of its executable.
    """
    own = [run["own"] for run in runs if "own" in run]
    if not own:
        return config
    scan, noscan, file = (
        float(np.median([one[part] for one in own])) for part in ("scan", "noscan", "file")
    )
    size = Constant(OWN_OBJECT)
    mix = (
        spec.ObjectKind(size, share=scan, pointers="all", filled=OWN_FILLED),
        spec.ObjectKind(size, share=noscan),
    )
    keep = spec.Work(
        cpu=Constant(0), allocate=Constant(round(scan + noscan)), of=OWN, lives="forever"
    )
    program = config.program
    program = replace(
        program, mixes={**program.mixes, OWN: mix}, main=(keep, *program.main), file=round(file)
    )
    return replace(config, program=program)


def _facts_of(point: ValidatedPoint, out: Path) -> list[dict[str, Any]]:
    return _facts(out.glob(_log(out, point.setting, "*").with_suffix(".json").name))


def _facts(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(paths)]


def _scan(twin: Path, point: ValidatedPoint, log: Path) -> None:
    """Let the twin count what it scans, unless this was done."""
    done, digest = log.with_suffix(".sha256"), _digest(twin, point)
    if not _is(done, digest):
        run_twin(twin, point.config, log, gctrace=2)
        log.with_suffix(".json").unlink(missing_ok=True)  # times of this run are not compared
        write(done, digest)


def _scans(out: Path, workload: str) -> Path:
    return out / f"{Path(workload).stem}.scans"


def _digest(twin: Path, point: ValidatedPoint) -> str:
    told = json.dumps([twin_spec(point.config), point.setting, twin.parent.name], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _is(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _measure(twin: Path, point: ValidatedPoint, log: Path) -> None:
    """Run the twin unless this was done: the digest beside the log tells what was run."""
    done, digest = log.with_suffix(".sha256"), _digest(twin, point)
    if _is(done, digest):
        return
    _, others = undisturbed(lambda: run_twin(twin, point.config, log))
    about = log.with_suffix(".json")
    facts = json.loads(about.read_text(encoding="utf-8"))
    write(about, json.dumps({**facts, "others_cpu": others}))
    write(done, digest)


def _log(out: Path, setting: RecordedSetting, turn: int | str) -> Path:
    limit = "none" if setting.gomemlimit == "off" else setting.gomemlimit
    stem = f"{setting.program}.p{setting.gomaxprocs}.gogc{setting.gogc}.lim{limit}"
    return out / f"{stem}.r{turn}.gctrace"


def points_of(
    sources: Sequence[Path], grid: Mapping[str, Sequence[str]], sets: Sequence[str], go: Path
) -> list[ValidatedPoint]:
    """All settings of all workloads; the simulator takes the version of the real Go."""
    return list(_points(sources, grid, (f"go={go_version(go)}", *sets)))


def _points(
    sources: Sequence[Path], grid: Mapping[str, Sequence[str]], sets: Sequence[str]
) -> Iterator[ValidatedPoint]:
    for source in sources:
        for values in product(*grid.values()):
            settings = [f"{key}={value}" for key, value in zip(grid, values, strict=True)]
            config = load(source, [*sets, *settings])
            yield ValidatedPoint(_setting(source, settings, config), config)


def _setting(source: Path, settings: Sequence[str], config: RunConfig) -> RecordedSetting:
    given = dict(text.split("=", 1) for text in settings)
    return RecordedSetting(
        program=source.stem,
        gomaxprocs=str(config.gomaxprocs),
        gogc=given.get("GOGC", "off" if config.gc_percent < 0 else str(config.gc_percent)),
        gomemlimit=given.get("GOMEMLIMIT", "off"),
    )


def _one_of_each(points: Sequence[ValidatedPoint]) -> dict[str, ValidatedPoint]:
    """Of each workload the first point with the fewest Ps."""
    ordered = sorted(points, key=lambda point: point.config.gomaxprocs)
    return {point.config.workload: point for point in reversed(ordered)}


def _simulated(
    points: Sequence[ValidatedPoint], out: Path, *, own_costs: bool
) -> list[RecordedFigures]:
    parallel, machines = joblib.Parallel(n_jobs=-1), {}
    if own_costs:
        one_of_each = _one_of_each(points)
        tasks = (joblib.delayed(_machine)(point, out) for point in one_of_each.values())
        machines = dict(zip(one_of_each, parallel(tasks), strict=True))
    return list(
        parallel(
            joblib.delayed(_simulate)(
                point, out, machines.get(point.config.workload, point.config.machine)
            )
            for point in points
        )
    )


def _own_run(point: ValidatedPoint) -> ValidatedPoint:
    """The run that tells what marking costs in the heap of a point's workload."""
    setting = point.setting._replace(gogc=str(OWN_GOGC), gomemlimit="off")
    return ValidatedPoint(setting, own_run(point.config))


def _machine(point: ValidatedPoint, out: Path) -> str:
    """The machine on which marking costs what it costs in the heap of the real program."""
    own, folder = _own_run(point), out / OWN_RUNS
    machine = folder / f"{own.setting.program}.machine.yaml"
    config = _as_real(own.config, _facts_of(own, folder), out)
    save_machine(config, read_recorded(folder)[own.setting], machine)
    return str(machine)


def _simulate(point: ValidatedPoint, out: Path, machine: str) -> RecordedFigures:
    config = _as_real(point.config, _facts_of(point, out), out)
    return simulated(simulate(replace(config, machine=machine)))


def _as_real(config: RunConfig, runs: Sequence[Mapping[str, Any]], out: Path) -> RunConfig:
    """The config of a program whose heap is that of the real runs."""
    return with_scans(with_own(config, runs), out)
