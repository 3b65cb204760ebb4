"""Every option of every command with values that nobody should give, in places where nothing works.

Options are taken from the command line itself: a new one is tried as soon as it exists.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.reliability.faults import NOBODY, Bench, Failures, Point
from benchmarks.reliability.forked import Child, Ended, done
from benchmarks.reliability.words import GROUP, VALID, VALUES
from sim.cli import main as gomemsim

ROOT: Final = Path(__file__).parents[2]
READ: Final = frozenset({"log", "ref1", "refs", "tiny.yaml", "tricolour"})
"""Of these words, what is read."""
WRITERS: Final = (
    *("compare --json", "contention --table", "effects --table", "export -o", "fit -o", "plot -o"),
    *("report -o", "run --json", "tune --json", "tune --html", "watch --html", "whatif --json"),
    "whatif --html",
)
FORMER: Final = "former.txt"
"""A file that stays what it is unless a command ends well."""
_PYTHONS_WORDS: Final = re.compile(
    r"Traceback|fault of gomemsim itself|the model is wrong|Warning:|list index|codec can't|"
    r"invalid literal|has no attribute|NoneType|unpack|[Ee]rrno|object is not|must be real|"
    r"not subscriptable|Error -|could not convert"
)
_MOVES_A_TERMINAL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
MORE_CODES: Final = {"explore": (130,), "tune": (3,)}
"""What else these commands may end with."""
_LONGEST: Final = 700
"""Characters of a sentence with two paths in it."""
PATIENCE: Final = 20.0
"""Seconds after which what serves a page is interrupted."""


def prepare() -> None:
    """What the commands are given to read."""
    log = (ROOT / "data" / "logs" / "service.gctrace").read_text(encoding="utf-8")
    Path("log").write_text("".join(log.splitlines(keepends=True)[:60]), encoding="utf-8")
    Path("folder").mkdir()
    Path("empty").touch()
    Path("binary").write_bytes(bytes(range(256)) * 40)
    Path("ends.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    Path(FORMER).write_text("former", encoding="utf-8")


def hostile_value(bench: Bench, rng: np.random.Generator) -> Failures:
    """One option or argument of one command has a value that nobody should give."""
    del bench
    name = str(rng.choice(list(VALID)))
    taken = [p for p in GROUP.commands[name].params if not getattr(p, "is_flag", False)]
    value = VALUES[rng.integers(len(VALUES))]
    words = VALID[name].split()
    if taken:
        words = _given(words, taken[rng.integers(len(taken))], value)
    return judged(words, done(words, patience=PATIENCE if name == "explore" else None))


def _given(words: list[str], parameter: Any, value: str) -> list[str]:
    if parameter.param_type_name == "option":
        return [*words, max(parameter.opts, key=len), value]
    if parameter.name == "format":
        return [*words[:2], value]
    others = words[2:]
    return [words[0], *others, "--", value] if words[0] != "export" else ["export", value, *others]


def judged(words: Sequence[str], end: Ended) -> Failures:
    """One sentence and an exit code that says what happened; nothing that moves a terminal."""
    allowed = {0, 1, 2, *MORE_CODES.get(words[0], ())}
    wrong = []
    if end.code not in allowed:
        wrong.append(f"exit code {end.code} after {end.cpu:.0f} s of CPU time")
    if found := _PYTHONS_WORDS.search(end.err):
        wrong.append(f"says {found[0]!r}")
    if _MOVES_A_TERMINAL.search(end.out + end.err):
        wrong.append("moves the terminal")
    if end.code == 2 and end.err.count("\n") != 1:
        wrong.append(f"{end.err.count(chr(10))} lines")
    if end.code == 2 and len(end.err) > _LONGEST:
        wrong.append(f"{len(end.err)} characters")
    if end.code == 1 and not end.err and not end.out:
        wrong.append("says nothing")
    if end.code and Path(FORMER).read_text(encoding="utf-8") != "former":
        wrong.append("the former file is gone")
    return [f"{[w[:60] for w in words]}: {'; '.join(wrong)}: {end.err[-300:]!r}"] if wrong else []


def refused_over_a_file(bench: Bench, rng: np.random.Generator) -> Failures:
    """A command that is refused leaves the file or folder that it was to write."""
    del bench
    name, out = WRITERS[rng.integers(len(WRITERS))].split()
    bad = str(rng.choice(["missing", "folder", "binary", "empty"]))
    words = [bad if word in READ else word for word in VALID[name].split()]
    words = [*words, out, FORMER]
    end = done(words)
    return judged(words, end) + ([] if end.code else [f"{words}: is not refused"])


def _closed(number: int) -> Child:
    def close() -> None:
        os.close(number)
        stream = ("stdin", "stdout", "stderr")[number]
        setattr(sys, stream, None)  # as Python finds it at its start

    return close


def _full() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def _unread() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8")


def _ascii() -> None:
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="ascii")
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="ascii", line_buffering=True)


def _no_home() -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.environ.pop(name, None)


def _no_tmp() -> None:
    import tempfile

    tempfile.tempdir = None
    os.environ["TMPDIR"] = "/proc/1"


def _nobody() -> None:
    """Whoever is root loses that, once all modules are loaded: nobody else may read them here."""
    if os.geteuid() or sys.argv[1] == "explore":
        return
    with contextlib.suppress(SystemExit):
        gomemsim(sys.argv[1:])
    for number in (1, 2):
        os.ftruncate(number, 0)
    os.seteuid(NOBODY)


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))


def _nowhere() -> None:
    Path("gone").mkdir(exist_ok=True)
    os.chdir("gone")
    Path("../gone").rmdir()


PLACES: Final[Mapping[str, Child]] = {
    "standard input closed": _closed(0),
    "standard output closed": _closed(1),
    "standard error closed": _closed(2),
    "standard output full": _full,
    "nobody reads standard output": _unread,
    "a terminal of ASCII": _ascii,
    "no home": _no_home,
    "no folder for temporary files": _no_tmp,
    "no right to write": _nobody,
    "few descriptors": _few_descriptors,
    "a folder that was deleted": _nowhere,
}
"""By name: what a process finds where it runs."""
SILENT: Final = frozenset({"standard error closed", "nobody reads standard output"})
"""Where nobody hears a sentence, or whoever read has heard enough."""


def bad_place(bench: Bench, rng: np.random.Generator) -> Failures:
    """A command that is right, where it cannot work as usual."""
    del bench
    name, place = str(rng.choice(list(VALID))), str(rng.choice(list(PLACES)))
    words = VALID[name].split()
    end = done(words, before=PLACES[place], patience=PATIENCE if name == "explore" else None)
    if place in SILENT:
        end = end._replace(err=end.err or "\n")
    return [f"{place}: {failure}" for failure in judged(words, end)]


CLASSES: Final[Mapping[str, tuple[int, Point]]] = {
    "options and arguments of every command": (30, hostile_value),
    "commands refused over a file": (4, refused_over_a_file),
    "commands where nothing works: closed, full, no rights, no home": (12, bad_place),
}
