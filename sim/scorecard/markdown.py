"""Scorecards as tables for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from sim.results.names import words
from sim.results.statistics import CONFIDENCE
from sim.scorecard.card import Verdict
from sim.scorecard.measures import MEASURES, SHARES
from sim.units import Figure

_WORDS: Final = ("better", "worse")
_SCORES: Final = ("overshoot", "utilization", "assists", "swing")


def verdict(found: Sequence[Verdict], against: str) -> list[str]:
    """Each pacer against the other in a line: what is surely better, what worse, what is open."""
    lines = []
    for pacer in dict.fromkeys(v.pacer for v in found):
        mine = [v for v in found if v.pacer == pacer]
        parts = [f"{word} in {_listed([v for v in mine if v.word == word])}" for word in _WORDS]
        unknown = sum(not v.word for v in mine)
        lines.append(f"{pacer} against {against}: {', '.join(parts)}; {unknown} may be chance.")
    workloads = max((v.workloads for v in found), default=0)
    counted = "1 workload" if workloads == 1 else f"{workloads} workloads"
    how = "simulated with common seeds"
    if all(math.isnan(v.p) for v in found):
        how = "one seed, which tells no chance from a difference; see --seeds"
    return [*lines, f"Rests on: {counted}, {how}."]


def _listed(found: Sequence[Verdict]) -> str:
    return ", ".join(f"{words(v.measure)} {_change(v)}" for v in found) or "nothing"


def card_markdown(found: Sequence[Verdict], against: str, timed: Sequence[str]) -> str:
    """A row per pacer and measure, and what stands in them."""
    rows = [
        {
            "pacer": v.pacer,
            "measure": words(v.measure),
            against: _figure(v, v.against),
            "value": _figure(v, v.value),
            "change": _change(v),
            "less in": f"{v.fewer} of {v.workloads}",
            "verdict": v.word,
        }
        for v in found
    ]
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return "\n".join(
        [
            table,
            "",
            (
                f"Less is better. {against} and value: medians over workloads. Change: geometric"
                " mean of the ratios over workloads; of shares (points, pp) the mean difference."
                " Brackets:"
                f" {CONFIDENCE:.0%} confidence, over seeds, for these workloads."
            ),
            (
                f"Better, worse: significant at {1 - CONFIDENCE:.0%} among all {len(found)}"
                " verdicts (paired t test, Holm); without a word it may be chance."
            ),
            f"All in the fluid mode, but latency p99: in events ({', '.join(timed) or 'none'}).",
        ]
    )


def scenario_markdown(scores: pd.DataFrame, against: str) -> str:
    """The scenarios of Go's own tests: a row per scenario, columns by pacer."""
    shown = ["cost", *_SCORES]
    wide = scores.pivot_table(shown, index="scenario", columns="pacer", sort=False)
    pacers = [against, *(name for name in wide["cost"].columns if name != against)]
    rows = []
    for scenario in wide.index:
        row = {"scenario": scenario}
        for pacer in pacers:
            cost = wide.loc[scenario, ("cost", pacer)] / wide.loc[scenario, ("cost", against)]
            parts = " / ".join(f"{100 * wide.loc[scenario, (name, pacer)]:.1f}" for name in _SCORES)
            row[pacer] = f"{parts} / {cost:.2f}"
        rows.append(row)
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return "\n".join(
        [
            (
                "Scenarios of Go's TestGcPacer: overshoot % / GC utilization while marking % /"
                " assists % / swing of the trigger % / GC CPU per allocated byte, relative to"
                f" {against}."
            ),
            "An ideal program has no idle Ps and no chance: the figures are exact.",
            "",
            table,
        ]
    )


def _figure(verdict: Verdict, value: float) -> str:
    return str(Figure(value, MEASURES[verdict.measure]))


def _change(verdict: Verdict) -> str:
    value, low, high = verdict.change
    if math.isnan(value):
        return ""
    unit = "pp" if verdict.measure in SHARES else "%"
    bounds = "" if math.isnan(low) else f" [{100 * low:+.2f}, {100 * high:+.2f}]"
    return f"{100 * value:+.2f}{unit}{bounds}"
