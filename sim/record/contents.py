"""What was written into the files of a run: sizes and checksums, noted in its seal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final
from zlib import crc32

import pyarrow.parquet as pq

from sim.record.places import Place

NOTED: Final = b"tables"
"""Metadata of the seal: size and checksum of each other table."""


def noted_contents(folder: Path, tables: Iterable[str]) -> bytes:
    """What the seal says of the tables of a folder."""
    paths = {table: folder / f"{table}.parquet" for table in sorted(tables)}
    return json.dumps({table: contents(path) for table, path in paths.items()}).encode()


def contents(file: Place) -> tuple[int, ...]:
    """Size of a file and the checksum of its bytes (CRC-32, as in zip); elsewhere its size."""
    return _contents(file, *_version(file))


def noted_in(seal: Place) -> dict[str, list[int]]:
    """Size and checksum by table; empty in runs of former versions.

    The seal has checksums of its own pages; the rest of it has no value of the run. Raises what
    pyarrow does, or ValueError, where it is damaged.
    """
    return _noted_in(seal, *_version(seal))


def _version(file: Place) -> tuple[int, int]:
    """Size and time of the last change: as long as they stay, nobody looks again."""
    about = file.stat()
    return about.st_size, getattr(about, "st_mtime_ns", 0)


@cache
def _contents(file: Place, size: int, _: int) -> tuple[int, ...]:
    return (size, crc32(file.read_bytes())) if isinstance(file, Path) else (size,)


@cache
def _noted_in(seal: Place, size: int, _: int) -> dict[str, list[int]]:
    del size
    with seal.open("rb") as file:
        table = pq.ParquetFile(file, page_checksum_verification=True).read()
    noted: dict[str, list[int]] = json.loads((table.schema.metadata or {}).get(NOTED, "{}"))
    return noted
