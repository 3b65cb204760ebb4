"""The job as functions: `sim.fit`, `sim.whatif` and `sim.tune`, for notebooks and for the commands.

A log is a path, or what `fit` made of one. Settings are as people type them: `"50,100,off"`, a
number, or a list of either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sim.advice import report
from sim.advice.prediction import Figures, Prediction, predict
from sim.advice.risks import Risks, risks
from sim.advice.settings import grid, limit_as_logged
from sim.advice.tuning import Goals, Tuning, settled
from sim.advice.tuning import tune as search
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.fit_log import fit_log
from sim.fitting.reproduction import TOO_FAR
from sim.fitting.settings import name_gogc, name_limit
from sim.quantities import CONTAINER, GC_CPU, GOMAXPROCS_VALUES, GROWTH, LATENCY

if TYPE_CHECKING:
    import pandas as pd

    from sim.advice.confirm import Detail

Log: TypeAlias = str | Path | Fit
Words: TypeAlias = str | int | Sequence[str | int]
Progress: TypeAlias = Callable[[float], None]


fit = fit_log
"""The program of a gctrace log, or of metrics instead of one, for `whatif` and `tune`.

Its keywords are those of `sim.fitting.source.Source`. Raises UserError.
"""


def whatif(
    log: Log,
    gogc: Words = "50,100,200,400",
    gomemlimit: Words | None = None,
    gomaxprocs: Words | None = None,
    *,
    seed: int = 1,
) -> pd.DataFrame:
    """What other settings would do: a row each, every figure with its `_low` and `_high`.

    Units are in the names: bytes and seconds. Where no limit or number of Ps is given, they are as
    logged. Raises UserError.
    """
    import pandas as pd

    fitted = _fitted(log)
    limits = limit_as_logged(fitted) if gomemlimit is None else gomemlimit
    procs = fitted.program.procs if gomaxprocs is None else gomaxprocs
    settings = grid(_typed(gogc), _typed(limits), _typed(procs))
    return pd.DataFrame([_row(prediction) for prediction in predict(fitted, settings, seed)])


@dataclass(frozen=True, slots=True)
class Advice:
    """A recommendation, and what it was chosen from. `print` shows it as text."""

    tuning: Tuning
    confirmed: Prediction | None
    """What the recommended setting does, with more runs than the search had; None: nothing fits."""
    risks: Risks | None
    detail: Detail | None
    """What the detailed simulator says of it; None where cycles are too rare to."""

    def __str__(self) -> str:
        if self.confirmed is None:
            return report.nothing_fits(self.tuning)
        return f"Recommended: {report.environment(self.confirmed.setting)}\n\n{self.details}"

    @property
    def details(self) -> str:
        """What the recommended setting costs and risks, line by line; empty where nothing fits."""
        if self.confirmed is None or self.risks is None:
            return ""
        told = report.recommendation(self.tuning, self.confirmed, self.risks)
        return f"{told}\n- {report.in_detail(self.detail, self.confirmed)}"

    @property
    def environment(self) -> dict[str, str]:
        """GOGC, GOMEMLIMIT and GOMAXPROCS to run under; empty where nothing keeps all goals."""
        if self.confirmed is None:
            return {}
        return report.variables(self.confirmed.setting)

    @property
    def trade_off(self) -> pd.DataFrame:
        """Every setting tried: memory against GC CPU."""
        import pandas as pd

        return pd.DataFrame([_row(candidate.now) for candidate in self.tuning.candidates])


def tune(
    log: Log,
    memory: str | int,
    *,
    cpu: int | None = None,
    gomaxprocs: Words | None = None,
    max_gc_cpu: str | float = "25%",
    p99: str | None = None,
    growth: str | float = "0%",
    seed: int = 1,
    force: bool = False,
    progress: Progress | None = None,
) -> Advice:
    """Recommend GOGC and GOMEMLIMIT for a container of so much memory, and GOMAXPROCS if asked.

    Raises UserError, also for a log that its own replay misses by over 30 % in cycles, peak or GC
    CPU, unless `force` is set.
    """
    from sim.advice.confirm import confirm

    fitted = _fitted(log)
    if not force:
        _check_trust(fitted)
    goals = Goals(
        memory=CONTAINER.read(memory),
        procs=_procs(cpu, gomaxprocs, fitted.program.procs),
        max_gc_cpu=GC_CPU.read(max_gc_cpu),
        p99=None if p99 is None else LATENCY.read(p99),
        growth=GROWTH.read(growth),
    )
    found, confirmed = settled(fitted, search(fitted, goals, seed, progress), seed)
    if found.best is None or confirmed is None:
        return Advice(found, None, None, None)
    best = found.best.setting
    found_risks = risks(fitted, best, goals, seed)
    return Advice(found, confirmed, found_risks, confirm(fitted, confirmed, seed))


def _check_trust(fitted: Fit) -> None:
    own = fitted.reproduction
    if own is not None and not own.trusted:
        shown = ", ".join(str(figure) for figure in own.far_off)
        raise UserError(
            f"tune: a replay of the log's own setting gives {shown}, off by over {TOO_FAR:.0%}:"
            " a recommendation would rest on nothing; --force makes one all the same"
        )


def _fitted(log: Log) -> Fit:
    return log if isinstance(log, Fit) else fit(log)


def _typed(values: Words) -> str:
    if isinstance(values, str | int):
        return str(values)
    return ",".join(str(value) for value in values)


def _procs(cpu: int | None, asked: Words | None, logged: int) -> tuple[int, ...]:
    """GOMAXPROCS to try: that of the container, or those asked for, for which it has the CPUs."""
    if asked is None:
        return (cpu or logged,)
    procs = GOMAXPROCS_VALUES.read(_typed(asked))
    if cpu is not None and max(procs) > cpu:
        raise UserError(
            f"GOMAXPROCS={max(procs)}: the container has {cpu} CPUs, and what throttling does to"
            " a program with more Ps is not predicted; --cpu says how many CPUs there are"
        )
    return tuple(procs)


def _row(prediction: Prediction) -> dict[str, object]:
    setting = prediction.setting
    row: dict[str, object] = {
        "gogc": name_gogc(setting.gogc),
        "gomemlimit": name_limit(setting.memory_limit),
        "gomaxprocs": setting.procs,
    }
    for name in Figures._fields:
        row[name] = getattr(prediction.middle, name)
        row[f"{name}_low"] = getattr(prediction.low, name)
        row[f"{name}_high"] = getattr(prediction.high, name)
    return row
