"""No file from outside breaks a reader: it is read, or refused in a sentence.

This is the short part; `make fuzz` goes on for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS, TOKENS, survives

EXAMPLES: Final = {"config": 20, "stored": 6}
USUAL: Final = 60


@st.composite
def spoiled(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample with some stretches replaced, doubled, or cut out."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = min(len(data), begin + draw(st.sampled_from((0, 1, 4, 40, 4000))))
        new = draw(st.sampled_from(TOKENS) | st.binary(max_size=8) | st.just(data[begin:end] * 2))
        data[begin:end] = new
    return bytes(data)


@pytest.mark.parametrize("name", READERS)
def test_whatever_is_in_a_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    samples = list(reader.samples())

    @settings(
        max_examples=EXAMPLES.get(name, USUAL),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(spoiled(samples))
    def check(data: bytes) -> None:
        survives(reader, tmp_path / "file", data)

    check()


@pytest.mark.parametrize("name", READERS)
def test_the_samples_themselves_are_read(name: str, tmp_path: Path) -> None:
    reader = READERS[name]
    assert any(survives(reader, tmp_path / "file", sample) for sample in reader.samples())
