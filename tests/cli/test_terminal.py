"""Sentences can be read on any terminal, and are lines where something else reads them."""

from __future__ import annotations

import sys

import pytest

from sim.cli.terminal import say

SENTENCE = "- what it costs: " + "peak RSS, " * 12 + "GC CPU"


def test_a_terminal_gets_no_line_that_is_broken_within_a_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    say(SENTENCE, "", "peak RSS   3MiB\nGC CPU     2%")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert " ".join(line.strip() for line in lines[: lines.index("")]) == SENTENCE
    assert lines[-3:] == ["", "peak RSS   3MiB", "GC CPU     2%"]


def test_elsewhere_a_sentence_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(SENTENCE)
    assert capsys.readouterr().out == f"{SENTENCE}\n"
