"""Points on the workers of a Dask scheduler, on one machine or many."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from socket import create_connection
from typing import TYPE_CHECKING, Final

from sim.config.provenance import simulator
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
PATIENCE: Final = 90
"""Seconds in which a scheduler that went away may come back, or another in its place."""
KEPT: Final = "what was done is kept, and the same command goes on from there"
_PACKAGE: Final = "gomemsim"
_DASK: Final = "distributed"
CONNECTIONS: Final = 5
"""How often in a row a connection may be lost before a single point has ended."""


def cluster(scheduler: str) -> Engine:
    """Runs points on the workers of the scheduler with this address, such as `tcp://host:8786`.

    A worker that dies does not lose its points: others take them. A connection that is lost is made
    again, with the same scheduler or with the one that took its place. The engine raises UserError
    if the scheduler does not answer or come back, or has workers with another gomemsim.
    """
    return partial(_on_cluster, scheduler)


def _on_cluster(scheduler: str, points: Sequence[Point], folder: Place) -> Iterator[Outcome]:
    left, lost = list(points), 0
    with _connected(scheduler) as client:
        yield from _ended(_until_lost(client, scheduler, left, folder), left)
    while left and lost < CONNECTIONS:
        before = len(left)
        yield from _ended(_found(left, folder), left)
        with _connected_again(scheduler) as client:
            yield from _ended(_until_lost(client, scheduler, left, folder), left)
        lost = lost + 1 if len(left) == before else 0
    if left:
        raise UserError(f"{scheduler}: lost {lost} times in a row; {KEPT}")


def _ended(outcomes: Iterator[Outcome], left: list[Point]) -> Iterator[Outcome]:
    for outcome in outcomes:
        left.remove(outcome.point)
        yield outcome


def _found(points: Sequence[Point], folder: Place) -> Iterator[Outcome]:
    """What was stored without being told of: the connection was lost meanwhile."""
    look_again(folder)
    return (Outcome(point, "") for point in list(points) if stored(point, folder))


def _until_lost(
    client: Client, scheduler: str, points: Sequence[Point], folder: Place
) -> Iterator[Outcome]:
    """Outcomes as they come; they end early if the connection is lost."""
    from distributed import as_completed

    with _losses_end():
        _check_workers(client, scheduler)
        shared = folder.absolute() if isinstance(folder, Path) else folder
        futures = client.map(_task, points, folder=shared, pure=False)
        by_key = {future.key: point for future, point in zip(futures, points, strict=True)}
        for future in as_completed(futures, loop=client.loop):
            if future.cancelled():
                return
            point = by_key[future.key]
            yield Outcome(point, _failure(future) or _unseen(point, folder))
            future.release()


@contextmanager
def _losses_end() -> Iterator[None]:
    """What Dask raises when the scheduler is gone just ends the block."""
    from distributed import CancelledError

    try:
        yield
    except (CancelledError, OSError):  # a CommClosedError is an OSError
        return


@contextmanager
def _connected_again(scheduler: str) -> Iterator[Client]:
    """As `_connected`, trying again for a while."""
    given_up = time.monotonic() + PATIENCE
    while True:
        try:
            connection = ExitStack()
            client = connection.enter_context(_connected(scheduler))
            break
        except UserError:
            if time.monotonic() > given_up:
                raise UserError(
                    f"{scheduler}: the scheduler went away and did not come back in {PATIENCE} s;"
                    f" {KEPT}"
                ) from None
            time.sleep(1)
    with connection:
        yield client


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


def _check_workers(client: Client, scheduler: str) -> None:
    """Of the workers that are there, once there are any; for others, each point is checked."""
    try:
        client.submit(version, _DASK, pure=False).result(timeout=STARTS_WITHIN)
    except TimeoutError:
        raise UserError(f"{scheduler}: no worker took a task in {STARTS_WITHIN} s") from None
    for worker, found in client.run(simulator, on_error="return").items():
        if isinstance(found, ImportError | AttributeError):
            raise UserError(f"{scheduler}: the worker {worker} has no {_PACKAGE} like this one")
        if found != simulator():
            raise UserError(
                f"{scheduler}: the worker {worker} has another {_PACKAGE}, Python or library:"
                f" {found}, not {simulator()}; install the same wheel everywhere"
            )


def _task(point: Point, folder: Place) -> str:
    """In a worker, perhaps once more: Dask repeats tasks whose results died with a worker."""
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
