"""What a measurement was made on, for tables and profiles to say so."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil

from sim.errors import UserError
from sim.truth.toolchain import go_env

T = TypeVar("T")

QUIET: Final = 0.05
"""Of a CPU: what other programs may use during a measurement without disturbing it."""
ATTEMPTS: Final = 4
"""How often something is measured until nobody disturbs it."""
BUSY: Final = ("user", "nice", "system", "irq", "softirq", "steal")
"""Of psutil.cpu_times: without idle and iowait, and without guests, who are users as well."""


def need_linux(what: str) -> None:
    """UserError elsewhere: what runs real Go programs reads what Linux alone says about them."""
    if platform.system() != "Linux":
        raise UserError(f"{what} needs Linux, got {platform.system()}; all else runs here as well")


def host(go: Path) -> dict[str, Any]:
    """CPU model and number, kernel, Go version and date."""
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "go": go_env(go, "GOVERSION")[0],
        "date": datetime.now(UTC).date().isoformat(),
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


@dataclass
class Others:
    """What other programs used meanwhile, in CPUs; NaN where the system does not tell."""

    used: float = float("nan")


def undisturbed(measure: Callable[[], T]) -> tuple[T, float]:
    """Measure until nobody disturbs it, a few times at most.

    Returns what was measured last, and what others used meanwhile, in CPUs.
    """
    for _ in range(ATTEMPTS):
        with cpu_of_others() as others:
            measured = measure()
        if not others.used > QUIET:
            break
    return measured, others.used


def realtime() -> bool:
    """Whether this process, and what it starts, goes before other programs (`chrt -r 1`)."""
    if sys.platform != "linux":
        return False
    return os.sched_getscheduler(0) in (os.SCHED_FIFO, os.SCHED_RR)


@contextmanager
def cpu_of_others() -> Iterator[Others]:
    """Watch what others than this process and its children use, stolen time included.

    With a real-time priority other programs wait, and stolen time alone counts.
    """
    others, kinds = Others(), ("steal",) if realtime() else BUSY
    began, all_before, own_before = time.monotonic(), _busy_s(kinds), _own_s()
    yield others
    took, own = time.monotonic() - began, 0.0 if realtime() else _own_s() - own_before
    others.used = max(_busy_s(kinds) - all_before - own, 0.0) / took


def _busy_s(kinds: Sequence[str]) -> float:
    """CPU time of these kinds since the system started; NaN where it does not tell."""
    try:
        times = psutil.cpu_times()
    except OSError:
        return float("nan")
    return sum(getattr(times, kind, 0.0) for kind in kinds)


def _own_s() -> float:
    return sum(os.times()[:4])  # of this process and of its children that have ended
