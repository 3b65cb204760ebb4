"""A local page in the browser, on the loopback only."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from multiprocessing import active_children, get_context
from typing import Any, Final

from sim.errors import UserError
from sim.explore.knobs import Position
from sim.explore.live import PagePool, application, share_progress
from sim.explore.predictor import Predictor
from sim.fitting.fit import Fit
from sim.units import Bytes

LOOPBACK: Final = "127.0.0.1"
PROCESSES: Final = 2
"""One for intervals, one for the trade-off."""


def serve(
    fit: Fit,
    name: str,
    container: Bytes | None,
    seed: int,
    *,
    port: int,
    browse: bool,
    ready: Callable[[str], None],
) -> None:
    """Serve the page until interrupted; `ready` gets its address. Port 0 is any that is free.

    Raises UserError if the port is taken.
    """
    from bokeh.server.server import Server

    predictor = Predictor(fit, seed)
    logged = fit.logged
    position = Position(logged.gogc, logged.memory_limit, logged.procs, 1.0, 0.0, container)
    context = get_context("spawn")
    done = context.Value("d", 0.0, lock=False)
    pool = ProcessPoolExecutor(PROCESSES, context, initializer=share_progress, initargs=(done,))
    try:
        visit = application(
            predictor, predictor.today(), position, PagePool(pool, done), about(fit, name)
        )
        try:
            server = Server({"/": visit}, address=LOOPBACK, port=port)
        except OSError as error:
            raise UserError(f"--port {port}: {error.strerror or error}") from None
        server.start()
        address = f"http://localhost:{server.port}/"
        if browse:
            server.io_loop.add_callback(webbrowser.open, address)
        # Bokeh's own loop says that it ends before it ends, which a closed output prevents.
        with suppress(KeyboardInterrupt):
            ready(address)
            server.io_loop.start()
        server.stop()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in active_children():  # nobody waits for what they are working out
            worker.terminate()


def about(fit: Fit, name: str, verdict: Sequence[str] = ()) -> dict[str, Any]:
    """What the template of the page is told; `verdict` is over all settings."""
    doubts = [f"doubt: {sentence}" for sentence in fit.warnings]
    return {
        "name": name,
        "rests": [*fit.assumptions, *doubts],
        "version": version("gomemsim"),
        "verdict": verdict,
    }
