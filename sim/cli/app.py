"""The commands together, and what becomes of errors: one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final

import typer

from sim.cli import (
    accuracy,
    calibrate,
    check,
    compare,
    contention,
    effects,
    evaluate,
    examples,
    explore,
    export,
    fit,
    plot,
    policies,
    profile,
    report,
    run,
    schema,
    scorecard,
    sensitivity,
    sizeclasses,
    tune,
    validate,
    validate_memory,
    watch,
    whatif,
    where,
)
from sim.cli.ending import report_error, signals_interrupt, unread
from sim.cli.help import Command, Grouped, WithSwitches, epilog
from sim.cli.terminal import text_is_data
from sim.python_gc import collect_seldom
from sim.registry import fault

ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "1")
"""numpy would start a thread for every CPU, and hardly multiplies a matrix here."""
GROUPS: Final[Mapping[str, Sequence[Callable[..., None]]]] = {
    "Begin": (examples.examples, examples.init),
    "Simulate": (run.run, compare.compare, check.check, plot.plot, report.report, export.export),
    "Compare designs": (
        effects.effects,
        sensitivity.sensitivity,
        scorecard.scorecard,
        contention.contention,
    ),
    "Predict from a log": (whatif.whatif, tune.tune, explore.explore, fit.fit, profile.profile),
    "Learn": (watch.watch, where.where, sizeclasses.sizeclasses, policies.policies, schema.schema),
    "Real Go beside the model": (
        evaluate.evaluate,
        accuracy.accuracy,
        calibrate.calibrate,
        validate.validate,
        validate_memory.validate_memory,
    ),
}
"""The commands, in the order in which people meet them."""

app = typer.Typer(
    name="gomemsim",
    help="Simulate the memory system of the Go 1.27 runtime.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    cls=Grouped,
)
for group, commands in GROUPS.items():
    for command in commands:
        name = command.__name__.replace("_", "-")
        kind = WithSwitches if command is run.run else Command
        app.command(name, cls=kind, rich_help_panel=group, epilog=epilog(name))(command)


def _print_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.machinery import EXTENSION_SUFFIXES
        from importlib.metadata import version
        from importlib.util import find_spec

        core = find_spec("sim.actors.processor")
        compiled = core and str(core.origin).endswith(tuple(EXTENSION_SUFFIXES))
        print(f"gomemsim {version('gomemsim')}, {'compiled' if compiled else 'Python alone'}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Simulate the memory system of the Go 1.27 runtime."""


@cache
def command_line() -> Any:
    """The commands as click has them, made of the signatures once in a process."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit; what goes wrong is one sentence (see `sim.cli.ending`)."""
    collect_seldom()
    os.environ.setdefault(*ONE_THREAD)
    with text_is_data(), signals_interrupt():
        try:
            code = command_line().main(args=arguments, prog_name="gomemsim")
            sys.stdout.flush()
        except typer.Exit as ended:
            code = ended.exit_code
        except SystemExit as ended:  # of a plug-in, or of shell completion
            if fault(ended) is None:
                raise
            code = report_error(ended)
        except BrokenPipeError:
            code = unread()
        except BaseException as error:  # noqa: BLE001  all of them become a sentence
            code = report_error(error)
    sys.exit(code)
