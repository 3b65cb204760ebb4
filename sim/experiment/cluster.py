"""Points on the workers of a Dask scheduler, on one machine or many."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from socket import create_connection
from typing import TYPE_CHECKING, Final

from sim.errors import UserError
from sim.experiment.point import Point
from sim.experiment.processes import DIED
from sim.experiment.sweep import Engine, stored
from sim.experiment.worker import Outcome, simulate_point
from sim.record.places import Place, look_again

if TYPE_CHECKING:
    from distributed import Client, Future

ANSWERS_WITHIN: Final = 5
"""Seconds; a scheduler that says nothing for so long is taken for dead."""
STARTS_WITHIN: Final = 60
"""Seconds for the first worker to come: clusters may grow on demand."""
CONNECTIONS: Final = 5
"""How often the scheduler is asked again for what a lost connection has left."""
_PACKAGE: Final = "gomemsim"
_DASK: Final = "distributed"


def cluster(scheduler: str) -> Engine:
    """Runs points on the workers of the scheduler with this address, such as `tcp://host:8786`.

    A worker that dies does not lose its points: others take them. A connection that is lost is made
    again. The engine raises UserError if the scheduler does not answer, goes away, or has workers
    with another version of gomemsim.
    """
    return partial(_on_cluster, scheduler)


def _on_cluster(scheduler: str, points: Sequence[Point], folder: Place) -> Iterator[Outcome]:
    left = list(points)
    for _ in range(CONNECTIONS):
        with _connected(scheduler) as client:
            _check_versions(client, scheduler)
            for outcome in _until_lost(client, left, folder):
                left.remove(outcome.point)
                yield outcome
        if not left:
            return
    raise UserError(f"{scheduler}: the scheduler went away; what was done is kept")


def _until_lost(client: Client, points: Sequence[Point], folder: Place) -> Iterator[Outcome]:
    """Outcomes as they come; a lost connection cancels all others."""
    from distributed import as_completed

    shared = folder.absolute() if isinstance(folder, Path) else folder
    wanted = version(_PACKAGE)
    futures = client.map(_task, points, folder=shared, wanted=wanted, pure=False)
    by_key = {future.key: point for future, point in zip(futures, points, strict=True)}
    for future in as_completed(futures, loop=client.loop):
        if future.cancelled():
            return
        point = by_key[future.key]
        yield Outcome(point, _failure(future) or _unseen(point, folder))
        future.release()


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise UserError(f"a scheduler needs Dask: pip install '{_PACKAGE}[dask]'") from None
    try:
        # A refused connection is told at once; Dask itself would try again for a while.
        create_connection(get_address_host_port(scheduler), timeout=ANSWERS_WITHIN).close()
        client = Client(scheduler, timeout=ANSWERS_WITHIN, set_as_default=False)
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or error
        raise UserError(f"{scheduler}: no Dask scheduler answers there: {told}") from None
    # It prints a traceback where one sentence follows.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with client:
        yield client


def _check_versions(client: Client, scheduler: str) -> None:
    """Of the workers that are there, once there are any; `_task` checks the others."""
    try:
        client.submit(version, _DASK, pure=False).result(timeout=STARTS_WITHIN)
    except TimeoutError:
        raise UserError(f"{scheduler}: no worker took a task in {STARTS_WITHIN} s") from None
    wanted = version(_PACKAGE)
    for worker, found in client.run(version, _PACKAGE, on_error="return").items():
        if isinstance(found, PackageNotFoundError):
            raise UserError(f"{scheduler}: the worker {worker} has no {_PACKAGE}")
        if found != wanted:
            raise UserError(
                f"{scheduler}: the worker {worker} has {_PACKAGE} {found}, not {wanted}"
            )


def _task(point: Point, folder: Place, wanted: str) -> str:
    """In a worker, perhaps once more: Dask repeats tasks whose results died with a worker."""
    mine = version(_PACKAGE)
    if mine != wanted:
        return f"a worker has {_PACKAGE} {mine}, not {wanted}"
    look_again(folder)
    return "" if stored(point, folder) else simulate_point(point, folder)


def _failure(future: Future[str]) -> str:
    from distributed import KilledWorker

    match future.exception():
        case None:
            return future.result()
        case KilledWorker():
            return DIED
        case error:
            return f"{type(error).__name__}: {error}"


def _unseen(point: Point, folder: Place) -> str:
    """Why the run cannot be read from here; empty if it can."""
    look_again(folder)
    if stored(point, folder):
        return ""
    return f"simulated, but not in {folder} of this machine: --out must be where all workers write"
