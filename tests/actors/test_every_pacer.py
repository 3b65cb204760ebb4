"""Every pacer runs whole programs under every setting, off and limits included."""

from __future__ import annotations

from typing import Any

import pytest

import sim.config  # noqa: F401  registers all pacers
from sim.go.pacer import pacers
from tests.worlds import EVERYTHING, run

COLLECTING: dict[str, Any] = {
    **EVERYTHING,
    "goroutines": {
        **EVERYTHING["goroutines"],
        "collector": {"steps": [{"wait": "3ms"}, {"collect": {}}]},
    },
    "load": {**EVERYTHING["load"], "collector": {"goroutine": "collector", "workers": 1}},
}
"""The program of every kind of step, which calls runtime.GC as well."""


@pytest.mark.parametrize("settings", ["GOGC=0", "GOGC=25", "GOGC=off", "GOMEMLIMIT=6MiB"])
@pytest.mark.parametrize("pacer", pacers.names())
def test_every_pacer_paces_under_every_setting(pacer: str, settings: str) -> None:
    result = run(COLLECTING, settings, f"gc.pacer={pacer}", duration="15ms")
    assert result.run["status"] == "complete"
    reasons = set(result.cycles.reason)
    assert reasons == {"forced"} if settings == "GOGC=off" else "heap" in reasons


def test_a_fixed_trigger_at_the_marked_heap_obeys_gogc_off() -> None:
    result = run(COLLECTING, "GOGC=off", "gc.pacer={fixed-trigger: 0}", duration="15ms")
    assert set(result.cycles.reason) == {"forced"}
