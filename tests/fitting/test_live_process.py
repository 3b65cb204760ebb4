"""A running program is described by what it says over HTTP; the rest is one sentence."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sim.cli import main
from sim.config import load
from sim.formats.pprof import HeapProfile, HeapSample, encode, read, since
from sim.formats.pprof_http import PprofServer
from sim.units import KiB, MiB
from sim.workload.program import ClosedLoop

LAST = read(Path(__file__).parents[1] / "golden" / "profile" / "heap.pb.gz")
FIRST = HeapProfile(
    LAST.sampling_rate,
    tuple(replace(one, alloc_objects=0, alloc_space=0) for one in LAST.samples),
)
MEMSTATS = """heap profile: 1: 2 [3: 4] @ heap/1048576
# runtime.MemStats
# TotalAlloc = {total}
# Sys = 39688456
# HeapAlloc = 9680448
# HeapIdle = 18857984
# HeapReleased = 11329536
# Stack = 1769472 / 1769472
# BuckHashSys = 1490233
# GCSys = 3723504
# OtherSys = 643095
# NextGC = 24000000
# NumGC = {cycles}
"""


class Answers(BaseHTTPRequestHandler):
    """net/http/pprof of a program that allocates 60 MiB between two looks at it, in six cycles."""

    looks = 0

    def do_GET(self) -> None:
        if self.path == "/debug/pprof/heap":
            answer = encode(LAST if Answers.looks else FIRST)
        elif self.path == "/debug/pprof/goroutine?debug=1":
            answer = b"goroutine profile: total 99\n"
        elif self.path == "/debug/pprof/heap?debug=1":
            Answers.looks += 1
            told = {"total": Answers.looks * 60 * MiB, "cycles": 6 * Answers.looks}
            answer = MEMSTATS.format(**told).encode()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nowhere."""


@pytest.fixture
def address() -> Iterator[str]:
    Answers.looks = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def profile(*words: str) -> object:
    with pytest.raises(SystemExit) as end:
        main(["profile", *words])
    return end.value.code


def test_an_address_becomes_a_workload(address: str, tmp_path: Path) -> None:
    out = tmp_path / "w.yaml"
    options = ("--seconds", "0.3", "--logged-gomaxprocs", "2", "--gogc", "100")
    assert not profile(address, "-o", str(out), *options)
    config = load(out)
    assert (config.gomaxprocs, config.gc_percent) == (2, 100)
    assert config.program.load["idle"] == ClosedLoop("idle", workers=99)
    # What replaces others is full from the start, as the program has run for long.
    live = sum(store.size for store in config.program.stores.values())
    assert 6 * MiB < live < 14 * MiB


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("http://127.0.0.1:1", r"127.0.0.1:1/debug/pprof/heap: expected net/http/pprof there"),
        ("http://nowhere:port", "expected net/http/pprof there"),
        ("4194999", "expected a running process"),
        (str(os.getpid()), "expected a program of Go"),
    ],
    ids=["nobody listens", "no port", "no process", "Python"],  # the same in each worker
)
def test_who_says_nothing_is_one_sentence(
    target: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert profile(target, "-o", str(tmp_path / "w.yaml")) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(sentence, line)
    assert not (tmp_path / "w.yaml").exists()


def test_memstats_have_the_names_of_runtime_metrics(address: str) -> None:
    found = PprofServer(f"{address}/debug/pprof/").memstats()
    assert found["/memory/classes/heap/free:bytes"] == 18857984 - 11329536
    assert found["/memory/classes/heap/stacks:bytes"] == 1769472
    assert PprofServer(address).goroutines() == 99


def test_a_difference_of_profiles_has_what_was_allocated_between_and_what_is_alive() -> None:
    def heap(*allocated: int) -> HeapProfile:
        return HeapProfile(
            512 * KiB,
            tuple(
                HeapSample((name,), KiB, size // KiB, size, 2, 2 * KiB)
                for name, size in zip(("main.f", "main.g"), allocated, strict=False)
            ),
        )

    found = since(heap(3 * MiB), heap(5 * MiB, MiB))
    assert [one.alloc_space for one in found.samples] == [2 * MiB, MiB]
    assert [one.inuse_space for one in found.samples] == [2 * KiB, 2 * KiB]
