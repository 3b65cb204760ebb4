"""Logs, one line at a time, from a path or standard input; and what to tell about them."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, cast

from sim.errors import UserError
from sim.units import Bytes, GiB, MiB, format_bytes, parse_bytes

_GZIP_MAGIC: Final = b"\x1f\x8b"
_MARKED: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, as PowerShell 5 and Windows editors write them, and what follows."""
MOST_OF_A_LOG: Final = GiB
"""Unpacked: a few kilobytes of gzip can stand for more than any disk holds."""
LONGEST_LINE: Final = 64 * MiB
"""Characters: far more than an answer of Prometheus or Loki has, which is one line; what follows is
passed over."""
_VARIABLE: Final = "GOMEMSIM_MOST_INPUT"
_HEAD: Final = 64
"""Bytes by which an encoding without a mark is told."""


class Problem(NamedTuple):
    """Something in a log that a user should know before trusting what was read."""

    line_number: int
    reason: str
    kept: bool
    """Whether the line was used all the same."""


@contextmanager
def open_log(path: str | Path) -> Iterator[Iterator[str]]:
    """The lines of a log, read as they are asked for; `-` is standard input.

    Compression and UTF-16 show in the first bytes, not in the name. Bytes that are not text become
    U+FFFD: a log may hold anything. Raises UserError for a file that cannot be read or that is cut
    short inside its compressed data.
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
    number = 0
    try:
        zipped = source.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
        plain = io.BufferedReader(gzip.GzipFile(fileobj=source)) if zipped else source
        encoding = _encoding(plain.peek(_HEAD)[:_HEAD])
        text = io.TextIOWrapper(plain, encoding, errors="replace", newline="\n")
        try:
            for number, line in enumerate(_bounded(text, name), start=1):  # noqa: B007
                yield line
        finally:
            text.detach()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{name}: damaged gzip data after line {number}: {error}") from error
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error


def _bounded(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines; of longer ones the beginning. UserError for what is larger than `most`."""
    allowed = read = most(MOST_OF_A_LOG)
    while line := text.readline(LONGEST_LINE):
        yield line
        while line and not line.endswith("\n"):
            read -= len(line)
            line = text.readline(LONGEST_LINE)
        read -= len(line)
        if read < 0:
            raise UserError(too_large(name, allowed))


def most(usual: Bytes) -> Bytes:
    """How much of a file is read, unpacked: as usual, or what the environment says."""
    return parse_bytes(os.environ[_VARIABLE]) if _VARIABLE in os.environ else usual


def too_large(name: str, allowed: Bytes) -> str:
    """The sentence for a file of more bytes than that."""
    return (
        f"{name}: expected at most {format_bytes(allowed)}, unpacked, got more; {_VARIABLE}=16GiB"
        " in the environment lets more be read"
    )


def _encoding(head: bytes) -> str:
    """By a byte order mark, or by the zero bytes that ASCII has in UTF-16."""
    for mark, encoding in _MARKED:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2], head[1::2]
    if len(odd) > 1 and not any(odd) and all(even):
        return "utf-16-le"
    if len(odd) > 1 and not any(even) and all(odd):
        return "utf-16-be"
    return "utf-8"
