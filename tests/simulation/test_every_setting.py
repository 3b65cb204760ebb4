"""No setting is silently ignored: in every mode each changes a table, or is refused in a sentence.

Keys are those of the dataclasses, and policies those that are registered: whoever adds one and
forgets a mode, or forgets to say here how it is changed, fails. Switches, choices of words and
policies of the collector need no line here: each of their values is tried.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import pytest
import yaml

from sim.cli import main
from sim.config import load
from sim.config.annotations import find, keys, split
from sim.config.machine import load_profile, save_profile
from sim.config.policy import Slot
from sim.config.run import Cgroup, ModelSwitches, RunConfig
from sim.errors import UserError
from sim.go.pacer import pacers
from sim.record.facts import TABLES
from sim.registry import REGISTRIES, Registry
from sim.simulation import simulate
from sim.workload import program

ROOT: Final = Path(__file__).parents[2]
MODES: Final = get_args(get_type_hints(ModelSwitches)["detail"])
BASE: Final[Mapping[str, Any]] = {
    "workload": {
        "name": "small",
        "mixes": {
            "m": [
                {"size": "64B", "share": 3, "pointers": 4},
                {"size": {"lognormal": {"median": "200B", "p99": "4KiB"}}, "pointers": 2},
            ],
            "n": [{"size": "1KiB"}],
        },
        "stores": {"s": {"size": "1MiB", "of": "m"}, "t": {"size": "1MiB", "of": "m"}},
        "pools": {"b": {"size": "8KiB"}, "c": {"size": "64KiB"}},
        "goroutines": {
            "h": {
                "stack": "12KiB",
                "steps": [
                    {"borrow": "b"},
                    {"work": {"cpu": "100us", "allocate": "128KiB", "of": "m"}},
                    {"wait": "200us"},
                    {"work": {"cpu": "20us", "allocate": "8KiB", "of": "m", "into": "s"}},
                    {"repeat": {"times": 2, "steps": [{"wait": "10us"}]}},
                ],
            },
            "k": {"steps": [{"work": {"cpu": "30us", "allocate": "16KiB", "of": "m"}}]},
            "j": {"steps": [{"wait": "50us"}]},
        },
        "load": {"a": {"goroutine": "h", "arrivals": {"poisson": "8000/s"}}},
    },
    "GOMAXPROCS": 6,
    "machine": "avx512-x86-64",
    "duration": "6ms",
    "record": {"samples": "2ms"},
}
STEPS: Final = "workload.goroutines.h.steps"
LOAD: Final = "workload.load"

CONFIG: Final[Mapping[str, tuple[str, ...]]] = {
    "workload": (f"{ROOT}/workloads/json-api.yaml",),
    "GOGC": ("50", "off"),
    "GOMEMLIMIT": ("6MiB",),
    "GOMAXPROCS": ("1", "2"),
    "duration": ("5ms", "auto"),
    "precision.relative": ("50%",),
    "precision.figures": ("[latency]",),
    "precision.limit": ("5ms",),
    "seed": ("2",),
    "go": ("1.25", "1.21"),
    "machine": ("default-x86-64",),
    "plugins": ("[FOLDER/own.py]",),
    "cgroup.memory": ("8MiB",),
    "cgroup.cpu": ("0.05",),
    "record.samples": ("0s", "1ms"),
    "record.warmup": ("5ms",),
}
"""Other values of the keys of a config; of those without a line, all are known."""

WORKLOAD: Final[Mapping[str, tuple[str, ...]]] = {
    "Program.goroutines": (f"{STEPS}.2.wait=400us",),
    "Program.load": (f"{LOAD}.b={{goroutine: k, workers: 1}}",),
    "Program.main": ("workload.main=[{collect: {}}]", "workload.main=[{work: {cpu: 1ms}}]"),
    "Program.mixes": ("workload.mixes.m.1.pointers=0",),
    "Program.stores": ("workload.stores.s.size=2MiB",),
    "Program.pools": ("workload.pools.b.size=16KiB",),
    "Program.globals": ("workload.globals=1MiB",),
    "Program.file": ("workload.file=3MiB",),
    "ObjectKind.size": ("workload.mixes.m.0.size=128B",),
    "ObjectKind.share": ("workload.mixes.m.0.share=1",),
    "ObjectKind.pointers": ("workload.mixes.m.0.pointers=0", "workload.mixes.m.0.pointers=all"),
    "ObjectKind.filled": ("workload.mixes.m.0.filled=0.1",),
    "Store.size": ("workload.stores.s.size=2MiB",),
    "Store.of": ("workload.stores.t.of=n",),
    "Store.replacement": (
        "workload.stores.s.replacement=oldest",
        "workload.stores.s.replacement=none",
    ),
    "Store.structure": ("workload.stores.s.structure=list", "workload.stores.s.structure=tree"),
    "Store.filled": ("workload.stores.s.filled=false",),
    "Pool.size": ("workload.pools.b.size=16KiB",),
    "Pool.pointers": ("workload.pools.b.pointers=all",),
    "Work.cpu": (f"{STEPS}.1.work.cpu=150us",),
    "Work.allocate": (f"{STEPS}.1.work.allocate=64KiB",),
    "Work.of": (f"{STEPS}.1.work.of=n",),
    "Work.lives": tuple(f"{STEPS}.1.work.lives={law}" for law in ("step", "forever", "5ms")),
    "Work.into": (f"{STEPS}.1.work.into=s",),
    "Work.pointer_writes": (f"{STEPS}.1.work.pointer_writes=50000000/s",),
    "Work.finalizer": (f"{STEPS}.1.work.finalizer=1us",),
    "Append.elements": (f"{STEPS}.2={{append: {{elements: 2000, pointers: 1}}}}",),
    "Append.size": (f"{STEPS}.2={{append: {{elements: 1000, pointers: 1, size: 16B}}}}",),
    "Append.pointers": (f"{STEPS}.2.append.pointers=0",),
    "Append.cpu": (f"{STEPS}.2={{append: {{elements: 1000, pointers: 1, cpu: 20us}}}}",),
    "Insert.entries": (f"{STEPS}.2={{insert: {{entries: 2000, pointers: 1}}}}",),
    "Insert.key": (f"{STEPS}.2={{insert: {{entries: 1000, pointers: 1, key: 24B}}}}",),
    "Insert.value": (f"{STEPS}.2={{insert: {{entries: 1000, pointers: 1, value: 24B}}}}",),
    "Insert.pointers": (f"{STEPS}.2.insert.pointers=0",),
    "Insert.cpu": (f"{STEPS}.2={{insert: {{entries: 1000, pointers: 1, cpu: 20us}}}}",),
    "Spin.time": (f"{STEPS}.2.spin=200us",),
    "Publish.store": (f"{STEPS}.2.publish=s",),
    "Wait.time": (f"{STEPS}.2.wait=400us",),
    "Wait.via": (f"{STEPS}.2.wait={{time: 200us, via: timer}}",),
    "Syscall.time": (f"{STEPS}.2={{syscall: 200us}}", f"{STEPS}.2={{syscall: 400us}}"),
    "SetGCPercent.percent": (
        "workload.main=[{setgcpercent: 25}]",
        f"{STEPS}.2={{setgcpercent: 25}}",
    ),
    "SetMemoryLimit.limit": (
        "workload.main=[{setmemorylimit: 6MiB}]",
        f"{STEPS}.2={{setmemorylimit: 6MiB}}",
    ),
    "Spawn.goroutine": (f"{STEPS}.2.spawn={{goroutine: j, count: 2}}",),
    "Spawn.count": (f"{STEPS}.2.spawn={{goroutine: k, count: 3}}",),
    "Spawn.wait": (f"{STEPS}.2.spawn={{goroutine: k, count: 2, wait: false}}",),
    "Borrow.pool": (f"{STEPS}.0.borrow=c",),
    "Repeat.times": (f"{STEPS}.4.repeat.times=3", f"{STEPS}.4.repeat.times=0"),
    "Repeat.steps": (f"{STEPS}.4.repeat.steps.0.wait=20us",),
    "GoroutineKind.steps": (f"{STEPS}.2={{collect: {{}}}}",),
    "GoroutineKind.stack": ("workload.goroutines.h.stack=40KiB",),
    "GoroutineKind.idle_stack": ("workload.goroutines.h.idle_stack=1KiB",),
    "OpenLoop.goroutine": (f"{LOAD}.a.goroutine=k",),
    "OpenLoop.arrivals": (f"{LOAD}.a.arrivals.poisson=6000/s",),
    "OpenLoop.via": (f"{LOAD}.a.via=timer",),
    "ClosedLoop.goroutine": (f"{LOAD}.b={{goroutine: k, workers: 4}}",),
    "ClosedLoop.workers": (f"{LOAD}.b={{goroutine: h, workers: 3}}",),
    "ClosedLoop.think": (f"{LOAD}.b={{goroutine: h, workers: 4, think: 100us}}",),
    "Batch.goroutine": (f"{LOAD}.b={{goroutine: k, count: 5}}",),
    "Batch.count": tuple(f"{LOAD}.b={{goroutine: h, count: {count}}}" for count in (8, 99)),
    "Batch.parallel": (f"{LOAD}.b={{goroutine: h, count: 5, parallel: 3}}",),
    "Batch.parallel_per_p": (f"{LOAD}.b={{goroutine: h, count: 5, parallel_per_p: 1}}",),
}
"""How to change each key of a workload."""
SAYS_NOTHING: Final = {"Program.description"}

PARAMETERS: Final[Mapping[str, Mapping[str, tuple[Any, Any]]]] = {
    "greentea": {
        "visits_per_span": (2, 3),
        "dense_odds": (1, 2),
        "gathered_odds": (1, 2),
    },
    "fixed-trigger": {"growth": (0.8, 0.5)},
    "constant": {"value": ("100us", "300us")},
    "uniform": {"low": ("10us", "80us"), "high": ("90us", "300us")},
    "exponential": {"average": ("100us", "300us")},
    "lognormal": {"median": ("80us", "160us"), "p99": ("300us", "1ms")},
    "pareto": {"minimum": ("50us", "150us"), "alpha": (2, 3), "maximum": ("1ms", "9ms")},
    "choice": {"values": (["50us", "90us"], ["50us", "300us"]), "weights": ([1, 1], [1, 9])},
    "poisson": {"rate": ("8000/s", "6000/s")},
    "regular": {"rate": ("8000/s", "6000/s")},
    "bursts": {
        "rate": ("2000/s", "4000/s"),
        "burst": ("20000/s", "30000/s"),
        "lasting": ("1ms", "2ms"),
        "period": ("4ms", "5ms"),
    },
    "varying": {"rates": (["2000/s", "9000/s"], ["9000/s"]), "every": ("3ms", "2ms")},
    "recorded": {"at": (["1ms", "2ms"], ["1ms", "2ms", "3ms"])},
}
"""Parameters of policies: a value, and another."""
PLACES: Final = {
    "pacer": "gc.pacer",
    "marker": "gc.marker",
    "barrier": "gc.barrier",
    "distribution": f"{STEPS}.2.wait",
    "arrivals": f"{LOAD}.a.arrivals",
}
"""Where a policy of each kind is tried."""

OPEN: Final = (
    "duration=auto",
    "precision.limit=60ms",
    "precision.figures=[gc_cpu]",
    "record.warmup=10ms",
    "GOGC=50",
)
CONTEXT: Final[Mapping[str, tuple[str, ...]]] = {
    "plugins": ("gc.pacer=own",),
    "gc.pacer=idle-aware": (
        "duration=40ms",
        f"{LOAD}.b={{goroutine: k, workers: 2}}",
        f"{LOAD}.a.arrivals.poisson=1/s",
    ),
    "model.write_barrier": (f"{STEPS}.1.work.pointer_writes=50000000/s",),
    "duration=auto": ("precision.limit=10ms",),
    "precision.relative": (*OPEN, "precision.relative=1%"),
    "precision.figures": (*OPEN, "precision.relative=50%"),
    "precision.limit": ("duration=auto", "precision.limit=6ms"),
    "model.resolution": ("duration=4ms",),
    "model.scavenger": ("duration=30ms",),
    "model.limiter": (
        "GOGC=0",
        "GOMAXPROCS=1",
        "duration=1800ms",
        "workload.goroutines.k.steps.0.work={cpu: 1ms, allocate: 512KiB, of: m}",
        f"{LOAD}.b={{goroutine: k, workers: 2}}",
        f"{LOAD}.a.arrivals.poisson=1/s",
        "workload.stores.s.size=128MiB",
    ),
    "model.finalizers": (f"{STEPS}.1.work.finalizer=1us",),
    "model.mutator_slowdown": ("machine=FOLDER/slow.yaml",),
    "Spin.time": (f"{STEPS}.2.spin=100us",),
    "Store.structure": ("workload.stores.s.replacement=oldest",),
    "Publish.store": (f"{STEPS}.2.publish=t",),
    **dict.fromkeys(
        ("Append.elements", "Append.size", "Append.pointers", "Append.cpu"),
        (f"{STEPS}.2={{append: {{elements: 1000, pointers: 1}}}}",),
    ),
    **dict.fromkeys(
        ("Insert.entries", "Insert.key", "Insert.value", "Insert.pointers", "Insert.cpu"),
        (f"{STEPS}.2={{insert: {{entries: 1000, pointers: 1}}}}",),
    ),
    **dict.fromkeys(
        ("Spawn.goroutine", "Spawn.count", "Spawn.wait"),
        (f"{STEPS}.2.spawn={{goroutine: k, count: 2}}",),
    ),
    **dict.fromkeys(
        ("ClosedLoop.goroutine", "ClosedLoop.workers", "ClosedLoop.think"),
        (f"{LOAD}.b={{goroutine: h, workers: 4}}",),
    ),
    **dict.fromkeys(
        ("Batch.goroutine", "Batch.count", "Batch.parallel", "Batch.parallel_per_p"),
        (f"{LOAD}.b={{goroutine: h, count: 5}}",),
    ),
}
"""What a key is tried with, where this program alone would not notice it."""


def config_keys(cls: type[Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every key below a dataclass of the config, and each other value that it may have."""
    for name, key in keys(cls).items():
        (bare, marks), default = split(key.hint), key.field.default
        if key.field.name == "program":
            continue
        if is_dataclass(bare) and not find(Slot, marks):
            yield from config_keys(bare, f"{path}{name}.")
        elif slot := find(Slot, marks):
            names = own_policies(slot.registry())
            yield from ((path + name, other) for other in names if other != default.name)
        elif bare is bool:
            yield path + name, str(not default).lower()
        elif get_origin(bare) is Literal and path + name not in CONFIG:
            yield from ((path + name, other) for other in get_args(bare) if other != default)
        else:
            yield from ((path + name, other) for other in CONFIG[path + name])


