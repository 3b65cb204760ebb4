"""`gomemsim scorecard`: pacers against go1.27, over shipped workloads and Go's own scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import folder_path, writable, write_json
from sim.cli.options import Jobs, Json, Quiet, readable
from sim.cli.sweeping import all_simulated
from sim.cli.terminal import say
from sim.errors import UserError, nearest
from sim.files import write
from sim.quantities import MOST_PS, MOST_RUNS, SIMULATED_TIME, WARMUP
from sim.units import parse_duration

if TYPE_CHECKING:
    from sim.experiment.point import Point
    from sim.record.places import Place
    from sim.scorecard.card import Measured


def scorecard(
    pacers: Annotated[list[str], typer.Argument(help="Pacers, such as go1.18 or one of yours.")],
    plugin: Annotated[
        list[Path] | None, typer.Option(help="Python file that registers a pacer.")
    ] = None,
    against: Annotated[str, typer.Option(help="Pacer to compare with.")] = "go1.27",
    workloads: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="Workloads [default: all that run as rates]."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="Runs of each workload.")] = 5,
    duration: Annotated[
        str, typer.Option(callback=readable(SIMULATED_TIME), help="Simulated time of each run.")
    ] = "20s",
    warmup: Annotated[
        str,
        typer.Option(
            callback=readable(WARMUP),
            help="How long load runs before a run counts, the same for all pacers.",
        ),
    ] = "1s",
    gomaxprocs: Annotated[int, typer.Option(min=1, max=MOST_PS, help="Number of Ps.")] = 4,
    latency: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME", help="Workloads to run in events as well: latency needs it."
        ),
    ] = "json-api",
    latency_duration: Annotated[
        str,
        typer.Option(
            callback=readable(SIMULATED_TIME), help="Simulated time of each run in events."
        ),
    ] = "3s",
    table: Annotated[
        Path | None,
        typer.Option(
            callback=writable, help="Write the verdicts to a file as well: .csv, .parquet or .json."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(parser=folder_path, metavar="DIR", help="Folder for the runs.")
    ] = Path("results/scorecard"),
    jobs: Jobs = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Judge pacers: overshoot, cycles, GC CPU, assists, latency, limiter and stability."""
    from sim.experiment.shipped import FLUID, shipped
    from sim.experiment.tidy import check_suffix, serialized
    from sim.go.pacer import check_methods
    from sim.go.pacer import pacers as registry
    from sim.registry import load_file
    from sim.report.documents import of_table
    from sim.results.few import fewest
    from sim.scorecard.card import plan, plugin_sets, scenario_table, verdicts
    from sim.scorecard.card import table as rows
    from sim.scorecard.markdown import card_markdown, scenario_markdown, verdict

    if table is not None:
        check_suffix(table)
    for file in plugin or ():
        load_file(file.resolve())
    names = list(dict.fromkeys([against, *pacers]))
    makers = {name: registry.get(name) for name in names}
    for name, maker in makers.items():
        check_methods(maker, name)
    known = shipped()
    chosen = known.fluid if workloads is None else _known("--workloads", workloads)
    timed = _known("--latency", latency)
    if not chosen:
        raise UserError("--workloads: expected names of workloads, got none")
    if len(names) == 1:
        raise UserError(f"expected a pacer beside {against}, with which it is compared")
    sets = [
        *plugin_sets(plugin or ()),
        f"GOMAXPROCS={gomaxprocs}",
        f"record.warmup={warmup}",
    ]
    _check_longer(warmup, {"--duration": duration, "--latency-duration": latency_duration})
    fluid = plan(names, chosen, seeds, [*sets, FLUID, f"duration={duration}"])
    events = plan(names, timed, seeds, [*sets, f"duration={latency_duration}"])
    parts = [_simulated(fluid, out / "fluid", jobs, quiet)]
    parts += [_latencies(_simulated(events, out / "events", jobs, quiet))] if events else []
    found = verdicts([part.runs for part in parts], against)
    scenarios, lines = scenario_table(makers), verdict(found, against)
    lines += fewest([one for part in parts for one in part.few])
    lines += [known.note] if known.note and workloads is None else []
    if table is not None:
        write(table, serialized(rows(found), table.suffix))
    document = {
        "verdict": lines,
        "rows": of_table(rows(found)),
        "scenarios": of_table(scenarios),
    }
    if write_json(json, lambda: document):
        return
    say(*lines, "")
    print(card_markdown(found, against, timed), "", sep="\n")
    print(scenario_markdown(scenarios, against))


def _check_longer(warmup: str, durations: Mapping[str, str]) -> None:
    """Raises UserError for an option by which nothing of a run would count."""
    for option, duration in durations.items():
        if parse_duration(duration) <= parse_duration(warmup):
            raise UserError(
                f"{option}: expected more than the {warmup} of --warmup, got {duration}"
            )


def _known(option: str, names: str) -> list[str]:
    """The names of shipped workloads in a list."""
    from sim.examples import examples

    found = list(dict.fromkeys(filter(None, map(str.strip, names.split(",")))))
    for name in found:
        if name not in examples("workloads"):
            near = nearest(name, examples("workloads"))
            raise UserError(f"{option}: there is no workload {name!r}{near}")
    return found


LATENCY = ["workload", "pacer", "seed", "latency_p99"]


def _latencies(events: Measured) -> Measured:
    """Latency alone of runs in events. Raises UserError where none of them had a request."""
    from sim.scorecard.card import Measured

    runs = events.runs
    if LATENCY[-1] not in runs:
        names = ", ".join(dict.fromkeys(runs["workload"]))
        raise UserError(f"--latency: {names}: no request ended after --warmup")
    return Measured(runs[LATENCY], [one for one in events.few if one[1].what == "requests"])


def _simulated(points: Sequence[Point], folder: Place, jobs: int | None, quiet: bool) -> Measured:
    """Measures of all runs. Raises typer.Exit if one has failed, and says why."""
    from sim.experiment.sweep import own_folder
    from sim.scorecard.card import measured

    own = own_folder(points, folder)
    all_simulated(points, own, jobs, quiet=quiet)
    return measured(points, own)
