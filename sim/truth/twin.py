"""The twin: a real Go program that executes a workload (`sim/truth/go/twin`)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from sim.config.run import NO_GC, RunConfig
from sim.errors import UserError
from sim.files import write
from sim.go.sizeclass import SizeClassTable, size_classes
from sim.streams import Streams
from sim.truth.toolchain import build
from sim.units import MAX_INT64, SECOND
from sim.workload import program as spec
from sim.workload.distributions import Constant, Distribution

Json: TypeAlias = dict[str, Any]

SIZES: Final = 1024
"""Quantiles of a distribution of object sizes."""
DRAWS: Final = 4096
"""Equally likely values that stand for another distribution."""
ALLOWANCE_S: Final = 60
"""Seconds that a run may take beyond its duration before it counts as hanging."""


def build_twin(go: Path) -> Path:
    """The executable, built with a `go` command from Go 1.21 on."""
    return build("twin", go)


def run_twin(executable: Path, config: RunConfig, log: Path, *, gctrace: int = 1) -> None:
    """Run the workload of a config for real, under its settings.

    Writes `log` (GODEBUG=gctrace=1, or 2 with counts of scans) and beside it the same name with
    `.json`: what it measured.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as spec:
        json.dump(twin_spec(config), spec)
        spec.flush()
        try:
            done = subprocess.run(
                [str(executable), spec.name],
                env={**_environment(config), "GODEBUG": f"gctrace={gctrace}"},
                capture_output=True,
                text=True,
                check=False,
                timeout=config.longest / SECOND + ALLOWANCE_S,
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"the twin of {config.workload} does not come to an end") from None
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise UserError(f"the twin of {config.workload} failed: {reason[-1]}")
    write(log, done.stderr)
    write(log.with_suffix(".json"), done.stdout)


def _environment(config: RunConfig) -> dict[str, str]:
    gogc = "off" if config.gc_percent == NO_GC else str(config.gc_percent)
    limit = "off" if config.memory_limit == MAX_INT64 else f"{config.memory_limit}B"
    return {
        **os.environ,
        "GOGC": gogc,
        "GOMEMLIMIT": limit,
        "GOMAXPROCS": str(config.gomaxprocs),
    }


def twin_spec(config: RunConfig) -> Json:
    """The program of a config as the twin reads it, with the arrivals that the simulator has."""
    program, table = config.program, size_classes(config.go)
    return {
        "duration_ns": config.longest,
        "mixes": {name: _objects(mix, table) for name, mix in program.mixes.items()},
        "stores": {name: vars(store) for name, store in program.stores.items()},
        "pools": {
            name: _objects((spec.ObjectKind(Constant(pool.size), 1.0, pool.pointers),), table)[0]
            for name, pool in program.pools.items()
        },
        "goroutines": {name: _kind(kind) for name, kind in program.goroutines.items()},
        "main": [_step(step) for step in program.main],
        "load": [_load(name, load, config) for name, load in program.load.items()],
    }


def _objects(mix: tuple[spec.ObjectKind, ...], table: SizeClassTable) -> list[Json]:
    """Objects of a mix; requests of equal slot and pointers are one kind, with their mean size."""
    u = (np.arange(SIZES) + 0.5) / SIZES
    found: defaultdict[tuple[int, int, float], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for kind in mix:
        for size in np.maximum(np.rint(kind.size.quantile(u)), 1.0).astype(int).tolist():
            fit = size // spec.WORD
            words = fit if kind.pointers == "all" else min(kind.pointers, fit)
            entry = found[_slot(size, words, table), words, kind.filled]
            entry[0] += kind.share
            entry[1] += kind.share * size
    return [
        {"size": size, "words": words, "filled": filled, "share": share, "requested": total / share}
        for (size, words, filled), (share, total) in found.items()
        if share > 0
    ]


def _slot(size: int, words: int, table: SizeClassTable) -> int:
    """What to request instead of `size`: the largest size with the same slot."""
    if words == 0 and size < table.spans[table.tiny_span_class].elemsize:
        return size
    return table.usable_size(size, noscan=words == 0)


def _kind(kind: spec.GoroutineKind) -> Json:
    idle = kind.stack if kind.idle_stack is None else kind.idle_stack
    return {"stack": kind.stack, "idle_stack": idle, "steps": [_step(s) for s in kind.steps]}


def _step(step: spec.Step) -> Json:
    match step:
        case spec.Work():
            return {"do": "work", **_work(step)}
        case spec.Spin():
            return {"do": "spin", "time": _values(step.time)}
        case spec.Wait():
            return {"do": "wait", "time": _values(step.time), "via": step.via}
        case spec.Append() | spec.Insert():
            return {"do": type(step).__name__.lower(), **_growing(step)}
        case spec.Syscall():
            return {"do": "syscall", "time": _values(step.time)}
        case spec.SetGCPercent() | spec.SetMemoryLimit():
            return {"do": type(step).__name__.lower(), "value": step.value}
        case spec.Repeat():
            return {"do": "repeat", "times": step.times, "steps": [_step(s) for s in step.steps]}
        case _:
            return {"do": type(step).__name__.lower(), **vars(step)}


def _work(step: spec.Work) -> Json:
    lives: Json = {"lives": step.lives}
    if not isinstance(step.lives, str):
        lives = {"lives": "mean", "lives_ns": step.lives.mean()}
    return {
        "cpu": _values(step.cpu),
        "allocate": _values(step.allocate),
        "of": step.of or "",
        "into": step.into or "",
        "pointer_writes": step.pointer_writes,
        "finalizer_ns": step.finalizer,
        **lives,
    }


def _growing(step: spec.Append | spec.Insert) -> Json:
    size = step.size if isinstance(step, spec.Append) else step.value
    words = size // spec.WORD if step.pointers == "all" else step.pointers
    key = 0 if isinstance(step, spec.Append) else -(-step.key // spec.WORD)
    return {
        "count": step.elements if isinstance(step, spec.Append) else step.entries,
        "size": size if isinstance(step, spec.Append) else -(-size // spec.WORD) * spec.WORD,
        "words": words,
        "key_words": key,
        "cpu": _values(step.cpu),
    }


def _load(name: str, load: spec.Load, config: RunConfig) -> Json:
    match load:
        case spec.OpenLoop():
            at = _arrivals(name, load, config)
            return {"do": "open", "goroutine": load.goroutine, "at": at, "via": load.via}
        case spec.ClosedLoop():
            return {
                "do": "closed",
                "goroutine": load.goroutine,
                "workers": load.workers,
                "think": _values(load.think),
            }
        case spec.Batch():
            parallel = load.parallel_per_p * config.gomaxprocs or load.parallel
            return {
                "do": "batch",
                "goroutine": load.goroutine,
                "count": load.count,
                "parallel": min(parallel, load.count),
            }


def _arrivals(name: str, load: spec.OpenLoop, config: RunConfig) -> list[int]:
    at: list[int] = []
    for block in load.arrivals.times(Streams(config.seed)[f"{name}.arrivals"]):
        at += block.tolist()
        if at[-1] > config.longest:
            break
    return [ns for ns in at if ns <= config.longest]


def _values(distribution: Distribution) -> list[float]:
    if isinstance(distribution, Constant):
        return [float(distribution.value)]
    u = (np.arange(DRAWS) + 0.5) / DRAWS
    return [float(value) for value in distribution.quantile(u)]
