"""Finalizers: objects that nobody reaches stay until one goroutine has called all of them."""

from __future__ import annotations

from typing import Any

import pytest

from sim.config.run import RunConfig
from sim.errors import UserError
from sim.results.result import Result
from sim.simulation import simulate
from tests.actors.audit import audit, watch_goroutines
from tests.worlds import config_of, instants, looks_inside, run, world_of

OBJECT, OBJECTS = 64, 1000
FILES: dict[str, Any] = {
    "name": "files",
    "mixes": {"file": [{"size": f"{OBJECT}B", "pointers": 4}]},
    "goroutines": {
        "job": {
            "steps": [
                {
                    "work": {
                        "cpu": "100us",
                        "allocate": f"{OBJECTS * OBJECT}B",
                        "of": "file",
                        "finalizer": "1us",
                    }
                },
                {"wait": "1ms"},
            ]
        },
        "collector": {"steps": [{"wait": "10ms"}, {"collect": {}}]},
    },
    "load": {
        "jobs": {"goroutine": "job", "count": 2, "parallel": 2},
        "collector": {"goroutine": "collector", "count": 4},
    },
}
"""Two jobs lose a thousand objects each, long before the first of four collections."""


def files(lives: str = "goroutine", finalizer: str = "1us", **keys: Any) -> RunConfig:
    job, wait = FILES["goroutines"]["job"]["steps"]
    steps = [{"work": {**job["work"], "lives": lives, "finalizer": finalizer}}, wait]
    goroutines = {**FILES["goroutines"], "job": {"steps": steps}}
    return config_of({**FILES, "goroutines": goroutines}, GOGC="off", **keys)


def cycles(config: RunConfig) -> list[tuple[int, int, int, int]]:
    """(objects marked, finalizers due, called, objects freed by the sweep) of each cycle."""
    columns = ["heap_marked", "finalizers_due", "finalizers_run", "freed_bytes"]
    wanted = simulate(config).cycles[columns]
    return [
        (marked // OBJECT, due, called, freed // OBJECT)
        for marked, due, called, freed in wanted.itertuples(index=False)
    ]


@pytest.mark.parametrize("lives", ["goroutine", "step"])
def test_a_cycle_finds_the_objects_and_the_next_one_frees_them(lives: str) -> None:
    assert cycles(files(lives)) == [
        (2 * OBJECTS, 2 * OBJECTS, 0, 0),  # who is scanned counts as marked
        (0, 0, 2 * OBJECTS, 0),  # its marking finds that all have been called
        (0, 0, 0, 2 * OBJECTS),
        (0, 0, 0, 0),
    ]


def test_what_waits_in_the_queue_is_alive() -> None:
    """Finalizers of 10 us take 20 ms: from the second cycle's point of view half are to come."""
    (_, second, third, fourth) = cycles(files(finalizer="10us"))
    assert 0.3 * 2 * OBJECTS < second[0] < 0.7 * 2 * OBJECTS
    assert second[2] + third[2] == 2 * OBJECTS
    assert third[3] + fourth[3] == 2 * OBJECTS


def test_without_them_the_first_cycle_frees_all() -> None:
    off = cycles(files(model={"finalizers": False}))
    assert off[0] == (0, 0, 0, 0)
    assert off[1] == (0, 0, 0, 2 * OBJECTS)


@looks_inside
def test_books_balance_while_finalizers_are_queued_and_called() -> None:
    load = {"jobs": {"goroutine": "job", "workers": 6, "think": "100us"}}
    for finalizer in ("0ns", "2us", "300us"):
        job = {**FILES["goroutines"]["job"]["steps"][0]["work"], "finalizer": finalizer}
        both = [{"work": {**job, "lives": lives}} for lives in ("step", "goroutine")]
        workload = {**FILES, "goroutines": {"job": {"steps": both}}, "load": load}
        world = world_of(config_of(workload, GOGC=50, duration="80ms"))
        everybody, finalizers = watch_goroutines(world), world.memory.finalizers
        for _ in instants(world, 733_000):
            audit(world, everybody)
            assert 0 <= finalizers.swept <= finalizers.due
            assert finalizers.executed <= finalizers.queued
            assert finalizers.waiting_ns >= -1e-3
        assert world.runtime.gc.cycles > 3
        assert finalizers.queued > OBJECTS
        assert finalizers.executed > 0


def test_the_program_pays_for_setting_them_and_for_calling_them() -> None:
    work = {"cpu": "100us", "allocate": "64000B", "of": "file", "lives": "step"}
    busy = {**FILES, "load": {"jobs": {"goroutine": "job", "workers": 2}}}

    def served(**more: str) -> tuple[float, Result]:
        steps = [{"work": {**work, **more}}]
        result = run({**busy, "goroutines": {"job": {"steps": steps}}}, duration="100ms")
        return result.requests["alloc"].mean(), result

    without, plain = served()
    with_them, finalized = served(finalizer="1us")
    assert with_them > without + OBJECTS * 50  # SetFinalizer: ns
    assert len(finalized.requests) < 0.8 * len(plain.requests)
    last = finalized.samples.iloc[-1]
    called = last["/gc/finalizers/executed:finalizers"]
    assert 0 < called <= last["/gc/finalizers/queued:finalizers"]
    other = "/memory/classes/other:bytes"
    assert last[other] > plain.samples[other].iloc[-1]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"lives": "forever"}, "finalizer: expected objects that live for a step or a goroutine"),
        ({"lives": "5ms"}, "finalizer: expected objects that live for a step or a goroutine"),
        ({"finalizer": "-1us"}, r"finalizer: expected a duration"),
    ],
)
def test_what_cannot_have_finalizers_is_one_sentence(more: dict[str, str], sentence: str) -> None:
    (job, _) = FILES["goroutines"]["job"]["steps"]
    steps = [{"work": {**job["work"], **more}}]
    with pytest.raises(UserError, match=sentence):
        config_of({**FILES, "goroutines": {**FILES["goroutines"], "job": {"steps": steps}}})


def test_a_fluid_says_that_it_knows_none() -> None:
    with pytest.raises(UserError, match="the fluid mode calls no finalizers"):
        simulate(files(model={"detail": "fluid"}))
