"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from sim.errors import UserError


def write(path: Path, text: str) -> None:
    """Write a text, with the folders on the way; UserError where that is impossible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
