"""Runs as one HTML file that works offline: a verdict, pictures that answer, tables that sort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bokeh.models import DataRange1d, Model
from bokeh.plotting import figure

from sim.experiment.markdown import Shown
from sim.report.bokeh import one_file, script
from sim.report.colors import CAUSES
from sim.report.comparison import Table, comparison, one_of_each
from sim.report.contention import WORTH_TELLING, share_text
from sim.report.contention import picture as contention
from sim.report.pictures import heap, pictures
from sim.report.plot import title_of
from sim.report.verdict import of_run
from sim.results.latency import tail_causes
from sim.results.memory import lock_contention, ps_of
from sim.results.names import by_worth, words
from sim.results.result import Result, Results
from sim.units import format_duration

MOST_PICTURED: Final = 6
"""Runs with pictures: a page of a whole sweep would be too large for a browser."""
MOST_LOCKS: Final = 10


class Section(NamedTuple):
    """One run on the page."""

    title: str
    name: str
    verdict: Sequence[str]
    findings: Sequence[Any]
    figures: Sequence[tuple[str, str]]
    notes: Sequence[str]
    pictures: Mapping[str, str]
    """Titles by the names of their roots."""
    tables: Sequence[Table]


def page(runs: Results, baseline: Sequence[str] = ()) -> str:
    """The whole file: a comparison if there are several runs, and then one run of each setting.

    Raises UserError if not exactly one setting has the values of the baseline, such as `GOGC=100`.
    """
    chosen = one_of_each(runs)
    pictured = dict(list(chosen.items())[:MOST_PICTURED])
    roots: dict[str, Model] = {}
    side = comparison(runs, baseline) if len(runs) > 1 else None
    if side is not None:
        if side.tradeoff is not None:
            roots["tradeoff"] = side.tradeoff
        if (waiting := contention(chosen)) is not None:
            roots["contention"] = waiting
        roots |= _heaps(pictured)
    sections = [_section(n, name, run, roots) for n, (name, run) in enumerate(pictured.items())]
    drawn = [root for root in roots.values() if isinstance(root, figure)]
    workloads = ", ".join(dict.fromkeys(str(run.run["workload"]) for run in runs.values()))
    return one_file(
        roots,
        drawn,
        "report.html",
        f"gomemsim: {workloads}",
        workloads=workloads,
        runs=len(runs),
        version=_version(runs),
        side=side,
        sections=sections,
        waiting="contention" in roots,
        heaps=[name for name in roots if name.startswith("heap")],
        script=script(),
        left=len(chosen) - len(pictured),
        headline=sections[0].verdict if side is None else (),
    )


def _version(runs: Results) -> str:
    """The version of the simulator that made the runs, and the hash of what it was made of."""
    first = next(iter(runs.values()))
    return f"{first.run['gomemsim']} ({first.provenance['gomemsim']})"


def _heaps(runs: dict[str, Result]) -> dict[str, Model]:
    """The heaps of the runs side by side on one scale."""
    made = {name: drawn for name, run in runs.items() if (drawn := heap(run)) is not None}
    if len(made) <= 1:
        return {}
    scale = DataRange1d(start=0)
    for name, drawn in made.items():
        settings = runs[name].settings
        told = " ".join(f"{key}={value}" for key, value in settings.items())
        drawn.title.text = told or name.rpartition("/")[2]
        drawn.y_range, drawn.frame_height = scale, 180
        scale.renderers = (
            [*scale.renderers, *drawn.renderers] if scale.renderers else drawn.renderers
        )
    return {f"heap{n}": drawn for n, drawn in enumerate(made.values())}


def _section(number: int, name: str, run: Result, roots: dict[str, Model]) -> Section:
    drawn = {f"r{number}_{what}": made for what, made in pictures(run).items()}
    roots |= drawn
    figures = run.summary()
    return Section(
        title=title_of(run),
        name=name,
        verdict=of_run(run),
        findings=run.diagnose(),
        figures=[(words(key), str(figures[key])) for key in by_worth(figures)],
        notes=figures.verdict.splitlines(),
        pictures={name: str(made.title.text) for name, made in drawn.items()},
        tables=[*_tail(run), *_locks(run)],
    )


def _tail(run: Result) -> Iterator[Table]:
    """What the picture of causes shows, in figures: small parts matter, too."""
    requests = run.service("requests")
    if requests.empty:
        return
    causes = tail_causes(requests)
    told = causes[(causes["all"] > 0) | (causes["tail"] > 0)].sort_values("extra", ascending=False)
    rows = [
        {
            "mean of": _shown(CAUSES[str(cause)][0]),
            "all requests": _time(row["all"]),
            "the slowest 1%": _time(row["tail"]),
            "extra": _time(row["extra"]),
            "of the extra latency": Shown(f"{max(row['share'], 0):.1%}", float(row["share"])),
        }
        for cause, row in told.iterrows()
    ]
    yield Table("What the slowest requests waited for", rows)


def _locks(run: Result) -> Iterator[Table]:
    """The locks that cost most waiting, as share of all Ps' time; left out where none costs any."""
    locks = run.service("locks")
    if locks.empty or run.end_ns == 0:
        return
    found = lock_contention(locks, ps_of(run))
    rows = [
        {
            "lock": _shown(str(name)),
            "taken": Shown(f"{row['acquisitions']:.0f}", float(row["acquisitions"])),
            "contended": Shown(f"{row['contended']:.2%}", float(row["contended"])),
            "waiting each time": _time(row["mean_wait_ns"]),
            "p99": _time(row["p99_wait_ns"]),
            "longest": _time(row["max_wait_ns"]),
            "held each time": _time(row["mean_hold_ns"]),
            "waited in all": _time(row["wait_ns"]),
            "of all Ps": Shown(share_text(row["cpu_share"]), float(row["cpu_share"])),
        }
        for name, row in found[found["cpu_share"] > WORTH_TELLING].head(MOST_LOCKS).iterrows()
    ]
    if rows:
        yield Table("Locks of the runtime that were waited for", rows)


def _shown(text: str) -> Shown:
    return Shown(text, text)


def _time(ns: float) -> Shown:
    """A duration; what rounds to nothing has no sign."""
    return Shown(format_duration(ns) if abs(ns) >= 1 else f"{abs(ns):.2g}ns", float(ns))
