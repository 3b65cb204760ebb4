"""What lies side by side: a span is freed when all objects in it have died."""

from __future__ import annotations

from typing import Any

from sim.actors.state import G
from sim.build_events import Events
from tests.worlds import config_of, world_of

PROGRAM: dict[str, Any] = {
    "name": "program",
    "mixes": {"node": [{"size": "64B", "pointers": 4}]},
    "goroutines": {"tree": {"steps": [{"work": {"cpu": "1us", "allocate": "64B", "of": "node"}}]}},
    "load": {"clients": {"goroutine": "tree", "workers": 1}},
}


def goroutines() -> tuple[Events, G, G]:
    """Two goroutines that run on the same P, one after the other."""
    world = world_of(config_of(PROGRAM))
    first, second = world.goroutines.new("tree"), world.goroutines.new("tree")
    first.p = second.p = world.sched.ps[0]
    return world, first, second


def test_what_a_goroutine_allocates_is_one_burst_however_often_assists_interrupt_it() -> None:
    world, g, _ = goroutines()
    for _ in range(5):
        world.retention.keep(g, 0, 1000.0)
    assert g.keeps[0].bursts == 1
    assert g.keeps[0].pending == 5000


def test_another_goroutine_on_its_p_parts_what_it_allocates() -> None:
    world, g, other = goroutines()
    world.retention.keep(g, 0, 1000.0)
    world.retention.keep(other, 0, 10.0)
    world.retention.keep(g, 0, 1000.0)
    assert g.keeps[0].bursts == 2
    assert other.keeps[0].bursts == 1


def test_every_second_object_for_another_owner_lies_apart() -> None:
    world, g, _ = goroutines()
    for _ in range(8):
        world.retention.keep(g, 0, 1.0)
        world.retention.keep_forever(7, g, 0, 1.0)
    assert g.keeps[0].bursts == world.retention.kept[0][7].bursts == 8


def test_on_another_p_a_new_burst_begins() -> None:
    world, g, _ = goroutines()
    world.retention.keep(g, 0, 1000.0)
    g.p = world.sched.ps[1]
    world.retention.keep(g, 0, 1000.0)
    assert g.keeps[0].bursts == 2
