"""Record real Go programs as the logs in this folder are: `python record.py PROGRAM... [--to DIR]`.

Each runs at GOGC=100 twice, then at 50, 200, 400, off with a limit of its resident memory at 100,
and with one P. Of the first run a heap profile and the number of goroutines are taken at the end,
where the program offers them. Runs that are there are not repeated; those in which the load
generator itself was late are, twice. With a real-time priority, `chrt -r 1 python record.py ...`,
other programs of the machine do not take the CPUs.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import queue
import random  # noqa: TID251  these files are no part of a simulation
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from programs import PORT, PROGRAMS, Batch, Request, Server

from sim.formats.go_version import of_binary

SECONDS = 10.0
CONNECTIONS = 24
CYCLE = re.compile(r"gc \d+ @(?!.*\(forced\)$)")
"""Of a cycle; those that a program forces when it writes its heap profile are left out."""
LATE = 0.05
"""Seconds by which the load generator may be late, or the run is made again."""
TRIES = 3
SETTINGS = (("2", "100", 0), ("2", "100", 1), ("2", "50", 0), ("2", "200", 0), ("2", "400", 0),
            ("2", "off", 0), ("1", "100", 0))  # fmt: skip


class Load:
    """Requests at random instants, whether or not the program keeps up."""

    def __init__(self, server: Server) -> None:
        self._requests, self._rate = server.requests(), server.rate
        self._waiting: queue.Queue[tuple[float, Request] | None] = queue.Queue()
        self.took_ns: list[int] = []
        self.failed = 0
        self.late = 0.0

    def run(self) -> None:
        """Send for `SECONDS`; a latency counts from when its request was due."""
        threads = [threading.Thread(target=self._send) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        dice, due = random.Random(9), time.monotonic()
        end = due + SECONDS
        while (due := due + dice.expovariate(self._rate)) < end:
            time.sleep(max(0.0, due - time.monotonic()))
            self.late = max(self.late, time.monotonic() - due)
            self._waiting.put((due, next(self._requests)))
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join()

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        while (one := self._waiting.get()) is not None:
            due, request = one
            try:
                answer(connection, request)
            except (OSError, http.client.HTTPException):
                connection.close()
                self.failed += 1
            self.took_ns.append(round((time.monotonic() - due) * 1e9))


def answer(connection: http.client.HTTPConnection, request: Request) -> None:
    """Send a request and read all of the answer; OSError where it is an error."""
    headers = {"Content-Type": request.content, "Accept-Encoding": "gzip"}
    connection.request(request.method, request.path, request.body or None, headers)
    got = connection.getresponse()
    got.read()
    if got.status >= http.HTTPStatus.BAD_REQUEST:
        raise OSError(f"{request.path}: {got.status}")


def memory(pid: int) -> Iterator[tuple[int, int, int]]:
    """RssAnon, RssFile and the largest RSS so far in KiB, every 20 ms until the process ends.

    The largest RSS of wait4 is also that of the process which started it, until it is another
    program (Linux: fs/exec.c, exec_mmap): for small programs that is Python's.
    """
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            return
        found = dict(re.findall(r"^(Rss\w+|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
        if not found:
            return
        yield int(found["RssAnon"]), int(found["RssFile"]), int(found["VmHWM"])
        time.sleep(0.02)


def serve(
    server: Server, process: subprocess.Popen[bytes], profile: Path | None
) -> dict[str, object]:
    """Wait until it is ready, send the load, take the profile, and end it; what was measured."""
    for _ in range(200):
        try:
            answer(http.client.HTTPConnection("127.0.0.1", PORT, timeout=5), server.ready)
            break
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
    load = Load(server)
    load.run()
    if profile is not None:
        url = f"http://127.0.0.1:{server.pprof}/debug/pprof"
        profile.write_bytes(urllib.request.urlopen(f"{url}/heap", timeout=20).read())
        told = urllib.request.urlopen(f"{url}/goroutine?debug=1", timeout=20).read()
        profile.with_name("goroutines").write_bytes(told.partition(b"\n")[0] + b"\n")
    process.terminate()
    took = sorted(load.took_ns)
    quantiles = {f"{100 * q:g}": took[int(q * (len(took) - 1))] for q in (0.5, 0.99, 0.999)}
    return {"requests": len(took), "failed": load.failed, "rate": server.rate,
            "seconds": SECONDS, "late_s": load.late, "latency_ns": quantiles}  # fmt: skip


def run(
    name: str, work: Path, environment: dict[str, str], profile: Path | None
) -> dict[str, object]:
    """One run; the log is in `work`."""
    program = PROGRAMS[name]
    command = program.command(work)
    extra, folder = [], work
    if isinstance(program, Batch):
        extra = program.profile(profile) if program.profile and profile else []
        folder = program.folder(work) if program.folder else work
    began = time.monotonic()
    with (work / "log").open("wb") as errors, (work / "out").open("wb") as out:
        process = subprocess.Popen(
            [*command, *extra], stdout=out, stderr=errors, env=environment, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
        seen: list[tuple[int, int, int]] = []
        watcher = threading.Thread(target=lambda: seen.extend(memory(process.pid)))
        watcher.start()
        told = serve(program, process, profile) if isinstance(program, Server) else {}
        _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    watcher.join()
    return {
        "wall_s": round(wall, 3), "status": status, "maxrss_kb": max(most for *_, most in seen),
        "rss_anon_max_kb": max(a for a, *_ in seen),
        "rss_file_max_kb": max(f for _, f, _ in seen),
        "utime_s": used.ru_utime, "stime_s": used.ru_stime, **told,
    }  # fmt: skip


def record(name: str, to: Path, procs: str, gogc: str, limit: str, repetition: int) -> int:
    """One run, its log and facts, and of the first a heap profile; resident memory in KiB."""
    stem = to / f"{name}.p{procs}.gogc{gogc}.lim{limit}.r{repetition}"
    if Path(f"{stem}.json").exists():
        return int(json.loads(Path(f"{stem}.json").read_text(encoding="utf-8"))["maxrss_kb"])
    work = to / "work"
    work.mkdir(parents=True, exist_ok=True)
    home = {"RESTIC_PASSWORD": "x", "XDG_DATA_HOME": str(work), "XDG_CONFIG_HOME": str(work)}
    os.environ.update(home)
    environment = dict(os.environ, GODEBUG="gctrace=1", GOGC=gogc, GOMAXPROCS=procs)
    if limit != "none":
        environment["GOMEMLIMIT"] = limit
    first = (procs, gogc, repetition) == ("2", "100", 0)
    for _ in range(TRIES):
        profile = _fresh_profile(work) if first else None
        facts = run(name, work, environment, profile)
        if facts.get("late_s", 0.0) < LATE:
            break
    text = (work / "log").read_text(errors="replace")
    kept = "".join(line + "\n" for line in text.splitlines() if CYCLE.match(line))
    with gzip.GzipFile(f"{stem}.gctrace.gz", "wb", mtime=0) as packed:
        packed.write(kept.encode())
    go = of_binary(Path(str(shutil.which(PROGRAMS[name].command(work)[0]))))
    facts = {
        "name": name,
        "go": f"1.{go}",
        "gogc": gogc,
        "gomemlimit": limit,
        "gomaxprocs": int(procs),
        **facts,
    }
    Path(f"{stem}.json").write_text(json.dumps(facts, indent=0) + "\n", encoding="utf-8")
    for one in sorted(profile.parent.glob("*")) if profile else []:
        if "cpu" not in one.name:
            end = "goroutines" if one.name == "goroutines" else "heap.pb.gz"
            shutil.copy(one, to / f"{name}.{end}")
    sys.stdout.write(f"{stem.name}: {facts}\n")
    return int(str(facts["maxrss_kb"]))


def _fresh_profile(work: Path) -> Path:
    folder = work / "profile"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder / "heap.pb.gz"


def main() -> None:
    """Record the programs that are named."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("programs", nargs="+", choices=sorted(PROGRAMS))
    words.add_argument("--to", type=Path, default=Path(__file__).parent)
    given = words.parse_args()
    to = given.to.resolve()
    for name in given.programs:
        limit = "none"
        for procs, gogc, repetition in SETTINGS:
            used = record(name, to, procs, gogc, limit if gogc == "off" else "none", repetition)
            if limit == "none":
                limit = f"{used // 1024}MiB"


if __name__ == "__main__":
    main()
