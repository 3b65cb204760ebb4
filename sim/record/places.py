"""Where runs are kept: a folder, or a URL of any file system that fsspec knows."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from sim.errors import UserError
from sim.files import write

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = "Path | UPath"
"""A folder on this machine or elsewhere; both sorts are used alike."""
_URL: Final = "://"
_STORAGE: Final = frozenset({"aiohttp", "azure", "botocore", "google"})
"""Libraries of object storage whose errors fsspec hands on as they are."""


def place(text: str | Place) -> Place:
    """The folder with a path such as `results/a`, or a URL such as `s3://bucket/results/a`.

    Raises UserError for a URL whose file system is unknown or not installed.
    """
    if _URL not in str(text):
        return Path(str(text))
    from upath import UPath

    try:
        found = UPath(str(text))
        _ = found.fs
    except (ImportError, ValueError) as error:
        raise UserError(f"{text}: {error}") from None
    return found


def matching(pattern: str) -> Sequence[Place]:
    """What matches a pattern such as `results/sweep-*` or `s3://bucket/sweep-*`, by name."""
    if _URL not in pattern:
        return [Path(name) for name in sorted(glob(pattern, recursive=True))]  # noqa: PTH207
    from fsspec.core import url_to_fs

    system, path = url_to_fs(str(place(pattern)))
    return [place(system.unstrip_protocol(name)) for name in sorted(system.glob(path))]


def of_storage(error: BaseException) -> bool:
    """Whether an object storage refused: no credentials, no such host, no rights."""
    return type(error).__module__.partition(".")[0] in _STORAGE


def look_again(folder: Place) -> None:
    """Forget listings: other processes may have written since."""
    if not isinstance(folder, Path):
        folder.fs.invalidate_cache()


def put(file: Place, content: bytes) -> None:
    """Write a file that appears whole or not at all, under another name first."""
    if isinstance(file, Path):
        write(file, content)
        return
    partial = file.parent / f".{file.name}.{os.getpid()}@{platform.node()}.partial"
    partial.write_bytes(content)
    partial.rename(file)


def remove(folder: Place) -> None:
    """Delete a folder with all that is in it, if it is there."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.fs.rm(folder.path, recursive=True)
