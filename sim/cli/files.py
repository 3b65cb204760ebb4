"""Files that commands write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, Literal

from sim.errors import UserError

STANDARD_OUTPUT: Final = Path("-")


@contextmanager
def replacing(path: Path, mode: Literal["w", "wb"] = "w") -> Iterator[IO[Any]]:
    """A file that takes the place of `path` when it is whole; after an error `path` is as it was.

    Folders on the way are made. Raises UserError where nothing can be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        encoding = "utf-8" if mode == "w" else None
        with NamedTemporaryFile(
            mode, encoding=encoding, dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            try:
                yield file
                file.flush()
                Path(file.name).chmod(_mode(path))
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


def write(path: Path, text: str) -> None:
    """Write a text as a whole or not at all; UserError where that is impossible."""
    with replacing(path) as file:
        file.write(text)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; UserError where that is impossible."""
    with replacing(path, "wb") as file:
        file.write(content)


def write_json(path: Path | None, document: Callable[[], object]) -> bool:
    """Write what `document` gives to a file, or to standard output for `-`.

    Returns whether standard output is taken, so that nothing else belongs there.
    """
    if path is None:
        return False
    text = json.dumps(document(), indent=2, allow_nan=False) + "\n"
    if path == STANDARD_OUTPUT:
        print(text, end="")
        return True
    write(path, text)
    return False


def _mode(path: Path) -> int:
    """Rights of the file that is replaced, or of a new one."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
