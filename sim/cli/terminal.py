"""The one way to a terminal: what comes from files and logs is seen there, and does nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOWrapper
from pathlib import Path
from textwrap import TextWrapper
from typing import Any, Final, TextIO, cast

from sim.text import brief, one_line, visible

_LONGEST: Final = 1000
"""Characters of a sentence; what is longer loses its middle."""


class _Visible:
    """A stream on which control characters and marks of direction are spelled out."""

    def __init__(self, stream: TextIO) -> None:
        self.raw = stream
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what its encoding cannot show

    def write(self, text: str) -> int:
        return self.raw.write(visible(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


@contextmanager
def text_is_data() -> Iterator[None]:
    """Let everything that is printed meanwhile go through `visible`.

    A stream that was closed before Python began (`>&-`) is None: what goes there is lost.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        out, err = (
            cast(TextIO, _Visible(stream or nowhere)) for stream in (sys.stdout, sys.stderr)
        )
        with redirect_stdout(out), redirect_stderr(err):
            yield


def width() -> int | None:
    """Characters of a line of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(*texts: str) -> None:
    """Print sentences, one or more lines each; a terminal gets no line broken within a word."""
    room = width() or sys.maxsize
    wrapper = TextWrapper(
        room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    for text in texts:
        for line in text.split("\n"):
            print(wrapper.fill(line))


def notify(sentence: str) -> None:
    """One line on standard error: what went wrong, or what is about to be done."""
    line = brief(one_line(sentence))
    if len(line) > _LONGEST:
        half = _LONGEST // 2
        line = f"{line[:half]} ... {line[-half:]}"
    print(f"gomemsim: {line}", file=sys.stderr)


def raw(stream: TextIO) -> TextIO:
    """The stream without that, for what must move a terminal: a progress bar."""
    return cast(TextIO, getattr(stream, "raw", stream)) if isinstance(stream, _Visible) else stream
