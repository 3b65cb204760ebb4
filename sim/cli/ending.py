"""How a command ends: one sentence and an exit code, whatever happened."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import FrameType
from typing import Final

from sim.cli.terminal import notify
from sim.errors import ModelError, UserError
from sim.files import reason
from sim.record.places import of_storage
from sim.registry import REGISTRIES, fault
from sim.text import quoted

FAILED: Final = 1
"""Some runs of many failed, there was no memory, or the model itself is wrong."""
NOT_MET: Final = 3
"""The command did what it was asked, and nothing keeps the goals."""
USER_ERROR: Final = 2
"""Something in what was given, or in what it is to be read from or written to."""
OWN_FAULT: Final = 70
"""A fault of gomemsim itself (sysexits.h: EX_SOFTWARE)."""
_SIGNALLED: Final = 128
"""Plus the number of the signal, as shells count."""
_HELP: Final = "Usage:"
"""What is said of a command without arguments begins so."""

_EXTRA: Final = "Got unexpected extra argument"
_COMMAS: Final = "; several values of an option are one word with commas, such as 50,100"


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end."""


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """SIGTERM, by which clusters and containers end programs, interrupts as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL)
    ]
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> None:
    raise Interrupted(number)


def unread() -> int:
    """Whoever read standard output has gone, as `head` does: nothing is said; the exit code."""
    with suppress(OSError, ValueError), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())  # what is left would fail at the end again
    return FAILED


def report_error(error: BaseException) -> int:
    """Say what happened in a sentence on standard error; returns the exit code."""
    sentence, code = _verdict(error)
    if sentence.startswith(_HELP):
        print(sentence, file=sys.stderr)
    else:
        notify(sentence)
    return code


def _verdict(error: BaseException) -> tuple[str, int]:
    match error:
        case UserError():
            return "; ".join([str(error), *_notes(error)]), USER_ERROR
        case ModelError():
            plugins = any(registry.outside() for registry in REGISTRIES.values())
            whose = "" if plugins else f"; {_crash_file(error)}"
            return f"the model is wrong: {error}{whose}", FAILED
        case Interrupted():
            return "; ".join(["interrupted", *_notes(error)]), _SIGNALLED + int(error.args[0])
    if wrong := fault(error):
        return wrong, USER_ERROR
    if hasattr(error, "format_message"):  # of typer, or of click in its former versions
        sentence = str(error.format_message())
        hint = _COMMAS if sentence.startswith(_EXTRA) else _typed(error.__cause__)
        return f"{sentence}{hint}", USER_ERROR
    return _of_python(error)


def _typed(cause: BaseException | None) -> str:
    """What typer's sentence leaves out of pydantic's: the value that was typed."""
    if cause is not None and hasattr(cause, "errors"):
        return f", got {quoted(str(cause.errors()[0]['input']))}"
    return ""


def _notes(error: BaseException) -> Sequence[str]:
    return getattr(error, "__notes__", ())


def _of_python(error: BaseException) -> tuple[str, int]:
    match error:
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{reason(error)}", USER_ERROR
        case MemoryError():
            return "there is not enough memory for that", FAILED
        case KeyboardInterrupt():
            return "interrupted", _SIGNALLED + signal.SIGINT
    if of_storage(error):
        return f"object storage: {error}", USER_ERROR
    last = traceback.format_exception_only(error)[-1].strip()
    return f"a fault of gomemsim itself: {last}; {_crash_file(error)}", OWN_FAULT


def _crash_file(error: BaseException) -> str:
    """Write down all that helps to find a fault; where it is, in words."""
    from importlib.metadata import version

    about = [
        shlex.join(sys.argv),
        f"gomemsim {version('gomemsim')} on {platform.platform()}",
        f"Python {platform.python_version()}",
        *traceback.format_exception(error),
    ]
    try:
        with NamedTemporaryFile(
            "w",
            prefix="gomemsim-crash-",
            suffix=".txt",
            encoding="utf-8",
            errors="backslashreplace",
            delete=False,
        ) as file:
            file.write("\n".join(about))
    except OSError as failure:
        return f"what happened could not be written down: {reason(failure)}"
    return f"please report it with {file.name}"
