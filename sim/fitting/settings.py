"""Settings as people type them and Go reads them."""

from __future__ import annotations

from typing import Final

from sim.errors import UserError
from sim.units import Bytes, GiB, KiB, MiB, parse_bytes

_UNITS: Final = (("GiB", GiB), ("MiB", MiB), ("KiB", KiB), ("B", 1))


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
