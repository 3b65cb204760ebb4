from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import UserError
from sim.formats.pprof import HeapProfile, HeapSample, decode, encode, read, write

GOLDEN = Path(__file__).parents[1] / "golden" / "pprof" / "heap.pb.gz"


def test_a_profile_of_a_real_program_says_what_go_tool_pprof_says() -> None:
    """The program allocated in main.garbage and main.build, with MemProfileRate 4096."""
    profile = read(GOLDEN)
    space: dict[str, int] = {}
    for sample in profile.samples:
        space[sample.function] = space.get(sample.function, 0) + sample.alloc_space
    assert profile.sampling_rate == 4096
    # Printed by: go tool pprof -sample_index=alloc_space -top heap.pb.gz
    assert round(space["main.garbage"] / 1024, 2) == 130448.04
    assert round(space["main.build"] / 1024, 2) == 11535.33
    assert round(sum(space.values()) / 1024, 2) == 142630.93


def test_samples_carry_the_size_of_their_objects() -> None:
    """Counts are scaled up from a sample, so bytes per object hold where there are many."""
    many = [sample for sample in read(GOLDEN).samples if sample.alloc_objects > 1000]
    assert "main.build" in {sample.function for sample in many}
    for sample in many:
        assert sample.alloc_space / sample.alloc_objects == pytest.approx(sample.size, rel=0.01)


def test_inlined_calls_are_on_the_stack() -> None:
    stacks = {sample.stack[:2] for sample in read(GOLDEN).samples}
    assert ("main.garbage", "main.main") in stacks


def test_a_real_profile_survives_reading_and_writing(tmp_path: Path) -> None:
    profile = read(GOLDEN)
    write(profile, tmp_path / "again.pb.gz")
    assert read(tmp_path / "again.pb.gz") == profile


counts = st.integers(-(1 << 63), (1 << 63) - 1)
samples = st.builds(
    HeapSample,
    st.lists(st.text(max_size=5), max_size=4).map(tuple),
    st.none() | st.integers(0, 1 << 40),
    counts,
    counts,
    counts,
    counts,
)


@given(st.builds(HeapProfile, st.integers(0, 1 << 30), st.lists(samples, max_size=4).map(tuple)))
def test_what_was_written_is_read_back(profile: HeapProfile) -> None:
    assert decode(encode(profile)) == profile


def test_what_is_no_heap_profile_is_one_sentence(tmp_path: Path) -> None:
    for name, content in {
        "text": b"flat  flat%   sum%",
        "empty": b"",
        "cut": GOLDEN.read_bytes()[:-100],
        "damaged": gzip.compress(gzip.decompress(GOLDEN.read_bytes())[:-100]),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name}: "):
            read(tmp_path / name)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read(tmp_path / "none")


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_in_an_orderly_way(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError, KeyError)):
        decode(data)
