"""Exports of log stores in one JSON document, and lines that a terminal wrapped."""

from __future__ import annotations

import json
from itertools import repeat, zip_longest
from pathlib import Path
from typing import Any

import pytest

from sim.fitting.gctrace_log import GCTraceLog, read_gctrace
from sim.formats.log import open_log

APPS = Path(__file__).parents[1] / "golden" / "real-apps"


def lines_of(program: str) -> list[str]:
    with open_log(APPS / f"{program}.p2.gogc100.limnone.r5.gctrace.gz") as lines:
        return [line.rstrip("\n") for line in lines if line.startswith("gc ")]


CADDY, ETCD = lines_of("caddy"), lines_of("etcd34")


def loki() -> Any:
    streams = [
        {"stream": {"app": "api", "pod": pod}, "values": [[str(k), text] for k, text in of]}
        for pod, of in (
            ("api-1", reversed(list(enumerate(CADDY)))),
            ("api-2", reversed(list(enumerate(ETCD)))),
        )
    ]
    return {"status": "success", "data": {"resultType": "streams", "result": streams}}


def cloud_logging() -> Any:
    """The newest first, entries of two pods by turns."""
    named = [zip(repeat(pod), of) for pod, of in (("api-1", CADDY), ("api-2", ETCD))]
    entries = [entry for both in zip_longest(*named) for entry in both if entry]
    return [
        {"resource": {"labels": {"pod_name": pod, "container_name": "api"}}, "textPayload": text}
        for pod, text in reversed(entries)
    ]


def read(folder: Path, text: str) -> GCTraceLog:
    (file := folder / "log").write_text(text)
    return read_gctrace(file)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("export", [loki, cloud_logging])
def test_processes_of_an_export_have_the_names_of_their_pods(
    tmp_path: Path, export: Any, indent: int | None
) -> None:
    log = read(tmp_path, json.dumps(export(), indent=indent))
    assert {one.label: len(one.found) for one in log.processes} == {
        "api-1": len(CADDY),
        "api-2": len(ETCD),
    }


def test_an_export_of_one_process_is_its_log(tmp_path: Path) -> None:
    events = {"events": [{"timestamp": k, "message": text} for k, text in enumerate(CADDY)]}
    plain = read(tmp_path, "\n".join(CADDY))
    assert read(tmp_path, json.dumps(events)).lines == plain.lines


@pytest.mark.parametrize("width", [76, 80, 100])
def test_lines_that_a_terminal_wrapped_are_put_together(tmp_path: Path, width: int) -> None:
    wrapped = [text[k : k + width] for text in CADDY for k in range(0, len(text), width)]
    assert read(tmp_path, "\n".join(wrapped)).lines == read(tmp_path, "\n".join(CADDY)).lines


def test_a_trace_of_initialisation_is_no_piece_of_a_line(tmp_path: Path) -> None:
    trace = "init runtime @0.10 ms, 0.13 ms clock, 0 bytes, 0 allocs"
    assert not read(tmp_path, "\n".join([trace, *CADDY])).warnings
