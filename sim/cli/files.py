"""Files that commands write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.files import check_writable, write
from sim.text import quoted

STANDARD_OUTPUT: Final = Path("-")


def writable(path: Path | None) -> Path | None:
    """A file that a command is to write: refused at once where none can be written."""
    if path is not None and path != STANDARD_OUTPUT:
        check_writable(path)
    return path


def folder(text: str) -> str:
    """What names a folder or its URL. Raises UserError for an empty text, which would be `.`."""
    if not text.strip():
        raise UserError(f"--out: expected a folder, got {quoted(text)}")
    return text


def folder_path(text: str) -> Path:
    """The same as the path of a folder."""
    return Path(folder(str(text)))


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
