"""What the fluid mode has no answer to: whoever asks for it is told so, and does not get another.

Every other key changes something in both modes (tests/simulation/test_every_setting.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final

from sim.config.check import Path, walk
from sim.config.run import RunConfig
from sim.workload.program import (
    Batch,
    Collect,
    Program,
    SetGCPercent,
    SetMemoryLimit,
    Spawn,
    Syscall,
    Wait,
    Work,
)

_ONLY: Final[tuple[tuple[str, Any, str], ...]] = (
    ("model.resolution", "batched", "has no single refills"),
    ("model.lock_contention", True, "has no locks"),
    ("model.mcentral", "go1.27", "has no locks"),
    ("cgroup.cpu", None, "does not throttle"),
    ("os.huge_pages", "never", "has no addresses, and so no huge pages"),
    ("record.timeline", False, "does not tell what each P does"),
)
"""Key, the one value that the fluid mode takes, and what it lacks for others."""


def unsupported(config: RunConfig) -> Iterator[tuple[Path, str]]:
    """Path of each key that the mode of a run does not take, and why it does not.

    The path of a key of the workload begins with `workload`.
    """
    if config.model.detail == "events":
        return
    for key, value, lack in _ONLY:
        if attrgetter(key)(config) != value:
            yield tuple(key.split(".")), _sentence(lack)
    for path, lack in _steps(config):
        yield ("workload", *path), _sentence(lack)


def _sentence(lack: str) -> str:
    return f"the fluid mode {lack}; use model.detail: events"


def _steps(config: RunConfig) -> Iterator[tuple[Path, str]]:
    program = config.program
    flows = _flows(program, config.gomaxprocs)
    places = list(walk(("main",), program.main))
    for name, kind in program.goroutines.items():
        places += walk(("goroutines", name, "steps"), kind.steps)
    for path, step in places:
        match step:
            case Work(finalizer=int()) if config.model.finalizers:
                yield (*path, "finalizer"), "calls no finalizers"
            case Wait(via="timer"):
                yield (*path, "via"), "has all waits end at once"
            case Syscall():
                yield path, "has all Ps free for others while goroutines wait"
            case Collect() if path[1] in flows:
                yield path, "takes the goroutines of this load together, and none collects"
            case SetGCPercent() | SetMemoryLimit() if path[1] in flows:
                yield path, "takes the goroutines of this load together, and none sets a limit"


def _flows(program: Program, procs: int) -> set[str]:
    """Kinds of goroutines that come again and again, and so are a flow instead of a cohort."""
    from sim.fluid.cohorts import is_long  # only now: most runs are in the other mode

    todo = [
        load.goroutine
        for load in program.load.values()
        if not isinstance(load, Batch) or is_long(load.count, load.lanes(procs))
    ]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            steps = walk((), program.goroutines[name].steps)
            todo += [step.goroutine for _, step in steps if isinstance(step, Spawn)]
    return found
