"""Pages that commands write beside their text."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.progress import progress
from sim.files import write

if TYPE_CHECKING:
    from sim.explore.grid import Grid
    from sim.fitting.fit import Fit


def write_explorer(
    file: Path, name: str, fit: Fit, grid: Grid, seed: int, verdict: Sequence[str], *, quiet: bool
) -> None:
    """The page with sliders as one file, under a verdict; says on stderr where it is."""
    from sim.explore.offline import offline
    from sim.explore.predictor import Predictor
    from sim.explore.serve import about

    with progress("page", quiet=quiet) as report:
        text = offline(Predictor(fit, seed), grid, about(fit, name, verdict), report)
    write(file, text)
    if not quiet:
        print(f"page: {file}", file=sys.stderr)
