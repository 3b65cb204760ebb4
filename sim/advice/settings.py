"""Lists of settings as people type them."""

from __future__ import annotations

import math
from itertools import product
from typing import Final

from sim.errors import UserError
from sim.fitting.settings import parse_gogc, parse_limit, parse_procs
from sim.replay.setting import Setting

MAX_SETTINGS: Final = 1000
"""Settings of one prediction."""


def grid(gogc: str, gomemlimit: str, gomaxprocs: str) -> list[Setting]:
    """Every combination of comma-separated values, in the order typed.

    Raises UserError for a value that Go would not take.
    """
    if (
        count := math.prod(len(_words(text)) for text in (gogc, gomemlimit, gomaxprocs))
    ) > MAX_SETTINGS:
        raise UserError(
            f"expected at most {MAX_SETTINGS:,} settings, got {count:,}: predict them in parts"
        )
    found = [
        Setting(percent, limit, procs)
        for procs, limit, percent in product(
            [parse_procs(word) for word in _words(gomaxprocs)],
            [parse_limit(word) for word in _words(gomemlimit)],
            [parse_gogc(word) for word in _words(gogc)],
        )
    ]
    return list(dict.fromkeys(found))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
