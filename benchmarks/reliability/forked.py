"""Commands in processes that are forked from this one, which has loaded everything.

A fork costs milliseconds where a new process would load libraries for seconds.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import matplotlib.pyplot  # noqa: F401
import scipy.stats  # noqa: F401
import statsmodels.api  # noqa: F401

import sim.advice.api
import sim.report.page
import sim.simulation  # noqa: F401
from sim.cli import main as gomemsim
from sim.experiment import processes, sweep, table  # noqa: F401

CPU_SECONDS: Final = 60
"""More counts as a hang."""
MEMORY: Final = 6 << 30
"""Bytes of address space; more is refused to the process."""
OUT: Final = Path("out.txt")
ERR: Final = Path("err.txt")
FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND

Child = Callable[[], None]


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    """Exit code; minus the signal that killed it."""
    out: str
    err: str
    cpu: float
    """CPU seconds."""


def start(words: Sequence[object], before: Child = lambda: None) -> int:
    """Fork a process that runs a command, its words in OUT and ERR; returns its number.

    `before` happens in the process first.
    """
    typed = [str(word) for word in words]
    process = os.fork()
    if process:
        return process
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in ((1, OUT), (2, ERR)):
        os.dup2(os.open(file, FRESH, 0o666), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 99
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        sys.argv = ["gomemsim", *typed]
        before()
        gomemsim(typed)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os._exit(code)


def ended(process: int) -> int:
    """Wait for the exit code; minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def done(
    words: Sequence[object], before: Child = lambda: None, patience: float | None = None
) -> Ended:
    """A command to its end; after `patience` seconds of wall time it is interrupted."""
    process = start(words, before)
    alarm = threading.Timer(patience or 0, os.kill, (process, signal.SIGINT))
    if patience is not None:
        alarm.start()
    _, status, used = os.wait4(process, 0)
    alarm.cancel()
    return Ended(os.waitstatus_to_exitcode(status), *said(), used.ru_utime + used.ru_stime)


def said() -> tuple[str, str]:
    """What the last command printed, and what it said on standard error."""
    out, err = (file.read_bytes().decode(errors="surrogateescape") for file in (OUT, ERR))
    return out, err


def asked(question: Callable[[], str]) -> str:
    """The answer of a forked process: reading tables starts threads, which forks do not survive."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            answer = question()
        except BaseException as error:  # noqa: BLE001  the answer is what happened
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode(errors="backslashreplace")[:60_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read().decode()
    ended(process)
    return answer
