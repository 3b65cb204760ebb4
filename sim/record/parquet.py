"""A run's folder: streams while it runs, parquet files once it is sealed.

Parquet keeps its directory at the end of the file, so a killed run would leave nothing readable.
Rows therefore go to Arrow streams, and become parquet files at the end. All this happens in the
folder `partial` inside the run's folder: the run that was there before is replaced by a whole one
only, and a run that breaks off stays in `partial`. A folder with `run.parquet` is sealed: that file
appears last, every file appears whole, and it has the sizes and checksums of the others. The same
rows give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from sim.errors import UserError
from sim.files import reason, sync
from sim.record.contents import NOTED, noted_contents
from sim.record.facts import TABLES, Status
from sim.record.phases import begins_of, full_schema, with_phase
from sim.record.places import Place, remove
from sim.record.schema import schema

GROUP_ROWS: Final = 1 << 16
"""Rows in a row group; they do not depend on when blocks were handed over."""
PARTIAL: Final = "partial"
"""Folder inside of a run's folder: a run that goes on, or that broke off."""
_WHOLE: Final = ".whole"
"""Its name once it is whole, until its tables are in the places of the former ones."""


class ParquetSink:
    """Writes a run's tables into a folder. A run that was there before is replaced at the end.

    Of two runs into one folder at the same time, the second is refused. The lock is the operating
    system's: it ends with the process.
    """

    every: float | None = 0.5
    """Seconds: with the time that handing over takes, a kill or a full disk costs less than one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._growing = folder / PARTIAL
        self._lock = FileLock(folder / ".lock", blocking=False, thread_local=False)
        self._streams: dict[str, pa.RecordBatchStreamWriter] = {}

    def open(self, run: pa.RecordBatch) -> None:
        """Lock the folder and begin the streams.

        Raises UserError if another run has it or it cannot be written to.
        """
        with _explained(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except Timeout:
                raise UserError(
                    f"{self._folder}: another run is writing there; choose another folder by --out"
                ) from None
            with self._unlocked_on_failure():
                _arrive(self._folder)
                remove(self._growing)
                self._growing.mkdir()
                for table, fact in TABLES.items():
                    file = pa.OSFile(os.fsencode(str(_stream(self._growing, table))), mode="wb")
                    self._streams[table] = pa.ipc.new_stream(file, schema(fact))
                self.write("run", run)

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """Append to a stream. Raises UserError if there is no room, which ends the run."""
        with _explained(self._folder), self._unlocked_on_failure():
            self._streams[table].write_batch(rows)

    def seal(self, run: pa.RecordBatch) -> None:
        """Turn the streams into parquet files; a whole run takes the place of the former one.

        Raises UserError if there is no room; the streams are kept.
        """
        with _explained(self._folder), self._unlocked_on_failure():
            self.write("run", run)
            for stream in self._streams.values():
                stream.close()
            for table in TABLES:
                if table != "run":
                    _write_sealed(self._growing, table, _stored_batches(self._growing, table))
            noted = noted_contents(self._growing, TABLES.keys() - {"run"})
            _write_sealed(self._growing, "run", [run], {NOTED: noted})
            for table in TABLES:
                _stream(self._growing, table).unlink()
            if Status(run["status"][0].as_py()).whole:
                self._growing.rename(self._folder / _WHOLE)
                _arrive(self._folder)
            self._unlock()

    @contextmanager
    def _unlocked_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._unlock()
            raise

    def _unlock(self) -> None:
        if not self._lock.is_locked:
            return
        with suppress(OSError):  # where open files cannot be deleted, releasing it does
            Path(self._lock.lock_file).unlink()
        self._lock.release()


def is_run(folder: Place) -> bool:
    """Whether the folder holds a run, sealed or not, or what is left of one."""
    return is_sealed(folder) or is_broken_off(folder) or _has_lost_its_seal(folder)


def is_broken_off(folder: Place) -> bool:
    """Whether a run goes on in the folder, or broke off there."""
    return any(
        sealed_path(inner, "run").is_file() or _stream(inner, "run").is_file()
        for inner in (folder, folder / PARTIAL)
    )


def _has_lost_its_seal(folder: Place) -> bool:
    """Whether there are tables of a run without their seal; a single one may be somebody's own."""
    names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    return len(names & {*map(_sealed, TABLES)}) > 1


