"""`gomemsim calibrate`: measure the costs of this machine with real Go programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable, write_json
from sim.cli.options import Json, Quiet
from sim.cli.progress import progress
from sim.quantities import MOST_REPETITIONS


def calibrate(
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=writable, help="Profile to write.")
    ] = Path("machine.yaml"),
    repetitions: Annotated[
        int,
        typer.Option(min=1, max=MOST_REPETITIONS, help="Measurements per cost; the median counts."),
    ] = 5,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Measure a cost profile of this machine (needs Go: pip install 'gomemsim[go]')."""
    import yaml

    from sim.truth.calibrate import calibrate as measure
    from sim.truth.host import need_linux

    need_linux("calibrate")

    with progress("calibrate", quiet=quiet) as report:
        steady = measure(out=out, repetitions=repetitions, progress=report)
    if not write_json(json, lambda: yaml.safe_load(out.read_text(encoding="utf-8"))):
        print(f"profile: {out}")
        print(f"machine: {steady}")
