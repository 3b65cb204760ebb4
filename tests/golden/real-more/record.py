"""Record the programs of this folder: `python record.py FOLDER REPETITION [PROGRAM ...]`.

Needs `go` on the PATH; takes about six seconds a run, ten runs a program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent / "programs"
PROGRAMS = {
    "bintrees": ("bintrees", ["-n", "500"], "128MiB"),
    "cache": ("cache", ["-rate", "700"], "144MiB"),
    "hbbig": ("hb", ["-garbage", "200"], "448MiB"),
    "hbleak": (
        "hb",
        ["-base", "12", "-leak", "6", "-garbage", "128", "-rate", "300", "-service", "2ms"],
        "128MiB",
    ),
    "httpd": ("httpd", ["-n", "55000"], "16MiB"),
    "json": ("json", ["-n", "250"], "20MiB"),
    "pipeline": ("pipeline", ["-n", "2500"], "64MiB"),
    "typecheck": ("typecheck", ["-n", "110"], "56MiB"),
}
"""Command, arguments with the work for one P, and a limit."""


def record(folder: Path, repetition: str, name: str, tools: Path, root: str) -> None:
    """One run per setting and GOMAXPROCS."""
    command, arguments, limit = PROGRAMS[name]
    settings = [("100", "none"), ("50", "none"), ("200", "none"), ("400", "none"), ("off", limit)]
    for gogc, limited in settings:
        for procs in (1, 2):
            run = folder / f"{name}.p{procs}.gogc{gogc}.lim{limited}.r{repetition}"
            found = [*arguments, "-out", f"{run}.json"]
            if found[0] == "-n":
                found[1] = str(procs * int(found[1]))
            if name == "typecheck":
                found += ["-src", f"{root}/src"]
            variables = {"GODEBUG": "gctrace=1", "GOGC": gogc, "GOMAXPROCS": str(procs)}
            if limited != "none":
                variables["GOMEMLIMIT"] = limited
            with Path(f"{run}.gctrace").open("w", encoding="utf-8") as log:
                subprocess.run(
                    [tools / command, *found],
                    env={**os.environ, **variables},
                    stderr=log,
                    check=True,
                )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    tools = folder.resolve() / "bin"
    subprocess.run(["go", "build", "-o", f"{tools}/", "./..."], cwd=HERE, check=True)
    root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True)
    for name in sys.argv[3:] or PROGRAMS:
        record(folder, sys.argv[2], name, tools, root.stdout.strip())
