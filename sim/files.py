"""Files that appear whole or not at all: written aside, handed to the disk, renamed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from sim.errors import UserError

_LONGEST_ENDING: Final = 16
_NUMBER: Final = re.compile(r"\[errno (\d+)\]")
"""How Arrow puts it."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write to, which takes the place of `path` once the block has ended well.

    It grows in the same folder under a hidden name with the same ending; whatever ends the block
    early, `path` holds what it held. Pipes and devices such as /dev/stdout are written to directly.
    Raises UserError where that is impossible.
    """
    try:
        _refuse_a_folder(path)
        if _is_device(path):
            yield path
            return
        target = path.resolve()  # a link goes on pointing there
        target.parent.mkdir(parents=True, exist_ok=True)
        growing = target.with_name(f".{os.getpid()}.partial{target.suffix[:_LONGEST_ENDING]}")
        try:
            yield growing
            if target.exists():
                shutil.copymode(target, growing)
            sync(growing)
            growing.replace(target)
        finally:
            growing.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {reason(error)}") from None


def check_writable(path: Path) -> None:
    """Raises UserError where no file could be written: before work begins that would be lost."""
    try:
        _refuse_a_folder(path)
        if not _is_device(path):
            folder = next(folder for folder in path.resolve().parents if folder.exists())
            with TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {reason(error)}") from None


def write(path: Path, content: str | bytes) -> None:
    """Write a file as a whole or not at all; UserError where that is impossible."""
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with replacing(path) as growing:
        growing.write_bytes(data)


def is_file(path: Path) -> bool:
    """Whether there is such a file; of a name that no file can have, there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _refuse_a_folder(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path}: expected a file to write, got a folder")


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def sync(path: Path) -> None:
    """Wait until the disk has what was written to a file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def reason(error: OSError) -> str:
    """Why the operating system refused, in its words: `No space left on device`."""
    if number := _NUMBER.search(str(error)):
        return os.strerror(int(number[1]))
    return error.strerror or str(error)
