"""Runs as one HTML file that works offline: pictures, figures, findings, tables that sort."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from typing import Final

from sim.report.comparison import comparison, one_of_each
from sim.report.panels import PANELS
from sim.report.plot import title
from sim.report.svg import picture
from sim.results.latency import tail_causes
from sim.results.result import Result, Results
from sim.units import format_duration

MOST_PICTURED: Final = 6
"""Runs with pictures: a page of a whole sweep would be too large for a browser."""


def page(runs: Results, baseline: Sequence[str] = ()) -> str:
    """The whole file: a comparison if there are several runs, and then one run of each setting.

    Raises UserError if not exactly one setting has the values of the baseline, such as `GOGC=100`.
    """
    workloads = escape(", ".join(dict.fromkeys(str(run.run["workload"]) for run in runs.values())))
    count = f"{len(runs)} runs" if len(runs) > 1 else "1 run"
    parts = [*(comparison(runs, baseline) if len(runs) > 1 else ()), *_each(runs)]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>gomemsim: {workloads}</title>",
            f"<style>{_file('page.css')}</style></head><body>",
            f"<h1>{workloads}</h1>",
            f"<p>gomemsim {escape(_version(runs))}, {count}</p>",
            *parts,
            f"<script>{_file('page.js')}</script></body></html>\n",
        ]
    )


def _version(runs: Results) -> str:
    """The version of the simulator that made the runs, and the hash of what it was made of."""
    first = next(iter(runs.values()))
    return f"{first.run['gomemsim']} ({first.provenance['gomemsim']})"


def _file(name: str) -> str:
    return files("sim.report").joinpath(name).read_text(encoding="utf-8")


def _each(runs: Results) -> Iterator[str]:
    chosen = one_of_each(runs)
    for index, (name, run) in enumerate(chosen.items()):
        if index == MOST_PICTURED:
            left = len(chosen) - MOST_PICTURED
            yield f"<p>{left} more in the tables only; report one for its pictures.</p>"
            return
        yield f"<section><h2>{escape(title(run))}</h2><p>{escape(name)}</p>"
        yield from _findings(run)
        yield from _figures(run)
        for panel, draw in PANELS.items():
            yield f"<figure>{picture(f'r{index}-{panel}', draw, run)}</figure>"
            if panel == "causes":
                yield from _tail(run)
        yield "</section>"


def _findings(run: Result) -> Iterator[str]:
    found = run.diagnose()
    if found:
        items = "".join(
            f"<li><b>{escape(finding.name)}</b>: {escape(finding.figure)}."
            f" <i>{escape(finding.remedy)}.</i></li>"
            for finding in found
        )
        yield f'<ul class="findings">{items}</ul>'


def _figures(run: Result) -> Iterator[str]:
    figures = run.summary()
    yield '<dl class="figures">'
    for name, figure in figures.items():
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(str(figure))}</dd></div>"
    yield "</dl>"
    if figures.verdict:
        yield f"<p>{escape(figures.verdict)}</p>"


def _tail(run: Result) -> Iterator[str]:
    """What the picture of causes shows, in figures: small parts matter, too."""
    requests = run.service("requests")
    if requests.empty:
        return
    causes = tail_causes(requests)
    told = causes[(causes["all"] > 0) | (causes["tail"] > 0)].sort_values("extra", ascending=False)
    heads = ("mean of", "all requests", "the slowest 1%", "extra", "of the extra latency")
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f"<th>{head}</th>" for head in heads) + "</tr></thead><tbody>"
    for cause, row in told.iterrows():
        times = "".join(
            f"<td>{format_duration(row[name])}</td>" for name in ("all", "tail", "extra")
        )
        yield f"<tr><td>{escape(str(cause))}</td>{times}<td>{row['share']:.1%}</td></tr>"
    yield "</tbody></table></div>"
