"""Colours and frames of all pictures; each colour is legible on white and on black."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Final, Literal

import matplotlib as mpl
from matplotlib.axes import Axes

INK: Final = "#010203"
"""Text and axes: a page replaces it by its own colour."""


def text_as_it_is() -> AbstractContextManager[None]:
    """Names of others are no formulas, whatever dollars are in them."""
    return mpl.rc_context({"text.parse_math": False})


BLUE: Final = "#4c8bd6"
ORANGE: Final = "#e0872a"
GREEN: Final = "#3aa676"
RED: Final = "#d9534f"
PURPLE: Final = "#9b72cf"
GREY: Final = "#8a8f98"
YELLOW: Final = "#c9a227"
TEAL: Final = "#2aa5b5"
PINK: Final = "#d773a2"
BROWN: Final = "#a1754e"

GC_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dedicated": BLUE, "fractional": TEAL, "idle": GREY, "assist": ORANGE, "pause": RED,
    }
)  # fmt: skip
"""Who marks, as in the columns of a cycle."""

CAUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "on_cpu": BLUE, "alloc": TEAL, "assist": ORANGE, "assist_wait": YELLOW, "queue": PURPLE,
        "blocked": GREY, "lock_wait": PINK, "stw": RED, "gc_slowdown": BROWN, "throttled": GREEN,
    }
)  # fmt: skip
"""The parts of a request's time."""

SLICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "goroutine": BLUE, "assist": ORANGE, "dedicated": GREEN, "fractional": TEAL, "idle": GREY,
        "sweep": PURPLE, "scavenge": BROWN, "stw": RED,
    }
)  # fmt: skip
"""What a P does."""


def dress(axes: Axes, title: str, x: str, y: str, grid: Literal["x", "y"] = "y") -> None:
    """Title, labels and frame; the grid crosses the axis on which figures are read."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.grid(visible=True, axis=grid, color=GREY, alpha=0.25)
    axes.set_axisbelow(True)
    axes.patch.set_alpha(0)


def legend(axes: Axes) -> None:
    """What the colours are, outside to the right."""
    axes.legend(
        frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.03)
    )


def nothing(axes: Axes, why: str) -> None:
    """A panel for which the run has no rows."""
    axes.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=axes.transAxes)
