"""`gomemsim examples` and `gomemsim init`: what comes with the package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from json import dumps
from pathlib import Path
from typing import Annotated, Literal

import typer

from sim.cli.files import write_json
from sim.cli.options import Json
from sim.errors import UserError
from sim.files import write


def examples(json: Json = None) -> None:
    """List what comes with gomemsim: `run NAME` takes configs and workloads, `init` copies logs."""
    from sim.examples import KINDS, about
    from sim.examples import examples as shipped

    rows = [
        {"kind": kind, "name": name, "about": about(path)}
        for kind in KINDS
        for name, path in shipped(kind).items()
    ]
    if write_json(json, lambda: rows):
        return
    for kind in KINDS:
        found = shipped(kind)
        width = max(map(len, found))
        print(f"{kind}:", *(f"  {name:<{width}}  {about(found[name])}" for name in found), sep="\n")


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; made where missing.")],
    start: Annotated[
        str, typer.Option("--from", metavar="NAME", help="Example to start from.")
    ] = "quickstart",
) -> None:
    """Write an example of your own to change: config, workload, a log, and schemas for editors."""
    files = {folder / name: text for name, text in _files(start)}
    for path in files:
        if path.exists():
            raise UserError(f"{path}: expected a folder without this file, got one with it")
    for path, text in files.items():
        write(path, text)
        print(path)


def _files(start: str) -> Iterator[tuple[str, str]]:
    """Name and text of each file; the config names the workload beside it, as a file."""
    from sim.examples import examples as shipped
    from sim.examples import named

    path = named(start)
    text = path.read_text(encoding="utf-8")
    key = re.search(r"^workload: (\S+)$", text, re.MULTILINE)
    if key:
        file = "workload.yaml" if key[1] == start else f"{key[1]}.yaml"
        yield path.name, text.replace(key[0], f"workload: {file}")
        yield "config.schema.json", _schema("config")
        path = shipped("workloads")[key[1]]
        yield file, path.read_text(encoding="utf-8")
    else:
        yield path.name, text
    for log in shipped("logs").values():
        yield log.name, log.read_text(encoding="utf-8")
    yield "workload.schema.json", _schema("workload")


@cache
def _schema(kind: Literal["config", "workload"]) -> str:
    from sim.config import json_schema

    return dumps(json_schema(kind), indent=2) + "\n"
