"""A throttled process stands still while the world goes on: latency under a CPU quota."""

from __future__ import annotations

import simpy

from sim.engine.clock import ProcessClock


def at_the_end_of(event, env, seen):
    yield event
    seen.append((env.now, env.process_time))


def test_a_freeze_puts_off_work_but_not_timers():
    env, work, timers = ProcessClock(), [], []
    env.process(at_the_end_of(env.work(100), env, work))
    env.process(at_the_end_of(env.timeout(100), env, timers))
    env.run(until=30)
    env.freeze(500)
    env.run(until=1000)
    assert work == [(600, 100)]
    assert timers == [(100, 30)]
    assert env.frozen_ns == 500


def test_work_begun_in_a_freeze_starts_at_its_end():
    env, seen = ProcessClock(), []
    env.freeze(50)
    env.run(until=20)
    env.process(at_the_end_of(env.work(7), env, seen))
    env.run(until=100)
    assert seen == [(57, 7)]


def test_what_is_due_now_is_not_put_off():
    env, seen = ProcessClock(), []
    due = env.work(10)
    env.process(at_the_end_of(due, env, seen))

    def freezer():
        yield env.timeout(10)
        env.freeze(90)

    first = simpy.Process(env, freezer())
    env.run(until=200)
    assert first.processed
    assert seen in ([(10, 10)], [(100, 10)])
