"""Text of files and logs is seen, and does nothing."""

from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.cli.terminal import raw, text_is_data
from sim.text import is_visible, one_line, visible

HOSTILE = [
    "\x1b[31m",
    "\x1b]0;t\x07",
    "\r",
    "\x00",
    "\x9b2J",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_acts_is_spelled_out(text: str) -> None:
    shown = visible(f"a{text}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert not is_visible(text)


@given(st.text(st.characters()))
def test_nothing_that_acts_is_left(text: str) -> None:
    assert is_visible(visible(text))
    assert visible(visible(text)) == visible(text)
    assert len(one_line(text).splitlines()) <= 1
    one_line(text).encode()


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert visible(f"{text}\n\t") == f"{text}\n\t"


def test_everything_printed_goes_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    with text_is_data():
        sys.stdout.write("a\x1b[31mb \u00b5\n")
        raw(sys.stdout).write("\x1b[0m")
    out.flush()
    assert out.buffer.getvalue() == b"a\\x1b[31mb \\xb5\n\x1b[0m"  # type: ignore[attr-defined]