def own_policies(registry: Registry) -> list[str]:
    """Those that come with the simulator."""
    outside = {name for name, _ in registry.outside()}
    return [name for name in registry.names() if name not in outside]


def workload_keys() -> Iterator[tuple[str, str]]:
    """Every key of every class of a workload, and how it is changed."""
    for _, cls in inspect.getmembers(program, is_dataclass):
        if cls.__module__ == program.__name__:
            names = {f"{cls.__name__}.{name}" for name in keys(cls)} - SAYS_NOTHING
            yield from ((name, change) for name in sorted(names) for change in WORKLOAD[name])


def parameters() -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Every parameter of every policy: its name, the policy with its first value, with another."""
    for kind, registry in REGISTRIES.items():
        for name in own_policies(registry):
            values = {key: PARAMETERS[name][key] for key in keys(registry.get(name))}
            first = {key: value[0] for key, value in values.items()}
            for key, (_, other) in values.items():
                yield (
                    f"{kind} {name}.{key}",
                    (_policy(kind, name, first),),
                    _policy(kind, name, first | {key: other}),
                )


def _policy(kind: str, name: str, parameters: Mapping[str, Any]) -> str:
    return f"{PLACES[kind]}={json.dumps({name: parameters})}"


def settings() -> Iterator[Any]:
    """All that can be set: what it is tried with, and the change that has to matter."""
    for key, value in config_keys(RunConfig):
        if key != "model.detail":
            change = f"{key}={value}"
            context = CONTEXT.get(change, CONTEXT.get(key, ()))
            yield pytest.param(context, change, id=change)
    for key, change in workload_keys():
        yield pytest.param(CONTEXT.get(key, ()), change, id=f"{key} {change}")
    for name, context, change in parameters():
        yield pytest.param(context, change, id=name)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pacer and a machine of somebody's own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.py").write_text(OWN, encoding="utf-8")
    machine = load_profile("default-x86-64")
    slow = replace(machine, mutator=replace(machine.mutator, slowdown=1.2))
    save_profile(slow, folder / "slow.yaml")
    yield folder
    pacers._classes.pop("own", None)
    outcome.cache_clear()


OWN: Final = """
from dataclasses import dataclass
from sim.go.pacer import pacers
from sim.go.pacer.fixed import FixedTriggerPacer

