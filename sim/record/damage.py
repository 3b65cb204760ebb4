"""Whether the files of a run are as they were written."""

from __future__ import annotations

from pathlib import PurePath

import pyarrow as pa

from sim.record.contents import contents, noted_in
from sim.record.parquet import PARTIAL, is_broken_off, is_run, is_sealed, sealed_path
from sim.record.places import Place


def is_whole(folder: Place) -> bool:
    """Whether the run in the folder came to its end, and its tables are as they were written."""
    return is_sealed(folder) and not damage(folder)


def damage(folder: Place) -> str:
    """Which file of a run is not as it was written; empty of one that is whole or broke off.

    Elsewhere than on this machine sizes alone are looked at.
    """
    if not is_sealed(folder):
        if is_broken_off(folder):
            return damage(folder / PARTIAL) if is_sealed(folder / PARTIAL) else ""
        return f"{sealed_path(folder, 'run').name} is missing" if is_run(folder) else ""
    seal = sealed_path(folder, "run")
    try:
        for table, noted in noted_in(seal).items():
            path = sealed_path(folder, table)
            if not path.is_file():
                return f"{path.name} is missing"
            found = contents(path)
            if tuple(noted[: len(found)]) != found:
                return f"{path.name} is not as it was written"
    except PermissionError as error:
        return f"{PurePath(error.filename).name} cannot be read ({error.strerror})"
    except (pa.ArrowException, OSError, ValueError, AttributeError, TypeError):
        return f"{seal.name} is not as it was written"
    return ""
