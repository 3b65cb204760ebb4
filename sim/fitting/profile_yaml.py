"""The workload file after a program's own profiles."""

from __future__ import annotations

from sim.fitting.profile_batch import batch
from sim.fitting.profile_service import service
from sim.fitting.profiled import Profiled, missing
from sim.replay.program import Load
from sim.text import one_line


def to_yaml(found: Profiled, source: str) -> str:
    """The workload file, with what is missing in it as comments."""
    fit = found.fit
    profiles = "a heap profile" if found.sized else "no heap profile"
    head = [
        f"# From {source}: {fit.cycles} cycles, and {profiles} of the same process.",
        *(f"# To supply: {sentence}." for sentence in missing(found)),
        *(f"# Doubt: {sentence}" for sentence in fit.warnings),
    ]
    busy = fit.program.load is Load.BUSY
    body = batch(found) if busy else service(found)
    return "\n".join([*map(one_line, head), *body, ""])
