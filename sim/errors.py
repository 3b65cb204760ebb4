"""The two kinds of error: what a user can mend, and what a model must never do.

Messages travel as positional `args`: SimPy rebuilds exceptions from them when a process fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what the user gave: one sentence, no traceback, exit code 2."""


class ModelError(Exception):
    """A policy or the model itself returned nonsense; names the culprit and the value."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or the list of valid names when none is near."""
    names = sorted(valid)
    same = [one for one in names if one.casefold() == name.casefold()]
    close = same or get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (valid names: {', '.join(names)})"
