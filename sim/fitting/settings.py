"""Settings in the words that Go writes."""

from __future__ import annotations

from typing import Final

from sim.units import Bytes, GiB, KiB, MiB

_UNITS: Final = (("GiB", GiB), ("MiB", MiB), ("KiB", KiB), ("B", 1))


def name_gogc(gogc: int | None) -> str:
    """GOGC as Go writes it."""
    return "off" if gogc is None else str(gogc)


def name_limit(limit: Bytes | None) -> str:
    """GOMEMLIMIT exactly, in the largest unit that needs no fraction."""
    if limit is None:
        return "none"
    unit, size = next((unit, size) for unit, size in _UNITS if limit % size == 0)
    return f"{limit // size}{unit}"
