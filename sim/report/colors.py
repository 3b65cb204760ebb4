"""One colour, one meaning, in every picture; each is legible on white and on black."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GREY: Final = "#8a8f98"
"""What is only there for comparison."""

MEANING: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Memory
        "heap": "#4c8bd6",
        "live": "#3aa676",
        "goal": "#e0872a",
        "trigger": "#b98a4a",
        "RSS": "#9b72cf",
        "GOMEMLIMIT": "#d773a2",
        "container": "#d9534f",
        # Who collects
        "dedicated": "#1f8a99",
        "fractional": "#58c2cf",
        "idle mark worker": "#8fa346",
        "assist": "#c9a227",
        "stop the world": "#c2385a",
        # What else a P or a request does
        "program": "#7f9fc9",
        "allocation": "#5468b8",
        "waiting for an assist": "#e3cf7a",
        "queue": "#6d7683",
        "blocked": "#a9b0ba",
        "lock": "#a1754e",
        "slower while marking": "#d3a982",
        "throttled": "#7a4fa3",
        "sweep": "#6aa84f",
        "scavenge": "#8d6e63",
    }
)

SERIES: Final = (
    "#4c8bd6",
    "#e0872a",
    "#3aa676",
    "#9b72cf",
    "#d9534f",
    "#2aa5b5",
    "#c9a227",
    "#d773a2",
    "#a1754e",
)
"""Colours of runs or settings beside each other, which mean nothing else."""