@pacers.register("own")
@dataclass
class Own(FixedTriggerPacer):
    growth: float = 0.3
"""


@cache
def outcome(folder: Path, sets: tuple[str, ...]) -> dict[str, Any] | str:
    """All tables of a run but that which tells its config; the sentence if it was refused."""
    pacers._classes.pop("own", None)
    try:
        config = load(BASE, [text.replace("FOLDER", str(folder)) for text in sets])
    except UserError as error:
        return str(error)
    result = simulate(config)
    return {name: result._table(name) for name in TABLES if name != "run"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("context", "change"), list(settings()))
def test_every_setting_matters_or_is_refused(
    folder: Path, context: tuple[str, ...], change: str, mode: str
) -> None:
    before = outcome(folder, (f"model.detail={mode}", *context))
    after = outcome(folder, (f"model.detail={mode}", *context, change))
    if isinstance(after, str):
        assert mode == "fluid", after
        assert "; use model.detail: events" in after
    else:
        assert after != before


@pytest.mark.parametrize("mode", MODES)
def test_the_same_settings_give_the_same_tables(folder: Path, mode: str) -> None:
    sets = (f"model.detail={mode}",)
    assert outcome.__wrapped__(folder, sets) == outcome.__wrapped__(folder, sets)


def test_what_a_mode_does_not_take_ends_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.yaml"
    text = {**BASE, "model": {"detail": "fluid"}, "record": {"timeline": True}}
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["run", str(path), "--out", str(tmp_path / "run")])
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        rf"gomemsim: {path}:\d+: record\.timeline: the fluid mode does not tell .*; use .*", line
    )
    assert not (tmp_path / "run").exists()


def test_a_config_that_was_read_from_no_file_is_refused_as_well() -> None:
    config = load(BASE, ["model.detail=fluid"])
    with pytest.raises(UserError, match=r"cgroup\.cpu: the fluid mode does not throttle"):
        simulate(replace(config, cgroup=Cgroup(cpu=1.0)))
