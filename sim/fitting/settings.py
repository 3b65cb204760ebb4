"""Settings as people type them and Go reads them."""

from __future__ import annotations

from typing import Final

from sim.config.run import MOST_GOGC, MOST_PS
from sim.errors import UserError
from sim.text import quoted
from sim.units import Bytes, GiB, KiB, MiB, parse_bytes

_UNITS: Final = (("GiB", GiB), ("MiB", MiB), ("KiB", KiB), ("B", 1))


_DIGITS: Final = 20
"""More than any number that Go reads has."""


def parse_gogc(text: str) -> int | None:
    """GOGC as Go reads it: a percentage of at least 0, or `off`."""
    if text == "off":
        return None
    percent = _number(text)
    if percent is None or percent > MOST_GOGC:
        raise UserError(f"GOGC: expected a number such as 100 or off, got {quoted(text)}")
    return percent


def parse_limit(text: str) -> Bytes | None:
    """GOMEMLIMIT as Go reads it; `none` and `off` are no limit."""
    if text in {"none", "off"}:
        return None
    limit = parse_bytes(text)
    if limit <= 0:
        raise UserError(f"GOMEMLIMIT: expected a size above 0 such as 512MiB, got {text!r}")
    return limit


def parse_procs(text: str) -> int:
    """GOMAXPROCS, from 1 to MOST_PS."""
    procs = _number(text)
    if not procs or procs > MOST_PS:
        raise UserError(f"GOMAXPROCS: expected a number from 1 to {MOST_PS}, got {quoted(text)}")
    return procs


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def name_gogc(gogc: int | None) -> str:
    """GOGC as Go writes it."""
    return "off" if gogc is None else str(gogc)


def name_limit(limit: Bytes | None) -> str:
    """GOMEMLIMIT exactly, in the largest unit that needs no fraction."""
    if limit is None:
        return "none"
    unit, size = next((unit, size) for unit, size in _UNITS if limit % size == 0)
    return f"{limit // size}{unit}"
