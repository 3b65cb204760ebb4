"""When what hangs on slowly changing figures is worth finding out anew."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable


class Recount:
    """Remembers for which figures something was last found out.

    It is worth finding out anew when a size has changed by such a part of itself, or a share of
    something by so much.
    """

    def __init__(self, part: float) -> None:
        self._part = part
        self._seen: list[float] = []

    def matters(self, sizes: Iterable[float], shares: Iterable[float]) -> bool:
        """Whether any of these is another one by now; if so, they are what is remembered."""
        now, seen = [*map(math.log1p, sizes), *shares], self._seen
        if len(now) == len(seen) and max(map(abs, map(operator.sub, now, seen))) < self._part:
            return False
        self._seen = now
        return True
