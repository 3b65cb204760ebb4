"""Lists of settings as people type them."""

from __future__ import annotations

from itertools import product
from typing import Final

from sim.errors import UserError
from sim.fluid.setting import Setting
from sim.units import Bytes, GiB, KiB, MiB, parse_bytes

_UNITS: Final = (("GiB", GiB), ("MiB", MiB), ("KiB", KiB), ("B", 1))


def grid(gogc: str, gomemlimit: str, gomaxprocs: str) -> list[Setting]:
    """Every combination of comma-separated values, in the order typed.

    Raises UserError for a value that Go would not take, and for GOGC=off without a limit, under
    which no cycle ever runs.
    """
    found = [
        Setting(percent, limit, procs)
        for procs, limit, percent in product(
            [parse_procs(word) for word in _words(gomaxprocs)],
            [parse_limit(word) for word in _words(gomemlimit)],
            [parse_gogc(word) for word in _words(gogc)],
        )
        if percent is not None or limit is not None
    ]
    if not found:
        raise UserError("GOGC=off without a GOMEMLIMIT never collects: there is nothing to predict")
    return list(dict.fromkeys(found))


def parse_gogc(text: str) -> int | None:
    """GOGC as Go reads it: a percentage of at least 0, or `off`."""
    if text == "off":
        return None
    if not text.isdecimal():
        raise UserError(f"GOGC: expected a number such as 100 or off, got {text!r}")
    return int(text)


def parse_limit(text: str) -> Bytes | None:
    """GOMEMLIMIT as Go reads it; `none` and `off` are no limit."""
    if text in {"none", "off"}:
        return None
    limit = parse_bytes(text)
    if limit <= 0:
        raise UserError(f"GOMEMLIMIT: expected a size above 0 such as 512MiB, got {text!r}")
    return limit


def parse_procs(text: str) -> int:
    """GOMAXPROCS, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"GOMAXPROCS: expected a number from 1 on, got {text!r}")
    return int(text)


def name_gogc(gogc: int | None) -> str:
    """GOGC as Go writes it."""
    return "off" if gogc is None else str(gogc)


def name_limit(limit: Bytes | None) -> str:
    """GOMEMLIMIT exactly, in the largest unit that needs no fraction."""
    if limit is None:
        return "none"
    unit, size = next((unit, size) for unit, size in _UNITS if limit % size == 0)
    return f"{limit // size}{unit}"


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
