"""net/http/pprof of a running program: its heap profile, goroutines and runtime.MemStats.

Source: net/http/pprof/pprof.go; runtime/pprof/pprof.go: writeHeapInternal prints MemStats below the
text of a heap profile.
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Final

from sim.errors import UserError
from sim.formats.pprof import MAX_PROFILE, goroutines
from sim.text import one_line

PATH: Final = "/debug/pprof"
TIMEOUT: Final = 30.0
"""Seconds until an answer begins."""
_MEMSTATS: Final = re.compile(r"^# (\w+) = (\d{1,20})(?: / \d{1,20})?$", re.MULTILINE)
_NAMES: Final[Mapping[str, str]] = {
    "TotalAlloc": "/gc/heap/allocs:bytes",
    "NumGC": "/gc/cycles/total:gc-cycles",
    "NextGC": "/gc/heap/goal:bytes",
    "HeapAlloc": "/memory/classes/heap/objects:bytes",
    "HeapReleased": "/memory/classes/heap/released:bytes",
    "Stack": "/memory/classes/heap/stacks:bytes",
    "Sys": "/memory/classes/total:bytes",
    "GCSys": "/memory/classes/metadata/other:bytes",
    "OtherSys": "/memory/classes/other:bytes",
    "BuckHashSys": "/memory/classes/profiling/buckets:bytes",
}
"""What MemStats calls it, and runtime/metrics (runtime/mstats.go: readMemStats_m)."""
_IDLE: Final = "HeapIdle"


class PprofServer:
    """Where a program answers, such as `http://localhost:6060`, with or without /debug/pprof."""

    def __init__(self, url: str) -> None:
        root = url.partition("?")[0].rstrip("/")
        self.root = root if root.endswith(PATH) else f"{root}{PATH}"

    def heap(self) -> bytes:
        """The heap profile, for `sim.formats.pprof`; UserError where there is none."""
        return self._get("heap")

    def goroutines(self) -> int:
        """How many there are."""
        text = self._get("goroutine?debug=1")
        found = goroutines(text)
        if found is None:
            raise UserError(f"{self.root}/goroutine?debug=1: expected a goroutine profile")
        return found

    def memstats(self) -> dict[str, float]:
        """runtime.MemStats under the names of runtime/metrics."""
        text = self._get("heap?debug=1").decode(errors="replace")
        told = {name: float(value) for name, value in _MEMSTATS.findall(text)}
        if not _NAMES.keys() | {_IDLE} <= told.keys():
            raise UserError(f"{self.root}/heap?debug=1: expected runtime.MemStats of a Go program")
        found = {name: told[short] for short, name in _NAMES.items()}
        free = told[_IDLE] - told["HeapReleased"]
        return found | {"/memory/classes/heap/free:bytes": max(0.0, free)}

    def _get(self, name: str) -> bytes:
        url = f"{self.root}/{name}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                data: bytes = answer.read(MAX_PROFILE + 1)
        except (OSError, HTTPException, ValueError) as error:
            why = one_line(str(getattr(error, "reason", None) or error))
            raise UserError(f"{url}: expected net/http/pprof there: {why}") from None
        if len(data) > MAX_PROFILE:
            raise UserError(f"{url}: expected a profile, got more than {MAX_PROFILE} bytes")
        return data
