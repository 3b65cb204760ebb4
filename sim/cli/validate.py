"""`gomemsim validate`: real Go programs beside simulated ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Json, Quiet, Sets
from sim.cli.progress import progress
from sim.cli.terminal import say
from sim.errors import UserError
from sim.quantities import MOST_REPETITIONS


def validate(
    configs: Annotated[list[Path], typer.Argument(help="Configs, or workloads.")],
    repetitions: Annotated[
        int, typer.Option(min=1, max=MOST_REPETITIONS, help="Real runs per setting.")
    ] = 3,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=V1,V2,...",
            help="Settings to try [default: GOMAXPROCS=1,2 and GOGC=50,100,200,400].",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for logs and table.")] = Path(
        "results/validation"
    ),
    go: Annotated[
        Path | None,
        typer.Option(help="Command of another Go, from 1.21 on [default: the installed one]."),
    ] = None,
    sets: Sets = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run workloads for real and simulated, and print how far apart they are, as Markdown.

    Real runs that the folder has are not repeated: an interrupted validation goes on.
    """
    from sim.report.documents import of_found
    from sim.truth.accuracy import errors_markdown, markdown
    from sim.truth.host import host, need_linux
    from sim.truth.marking import OWN_GOGC
    from sim.truth.toolchain import chosen_go
    from sim.truth.validate import GRID, disturbance
    from sim.truth.validate import validate as measure
    from sim.truth.verdict import of_errors

    need_linux("validate")
    grid = dict(map(_varied, vary)) if vary else GRID
    with progress("validate", quiet=quiet) as report:
        table = measure(
            configs,
            out=out,
            grid=grid,
            sets=sets or (),
            repetitions=repetitions,
            go=go,
            progress=report,
        )
    verdict = of_errors(table)
    if write_json(json, lambda: of_found(verdict, table)):
        return
    print("# Real and simulated runs of the same workloads\n")
    say(*(f"- {line}" for line in verdict), "")
    print(f"    gomemsim {' '.join(sys.argv[1:])}\n")
    print(f"{repetitions} real runs per setting; medians of them, their spread beside the error.")
    print(f"Other programs used {disturbance(out):.1%} of a CPU meanwhile, in the median.")
    print("; ".join(f"{key}: {value}" for key, value in host(chosen_go(go)).items()) + ".")
    print(
        "Costs come from the machine profile of the configs, those of marking times what runs apart"
        f" tell (GOGC={OWN_GOGC}, the fewest Ps); nothing was fitted to the runs below."
    )
    for program, rows in table.groupby("program", sort=False):
        print(f"\n## {program}\n")
        print(errors_markdown(rows))
    print("\n## All settings")
    print(markdown(table))
    print(f"\nlogs and table: {out}")


def _varied(text: str) -> tuple[str, tuple[str, ...]]:
    key, _, values = text.partition("=")
    if not values:
        raise UserError(f"--vary: expected KEY=V1,V2,..., got {text!r}")
    return key, tuple(values.split(","))