def is_sealed(folder: Place) -> bool:
    """Whether the run in the folder came to its end, and all its rows are there."""
    return sealed_path(folder, "run").is_file()


def read_table(folder: Place, table: str) -> pa.Table:
    """A table of a run. Of a run that is not sealed, the rows that reached the folder.

    Where no whole run is in the folder, the one that broke off there. Raises UserError if a sealed
    run lacks the table or has it damaged.
    """
    if not is_sealed(folder):
        if is_run(folder / PARTIAL):
            return read_table(folder / PARTIAL, table)
        return pa.Table.from_batches(_stored_batches(folder, table), full_schema(table))
    path = sealed_path(folder, table)
    try:
        with path.open("rb") as file:
            return pq.ParquetFile(file).read()
    except FileNotFoundError:
        raise UserError(f"{folder}: this run has no table {table!r}") from None
    except OSError as error:  # Arrow's as well, where the bytes are wrong
        raise UserError(f"{path}: damaged: {reason(error)}") from None
    except (pa.ArrowException, ValueError) as error:  # names that are no UTF-8 as well
        raise UserError(f"{path}: damaged: {error}") from None


def sealed_path(folder: Place, table: str) -> Place:
    """Where a table is once its run is sealed: for a moment, not in its place yet."""
    arriving = folder / _WHOLE / _sealed(table)
    if isinstance(folder, Path) and arriving.is_file():
        return arriving
    return folder / _sealed(table)


def _sealed(table: str) -> str:
    return f"{table}.parquet"


def _stream(folder: Place, table: str) -> Place:
    """Where a table grows while its run goes on."""
    return folder / f"{table}.arrows"


def _arrive(folder: Path) -> None:
    """Put the tables of a whole run in their places, the seal last.

    Renaming the folder decided it: whoever reads finds the new run from then on, and a process
    that is killed here leaves the rest to the next one.
    """
    whole = folder / _WHOLE
    if not whole.is_dir():
        return
    for table in sorted(TABLES, key=lambda table: table == "run"):
        if (whole / _sealed(table)).is_file():
            (whole / _sealed(table)).replace(folder / _sealed(table))
    remove(whole)


def _batches(folder: Place, table: str) -> Iterator[pa.RecordBatch]:
    """The whole blocks in a stream; a stream that breaks off just ends."""
    try:
        with pa.ipc.open_stream(pa.OSFile(os.fsencode(str(_stream(folder, table))))) as stream:
            yield from stream
    except (pa.ArrowException, OSError, ValueError):
        return


def _stored_batches(folder: Place, table: str) -> Iterator[pa.RecordBatch]:
    """The blocks in a stream as they are stored: with their phases."""
    begins = begins_of(_batches(folder, "phases"))
    return (with_phase(table, rows, begins) for rows in _batches(folder, table))


def _write_sealed(
    folder: Path,
    table: str,
    batches: Iterable[pa.RecordBatch],
    about: Mapping[bytes, bytes] = MappingProxyType({}),
) -> None:
    schema = full_schema(table)
    schema = schema.with_metadata({**schema.metadata, **about})
    whole = folder / _sealed(table)
    growing = folder / f".{whole.name}.partial"
    try:
        with (
            growing.open("wb") as file,
            pq.ParquetWriter(
                file,
                schema,
                compression="zstd",
                write_page_checksum=bool(about),
                write_statistics=not about,
            ) as writer,
        ):
            for group in _groups(batches):
                writer.write_table(group.replace_schema_metadata(schema.metadata))
        sync(growing)
        growing.replace(whole)
    finally:
        growing.unlink(missing_ok=True)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in groups of GROUP_ROWS, the last one shorter."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= GROUP_ROWS:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, GROUP_ROWS).combine_chunks()
            waiting = table.slice(GROUP_ROWS).to_batches()
            rows -= GROUP_ROWS
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Failures of the file system, as a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: cannot write the tables: {reason(error)}") from None
