from __future__ import annotations

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from sim.formats.chrome_trace import Counter, Event, Instant, TraceSlice, TraceTrack, read, write

EVENTS: list[Event] = [
    TraceSlice(TraceTrack("Ps", "P 0"), "request 7", 1_234_567, 1_001, {"class": "small"}),
    TraceSlice(TraceTrack("Ps", "P 1"), "mark (dedicated)", 0, 999),
    Counter(TraceTrack("memory", "heap"), 2_000, {"live": 5, "goal": 7.5}),
    Instant(TraceTrack("Ps", "P 0"), "GC 3 starts", 3),
]


def written(events: list[Event]) -> str:
    out = io.StringIO()
    write(events, out)
    return out.getvalue()


def test_a_trace_reads_back_to_the_nanosecond() -> None:
    assert read(io.StringIO(written(EVENTS))) == EVENTS


def test_the_file_is_what_perfetto_expects() -> None:
    trace = json.loads(written(EVENTS))
    rows = trace["traceEvents"]
    assert [row["args"]["name"] for row in rows if row["name"] == "process_name"] == [
        "Ps",
        "memory",
    ]
    assert [row["args"]["name"] for row in rows if row["name"] == "thread_name"] == [
        "P 0",
        "P 1",
    ]
    (first, *_) = (row for row in rows if row["ph"] == "X")
    assert (first["ts"], first["dur"], first["pid"], first["tid"]) == (1234.567, 1.001, 1, 1)


def test_a_trace_without_events_is_still_a_trace() -> None:
    assert read(io.StringIO(written([]))) == []


def test_events_are_written_as_they_come() -> None:
    out = io.StringIO()

    def events() -> object:
        for number in range(3):
            yield Instant(TraceTrack("Ps", "P 0"), "tick", number)
            assert out.getvalue().count("tick") == number + 1

    write(events(), out)  # type: ignore[arg-type]


names = st.text(max_size=8)
times = st.integers(0, 1 << 52)
tracks = st.builds(TraceTrack, names, names)


@given(
    st.lists(
        st.one_of(
            st.builds(TraceSlice, tracks, names, times, times),
            st.builds(Instant, tracks, names, times),
            st.builds(Counter, tracks, times, st.dictionaries(names, st.integers(0, 9))),
        )
    )
)
def test_what_was_written_is_read_back(events: list[Event]) -> None:
    assert read(io.StringIO(written(events))) == events
