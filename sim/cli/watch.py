"""`gomemsim watch`: a small program and the runtime, one step at a time."""

from __future__ import annotations

import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import writable, write_json
from sim.cli.options import Json
from sim.errors import UserError, nearest
from sim.text import visible

if TYPE_CHECKING:
    from sim.cli.frames import Stepper
    from sim.mechanisms.run import Watched

PLAY_S = 0.4
"""Seconds a frame while it plays."""
ARROWS = {"\x1b[C": "n", "\x1b[D": "b", " ": "n", "\r": "n"}


def watch(
    scenario: Annotated[
        str, typer.Argument(help="A shipped scenario or a file; without it, all are listed.")
    ] = "",
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="One of the scenario's variants.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Print all frames instead of stepping by key.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="Print one line an event.")] = False,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Only events of a kind, such as refill.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Print the figures of all variants at their ends.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(callback=writable, metavar="FILE", help="Write one offline page instead."),
    ] = None,
    json: Json = None,
) -> None:
    """Watch mallocgc, marking, barriers and sweeping, one object at a time."""
    if not scenario:
        _check_nothing_else(variant, every, events, kind, compare, html)
        _list(json)
        return
    from sim.mechanisms.run import watch as run

    if kind is not None:
        _check_kind(kind)
    watched = run(scenario, variant)
    if html is not None:
        from sim.files import write

        write(html, watched.page())
    if json is not None:
        from sim.report.documents import of_watched

        if write_json(json, lambda: of_watched(watched, kind)):
            return
    if html is not None:
        print(f"page: {html}")
    elif compare:
        from sim.cli.frames import compared

        if len(watched.tracks) == 1:
            raise UserError(f"{scenario} has no variants to compare")
        print(compared(watched.comparison))
    elif every or events or not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print(watched, kind, one_line=events)
    else:
        _step(watched)


def _check_nothing_else(*options: object) -> None:
    if any(options):
        raise UserError("expected a scenario to watch; without options, all are listed")


def _check_kind(kind: str) -> None:
    from sim.mechanisms.frame import KINDS

    if kind not in KINDS:
        raise UserError(f"there is no kind of event {kind!r}{nearest(kind, KINDS)}")


def _list(json: Path | None) -> None:
    from sim.mechanisms.loading import read_tree, shipped

    trees = {name: read_tree(path).value for name, path in shipped().items()}
    titles = {
        name: tree["title"].value if isinstance(tree, dict) else "" for name, tree in trees.items()
    }
    rows = [{"name": name, "title": title} for name, title in titles.items()]
    if not write_json(json, lambda: rows):
        print(*(f"{name:24s} {title}" for name, title in titles.items()), sep="\n")


def _print(watched: Watched, kind: str | None, *, one_line: bool) -> None:
    from sim.cli.frames import LEGEND, Stepper

    scenario = watched.scenario
    print(scenario.title)
    print("\n".join(filter(None, [scenario.about.strip(), *_simplified(watched)])))
    if not one_line:
        print(LEGEND)
    for name, frames in watched.tracks.items():
        if len(watched.tracks) > 1:
            print(f"\n== {name}")
        stepper = Stepper(frames)
        if kind is not None and kind not in stepper.kinds:
            print(f"no event of the kind {kind}")
        for stepper.at, frame in enumerate(frames):
            if kind in (None, frame.event.kind):
                event = frame.event
                line = f"{stepper.at + 1:5d}  {event.actor:10s} {event.kind:9s} {event.text}"
                print(line if one_line else stepper.text + "\n")


def _simplified(watched: Watched) -> list[str]:
    return [f"simplified: {line}" for line in watched.scenario.simplified]


def _step(watched: Watched) -> None:
    """Step by key, variant after variant."""
    from sim.cli.frames import Stepper

    for name, frames in watched.tracks.items():
        heading = f"{watched.scenario.title}" + (f": {name}" if len(watched.tracks) > 1 else "")
        if not _steps(heading, watched.scenario.about.strip(), Stepper(frames)):
            return


def _steps(heading: str, about: str, stepper: Stepper) -> bool:
    """Follow the keys; False for an end, True for the next variant.

    The text of the scenario stands above its first frame.
    """
    from sim.cli.frames import HELP

    while True:
        text = heading if stepper.at else f"{heading}\n{about}\n"
        _show(text, stepper, f"{HELP}  v next variant")
        for key in _keys():
            if key in ("q", "v", "\x03", "\x04"):
                return key == "v"
            if key == "p":
                _play(heading, stepper)
            elif key == "j":
                _choose_kind(stepper)
            stepper.press(key)


def _keys() -> list[str]:
    """The keys that were pressed: several, if they came faster than frames are drawn."""
    try:
        pressed = typer.getchar()
    except EOFError:
        return ["q"]
    return [ARROWS.get(key, key) for key in re.findall(r"\x1b\[.|.", pressed, re.DOTALL)]


def _show(heading: str, stepper: Stepper, footer: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from sim.cli.frames import LEGEND
    from sim.cli.terminal import raw

    console = Console(file=raw(sys.stdout))
    console.clear()
    body = Text(visible(stepper.text))
    for mark, style in (("●", "bold"), ("◐", "yellow"), ("○", "cyan"), ("‼", "bold red")):
        body.highlight_words([mark], style)
    console.print(
        Text(visible(heading), "bold"), body, Text(f"\n{LEGEND}\n{footer}", "dim"), sep="\n"
    )


def _play(heading: str, stepper: Stepper) -> None:
    """To the end, or until Ctrl-C."""
    try:
        while stepper.at < len(stepper.frames) - 1:
            stepper.press("n")
            _show(heading, stepper, "Ctrl-C stops")
            time.sleep(PLAY_S)
    except KeyboardInterrupt:
        return
    finally:
        _forget_keys()


def _forget_keys() -> None:
    """What was typed while frames went by was meant for none of those that follow."""
    if sys.platform == "win32":
        return
    import termios

    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _choose_kind(stepper: Stepper) -> None:
    """Ask for the kind by its number; Enter keeps the last one."""
    kinds = stepper.kinds
    print("  ".join(f"{number} {kind}" for number, kind in enumerate(kinds, start=1)))
    try:
        answer = input(f"kind [{stepper.kind}]: ").strip()
    except EOFError:
        return
    if answer.isdigit() and 1 <= int(answer) <= len(kinds):
        stepper.kind = kinds[int(answer) - 1]
    elif answer in kinds:
        stepper.kind = answer
