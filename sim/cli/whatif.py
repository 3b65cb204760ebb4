"""`gomemsim whatif`: predict other settings of a program from one of its logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import Log


def whatif(
    log: Log,
    gogc: Annotated[str | None, typer.Option(metavar="N|off", help="GOGC to predict.")] = None,
    gomemlimit: Annotated[
        str | None, typer.Option(metavar="SIZE|off", help="GOMEMLIMIT to predict.")
    ] = None,
    gomaxprocs: Annotated[int | None, typer.Option(min=1, help="GOMAXPROCS to predict.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the prediction to a file.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Folder of logs to hold the predictions against.")
    ] = None,
) -> None:
    """Predict GC cycles, peak heap, GC CPU and latency under other settings."""
    from sim.advice import whatif as advice

    if check is not None:
        print(advice.check(log, check))
        return
    prediction = advice.predict(log, gogc=gogc, gomemlimit=gomemlimit, gomaxprocs=gomaxprocs)
    if json is not None:
        json.write_text(prediction.to_json(), encoding="utf-8")
    print(prediction)
