"""Random small programs under random settings, for properties that hold in every run."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from sim.config.run import RunConfig
from tests.worlds import config_of

SIZES = ("8B", "24B", "100B", "512B", "1KiB", "3KiB", "20KiB", "40KiB", "200KiB")
TIMES = ("0ns", "2us", "100us", "1ms", "12ms")
MIXES, STORES = ("small", "large"), ("random", "oldest", "none")
ALLOCATE = {"work": {"cpu": "20us", "allocate": "100KiB", "of": "small"}}
"""Every request begins with it, so that there are cycles."""


def durations() -> st.SearchStrategy[Any]:
    return st.sampled_from(TIMES) | st.sampled_from(TIMES[1:]).map(lambda t: {"exponential": t})


def work() -> st.SearchStrategy[dict[str, Any]]:
    step = {
        "cpu": durations(),
        "allocate": st.sampled_from(["1B", "3KiB", "100KiB", "1MiB"]),
        "of": st.sampled_from(MIXES),
        "pointer_writes": st.sampled_from(["0/s", "5000000/s"]),
    }
    lives = st.sampled_from(["step", "goroutine", "200us", "5ms"])
    finalized = {
        "lives": st.sampled_from(["step", "goroutine"]),
        "finalizer": st.sampled_from(["0ns", "1us", "100us"]),
    }
    return st.one_of(
        st.fixed_dictionaries(step | {"lives": lives}),
        st.fixed_dictionaries(step | {"of": st.just("small"), "into": st.sampled_from(STORES)}),
        st.fixed_dictionaries(step | finalized),
    )


def steps(kinds: tuple[str, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    simple = (
        work().map(lambda work: {"work": work})
        | durations().map(lambda time: {"wait": time})
        | durations().map(lambda time: {"spin": time})
        | st.sampled_from(STORES).map(lambda store: {"publish": store})
        | st.just({"borrow": "buffers"})
        | st.just({"collect": {}})
    )
    if kinds:
        simple |= st.fixed_dictionaries(
            {"goroutine": st.sampled_from(kinds), "count": st.integers(1, 3), "wait": st.booleans()}
        ).map(lambda spawn: {"spawn": spawn})
    return st.lists(simple, min_size=1, max_size=5)


def objects() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "size": st.sampled_from(SIZES),
            "share": st.sampled_from([0.1, 1, 5]),
            "pointers": st.sampled_from([0, 1, "all"]),
        }
    )


def loads() -> st.SearchStrategy[dict[str, Any]]:
    rates = st.sampled_from(["200/s", "5000/s"])
    return st.one_of(
        rates.map(lambda rate: {"goroutine": "request", "arrivals": {"poisson": rate}}),
        st.just({"goroutine": "request", "workers": 6, "think": "100us"}),
        st.just({"goroutine": "request", "count": 40, "parallel": 5}),
    )


@st.composite
def configs(draw: st.DrawFn, resolution: str = "batched") -> RunConfig:
    """A run of at most 40 ms."""
    store = {"size": "256KiB", "of": "small"}
    workload = {
        "name": "random",
        "mixes": {name: draw(st.lists(objects(), min_size=1, max_size=2)) for name in MIXES},
        "stores": {
            name: {**store, "replacement": name, "filled": draw(st.booleans())} for name in STORES
        },
        "pools": {"buffers": {"size": draw(st.sampled_from(SIZES))}},
        "goroutines": {
            "request": {"steps": [ALLOCATE, *draw(steps(("part",)))]},
            "part": {"steps": draw(steps(())), "stack": "9KiB", "idle_stack": "1KiB"},
        },
        "load": {"clients": draw(loads())},
    }
    return config_of(
        workload,
        GOMAXPROCS=draw(st.sampled_from([1, 2, 3, 4, 8])),
        GOGC=draw(st.sampled_from([10, 100, 400, "off"])),
        GOMEMLIMIT=draw(st.sampled_from(["off", "16MiB", "6MiB"])),
        duration=draw(st.sampled_from(["40ms", "10ms"] if resolution == "batched" else ["5ms"])),
        seed=draw(st.integers(1, 9)),
        cgroup={"cpu": draw(st.sampled_from(["none", 0.7]))},
        model={"resolution": resolution},
    )
