"""gomemsim: a simulator of the Go runtime's memory system. Its parts are imported on demand.

`run(config)` simulates a config file (or a `RunConfig`) and returns its tables as DataFrames;
`load(path)` opens stored results; `read_config(path)` reads and checks a config without running it.
`fit(log)` reads a gctrace log, `whatif(log)` predicts other settings of its program as a DataFrame,
and `tune(log, memory)` recommends settings for a container. `watch(scenario)` shows mechanisms one
object at a time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sim.advice.api import fit as fit
    from sim.advice.api import tune as tune
    from sim.advice.api import whatif as whatif
    from sim.config import load as read_config
    from sim.mechanisms.run import watch as watch
    from sim.results.load import load as load
    from sim.simulation import simulate as run

_EXPORTS: Final = {
    "fit": ("sim.advice.api", "fit"),
    "load": ("sim.results.load", "load"),
    "read_config": ("sim.config", "load"),
    "run": ("sim.simulation", "simulate"),
    "tune": ("sim.advice.api", "tune"),
    "watch": ("sim.mechanisms.run", "watch"),
    "whatif": ("sim.advice.api", "whatif"),
}

__all__ = ["fit", "load", "read_config", "run", "tune", "watch", "whatif"]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _EXPORTS[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
