"""The version of Go that wrote a log, and what is predicted by it."""

from __future__ import annotations

import re
from typing import Final

from sim.errors import UserError
from sim.fitting.gctrace_log import GoVersions
from sim.go.pacer.go127 import LIMIT_HEADROOM_PERCENT, LIMIT_MIN_HEADROOM
from sim.text import quoted
from sim.units import Bytes

FIRST_LIMIT: Final = 19
"""GOMEMLIMIT came with Go 1.19 (runtime/debug.SetMemoryLimit)."""
_PACERS: Final = {6: "go1.5", 9: "go1.9", 13: "go1.13", 17: "go1.17", 18: "go1.18", 19: "go1.19"}
"""The last version that a pacer is of; Go 1.20 brought the one of today."""


def parse_go(text: str, log: GoVersions) -> GoVersions:
    """A version such as `1.19`, `go1.26.8`; UserError if it is none, or did not write the log."""
    match = re.fullmatch(r"(?:go)?1\.(\d{1,3})(?:[^\d].*)?", text.strip())
    if match is None:
        raise UserError(f"--go: expected a version such as 1.26, got {text!r}")
    minor = int(match[1])
    if minor > NEWEST + 1:
        raise UserError(
            f"--go: expected a version up to 1.{NEWEST + 1}, got {quoted(text)}: the rules of Go"
            f" 1.{NEWEST} are the newest that are known"
        )
    if not log.oldest <= minor <= max(log.newest, minor if log.newest >= NEWEST else 0):
        raise UserError(
            f"--go: Go 1.{minor} writes other lines than those of the log, which are of Go"
            f" {name(log)}"
        )
    return GoVersions(minor, minor)


NEWEST: Final = 27
"""The newest version whose rules are known; later ones are taken for it."""


def pacer_of(go: GoVersions) -> str:
    """The name of the pacer of the newest of these versions."""
    return next((name for last, name in _PACERS.items() if go.newest <= last), "go1.27")


def limit_headroom(go: GoVersions, goal: Bytes) -> Bytes:
    """What a limit leaves above such a goal (runtime/mgcpacer.go: memoryLimitHeapGoal).

    3 % of it all, and a MiB at least; in Go 1.19 a MiB (memoryLimitHeapGoalHeadroom).
    """
    share = 0 if pacer_of(go) == "go1.19" else LIMIT_HEADROOM_PERCENT
    return max(goal * share // (100 - share), LIMIT_MIN_HEADROOM)


def eras(go: GoVersions) -> list[GoVersions]:
    """The versions by pacer, newest first: their lines are alike, and cycles may tell.

    Go 1.18 smooths as Go 1.19 does, and knows no limit: it is not taken for a later one.
    """
    oldest = max(go.oldest, FIRST_LIMIT) if go.newest >= FIRST_LIMIT else go.oldest
    last = [newest for newest in _PACERS if oldest <= newest < go.newest]
    bounds = zip([oldest, *(one + 1 for one in last)], [*last, go.newest], strict=True)
    return [GoVersions(*pair) for pair in bounds][::-1]


def name(go: GoVersions) -> str:
    """Such as `1.19`, `1.6 to 1.17`."""
    return f"1.{go.oldest}" if go.oldest == go.newest else f"1.{go.oldest} to 1.{go.newest}"


def sentence(go: GoVersions) -> str:
    """Whose pacer and tables predictions are made with."""
    pacer = pacer_of(go).removeprefix("go")
    known = f"the log was written by Go {name(go)}"
    if pacer_of(go) == "go1.27":
        return f"{known}, whose pacer is that of Go 1.20 to 1.27"
    limit = "" if go.newest >= FIRST_LIMIT else ", which knows no GOMEMLIMIT"
    return f"{known}: predictions are made with the pacer of Go {pacer}{limit}"
