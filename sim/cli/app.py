"""The commands together, and what becomes of errors: one sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from sim.cli import (
    accuracy,
    calibrate,
    compare,
    examples,
    export,
    fit,
    plot,
    policies,
    report,
    run,
    schema,
    sizeclasses,
    tune,
    validate,
    validate_memory,
    whatif,
    where,
)
from sim.errors import ModelError, UserError
from sim.registry import fault

USER_ERROR = 2
MODEL_ERROR = 1

app = typer.Typer(
    name="gomemsim",
    help="Simulate the memory system of the Go 1.27 runtime.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    run.run,
    examples.examples,
    examples.init,
    compare.compare,
    plot.plot,
    report.report,
    export.export,
    whatif.whatif,
    tune.tune,
    accuracy.accuracy,
    fit.fit,
    calibrate.calibrate,
    validate_memory.validate_memory,
    validate.validate,
    policies.policies,
    sizeclasses.sizeclasses,
    where.where,
    schema.schema,
):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; a user's mistake is one sentence on stderr and exit code 2."""
    try:
        app(args=arguments, prog_name="gomemsim")
    except UserError as error:
        _fail(str(error), USER_ERROR)
    except ModelError as error:
        _fail(f"the model is wrong: {error}", MODEL_ERROR)
    except Exception as error:
        wrong = fault(error)
        if wrong is None:
            raise
        _fail(wrong, USER_ERROR)


def _fail(sentence: str, code: int) -> None:
    print(f"gomemsim: {sentence}", file=sys.stderr)
    sys.exit(code)
