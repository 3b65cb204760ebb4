"""How near the model comes to real Go: errors by evidence and figure, and by mechanism."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from generate.markdown import code, table
from sim.results.names import words
from sim.truth.accuracy import errors as relative_errors

DATA = Path(__file__).parents[2] / "data"
EVIDENCE = {
    "recorded": "Programs of others whose workloads are written down from their sources",
    "shipped": "Shipped workloads, with the costs of a shipped profile",
    "predicted": "Other settings of a program, predicted from one of its logs",
}
BRIEFLY = (
    "programs of others, simulated",
    "shipped workloads, costs measured beside them",
    "other settings, from one log",
)
FIRST = ("gc_cycles", "peak_heap", "peak_rss", "gc_cpu", "latency_p50", "latency_p99")
MECHANISMS = {
    "when a cycle starts (pacer, GOMEMLIMIT)": ("gc_cycles", "peak_heap"),
    "what marking finds alive (ledger, black allocation)": ("marked_heap",),
    "what marking costs (marker, machine profile)": ("gc_cpu",),
    "dedicated and fractional workers": ("worker_cpu",),
    "idle workers": ("idle_cpu",),
    "assists and credit": ("assist_cpu",),
    "stopping the world": ("pause_p50", "pause_p99"),
    "requests: scheduler, queues, slow-down": ("latency_p50", "latency_p99", "latency_p999"),
    "pages, scavenger, RSS": ("peak_rss",),
}
"""In which figures of a log an error of a mechanism would show first."""
TITLES = ["figure", "settings", "median error", "90th percentile", "spread of real runs"]


def errors() -> str:
    """The table of errors that is in the repository, as a page."""
    found = pd.read_csv(DATA / "errors.csv")
    parts = [
        "# Errors against real Go",
        "What `gomemsim evaluate` found, setting by setting in"
        " {download}`evaluation.parquet <../../data/evaluation.parquet>`. Errors are absolute and"
        " relative to the real figure; where there are fewer than ten cycles, one more or less is"
        " none. The spread is by how much repetitions of a real run differ, on average.",
        "Shipped workloads are simulated with a shipped profile, which knows neither the machine of"
        " the real runs nor what those have in memory beside their workload: these errors say what"
        " a change of the model does. What they are with costs measured beside the real runs is in"
        " [validation](../validation.md).",
        "## By mechanism",
        "Median errors; a mechanism shows in more than one figure, and no figure shows only one.",
        _by_mechanism(found),
    ]
    for evidence, rows in found.groupby("evidence", sort=False):
        parts += [f"## {EVIDENCE[str(evidence)]}", table(TITLES, map(_row, rows.itertuples()))]
    return "\n\n".join(parts)


def brief() -> str:
    """The figures that people ask for first, as a table for pages outside the site."""
    found = pd.read_csv(DATA / "errors.csv")
    campaign = pd.read_csv(DATA / "validation.csv")
    campaign["error"] = campaign["simulated"] / campaign["real"] - 1
    median = pd.DataFrame(
        {
            "recorded": _by_evidence(found, "median_error")["recorded"],
            "shipped": relative_errors(campaign)["median_error"],
            "predicted": _by_evidence(found, "median_error")["predicted"],
            "spread": _by_evidence(found, "spread")["recorded"],
        }
    )
    rows = [[words(figure), *map(_percent, median.loc[figure])] for figure in FIRST]
    return table(["median error", *BRIEFLY, "real runs differ by"], rows)


def _by_mechanism(found: pd.DataFrame) -> str:
    median = _by_evidence(found, "median_error")[[*EVIDENCE]]
    rows = [
        [mechanism, code(figure), *map(_percent, median.loc[figure])]
        for mechanism, figures in MECHANISMS.items()
        for figure in figures
    ]
    return table(["mechanism", "figure", *EVIDENCE], rows)


def _by_evidence(found: pd.DataFrame, column: str) -> pd.DataFrame:
    return found.pivot_table(index="figure", columns="evidence", values=column)


def _row(row: object) -> list[str]:
    values = (row.median_error, row.p90_error, row.spread)
    return [code(row.figure), str(int(row.settings)), *map(_percent, values)]


def _percent(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.1%}"
