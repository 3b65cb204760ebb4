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
CURVES: Final = {
    "RSS": "sim:rss:bytes",
    "goal": "/gc/heap/goal:bytes",
    "trigger": "sim:heap/trigger:bytes",
    "heap": "sim:heap/live:bytes",
    "live": "sim:heap/reachable:bytes",
}
"""Of the heap over time: by word, column of samples; the words are those of MEANING."""
COLLECTORS: Final = {
    "assist": ("assist_ns", "assist"),
    "dedicated": ("dedicated_ns", "dedicated"),
    "fractional": ("fractional_ns", "fractional"),
    "idle mark worker": ("idle_ns", "idle mark worker"),
    "stop the world": ("stw_cpu_ns", "stop the world"),
}
"""By word: column of cycles and colour."""
CAUSES: Final = {
    "on_cpu": ("on CPU", "program"),
    "alloc": ("allocating", "allocation"),
    "assist": ("assisting", "assist"),
    "assist_wait": ("waiting for an assist", "waiting for an assist"),
    "gc_slowdown": ("slowed by GC", "slower while marking"),
    "stw": ("stop the world", "stop the world"),
    "lock_wait": ("lock", "lock"),
    "queue": ("queue for a P", "queue"),
    "throttled": ("throttled", "throttled"),
    "blocked": ("own waiting", "blocked"),
}
"""Where a request's time goes; own waiting is the workload's, not GC's."""
