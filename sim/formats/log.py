"""Logs, one line at a time, from a path or standard input; and what to tell about them."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, cast

from sim.errors import UserError

_GZIP_MAGIC: Final = b"\x1f\x8b"


class Problem(NamedTuple):
    """Something in a log that a user should know before trusting what was read."""

    line_number: int
    reason: str
    kept: bool
    """Whether the line was used all the same."""


@contextmanager
def open_log(path: str | Path) -> Iterator[Iterator[str]]:
    """The lines of a log, read as they are asked for; `-` is standard input.

    Compression shows in the first bytes, not in the name. Bytes that are not UTF-8 become U+FFFD:
    a log may hold anything. Raises UserError for a file that cannot be read or that is cut short
    inside its compressed data.
    """
    if str(path) == "-":
        yield _lines(cast(io.BufferedReader, sys.stdin.buffer), "standard input")
        return
    with _open(Path(path)) as source:
        yield _lines(source, str(path))


def _open(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def _lines(source: io.BufferedReader, name: str) -> Iterator[str]:
    """Decoded lines with their line ends."""
    zipped = source.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
    plain = gzip.GzipFile(fileobj=source) if zipped else source
    number = 0
    try:
        for line in plain:
            number += 1
            yield line.decode("utf-8", "replace")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{name}: damaged gzip data after line {number}: {error}") from error
