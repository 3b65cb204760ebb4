"""The version of Go that built a program, where a line of text or its file says so."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.files import reason

_TOLD: Final = re.compile(
    r"(?i)\bgo(?:[ _-]?(?:version|runtime|build)\W(?:.{0,40}?\W)?|[=:] ?)go1\.(\d{1,2})(?!\d)"
    r"|\b(?:built|compiled)\W+(?:with|by|using)\W+go ?1\.(\d{1,2})(?!\d)"
)
"""As services print it when they start: `Go Version: go1.19.8`, `(go=go1.21.3, ...)`, `Go runtime
{"version": "go1.22.1"}`, `go version go1.23.0 linux/amd64`."""
_MAGIC: Final = b"\xff Go buildinf:"
_HEADER: Final = 32
_INLINE: Final = 2
"""The flag of Go 1.18 on, whose version follows the header (debug/buildinfo)."""


def in_text(line: str) -> int | None:
    """N of Go 1.N, if the line tells which Go the program was built with."""
    if "go1." not in line and "Go1." not in line and "go 1." not in line:
        return None
    found = _TOLD.search(line)
    return None if found is None else int(found[1] or found[2])


def of_binary(path: Path) -> int | None:
    """N of Go 1.N that linked a program; None if it was before Go 1.18.

    Source: debug/buildinfo/buildinfo.go, readRawBuildInfo. Raises UserError for a file that cannot
    be read, and for one that is no program of Go 1.13 or later.
    """
    try:
        with path.open("rb") as file:
            header = _build_info(file.fileno()) if path.stat().st_size else b""
    except OSError as error:
        raise UserError(f"--binary: {path}: {reason(error)}") from None
    if not header:
        raise UserError(
            f"--binary: {path}: expected a program of Go; its build info, which Go 1.13 and later"
            " write into every program, is not in the file"
        )
    if len(header) <= _HEADER or not header[len(_MAGIC) + 1] & _INLINE:
        return None
    length = header[_HEADER]
    found = re.match(rb"go1\.(\d{1,2})(?!\d)", header[_HEADER + 1 : _HEADER + 1 + length])
    return None if found is None else int(found[1])


def _build_info(file: int) -> bytes:
    """What stands from the magic number on; empty where it is not."""
    with mmap.mmap(file, 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_MAGIC)
        return data[at : at + _HEADER + 64] if at >= 0 else b""
