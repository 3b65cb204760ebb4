"""The ledger of speed: whole commands of this checkout beside those of the reference commit.

    python benchmarks/ledger.py [--rounds N] [BENCHMARK ...]

Runs each command as a process of its own, in rounds: SimPy alone, the reference commit, this
checkout, and the compiled package where `make compiled` made it. Writes the rows of this commit to
data/speed.csv. Exit code 1 where a ratio to the reference is below the last one in the ledger by
more than both have scattered and ratios drift. Does nothing where the history has no reference.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
from compileall import compile_dir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd
import yaml
from measure import bare_events_per_second
from services import leak_file, service_file

ROOT: Final = Path(__file__).parents[1]
LEDGER: Final = ROOT / "data" / "speed.csv"
REFERENCE: Final = "9c35062"
"""The last commit before the modes shared a collector and anything was compiled."""
LOGS: Final = ROOT / "tests" / "golden" / "real"
SETTINGS: Final = ("--gogc", "50,200,400,off", "--gomemlimit", "none,160MiB", "--quiet")
BENCHMARKS: Final = {
    "--help": ("--help",),
    "a mistake": ("sizeclases",),
    "sizeclasses": ("sizeclasses",),
    "whatif, busy": ("whatif", "busy.gctrace.gz", *SETTINGS),
    "whatif, waiting": ("whatif", "waiting.gctrace.gz", *SETTINGS),
    "(a), 1 ms": ("run", "a.yaml", "--quiet", "--set", "duration=1ms"),
    "quickstart, 10 s": ("run", "quickstart.yaml", "--quiet"),
    "(a), 5 s": ("run", "a.yaml", "--quiet"),
    "64 Ps, 4 GiB/s, 2 s": ("run", "b.yaml", "--quiet"),
    "(d), 60 s": ("run", "d.yaml", "--quiet"),
    "(a) as a fluid, 10 min": ("run", "fluid.yaml", "--quiet"),
}
"""By name: what is typed after `gomemsim`, in a folder with these files."""
KEYS: Final = ["build", "benchmark"]
DRIFT: Final = 0.2
"""Share by which a ratio of one commit may differ between two calls, places or machines, beyond
the scatter within a call: twice the 10 % that was seen of commands of seconds."""
JITTER: Final = 0.015
"""CPU seconds by which a command may: 21 % was seen of commands of a tenth of a second."""


def files(folder: Path) -> None:
    """What the benchmarks read."""
    for name in ("configs/quickstart.yaml", "workloads/json-api.yaml"):
        shutil.copy(reference() / name, folder)
    for load, program in (("busy", "garbage64"), ("waiting", "hbsteady")):
        log = LOGS / f"{program}.p2.gogc100.limnone.r0.gctrace.gz"
        shutil.copy(log, folder / f"{load}.gctrace.gz")
    configs = {
        "a": service_file(8, duration="5s"),
        "b": service_file(64, "64MiB", "16MiB"),
        "d": leak_file("60s"),
        "fluid": service_file(8, duration="10m") | {"model": {"detail": "fluid"}},
    }
    for name, config in configs.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def has_reference() -> bool:
    """Whether the history goes back to the reference: a shallow clone's does not."""
    looked_up = ["git", "cat-file", "-e", f"{REFERENCE}^{{commit}}"]
    return not subprocess.run(
        looked_up, cwd=ROOT, check=False, stderr=subprocess.DEVNULL
    ).returncode


def reference() -> Path:
    """The package at the reference commit, in build."""
    folder = ROOT / "build" / REFERENCE
    if not (folder / "sim").is_dir():
        packed = subprocess.run(
            ["git", "archive", REFERENCE, "sim", "configs", "workloads"],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
        )
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
            tar.extractall(folder, filter="data")
    return folder


def cpu_seconds(package: Path, arguments: tuple[str, ...], folder: Path) -> float:
    """User and system time of a command of a package; RuntimeError where it crashes."""
    pure = "1" if package == ROOT else ""  # without the kernels that may lie there
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-m", "sim", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(package), "GOMEMSIM_PURE": pure},
        check=False,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode != (2 if arguments == BENCHMARKS["a mistake"] else 0):
        raise RuntimeError(f"{' '.join(arguments)}: {ended.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rounds(count: int, names: list[str]) -> pd.DataFrame:
    """A row for each round, build and benchmark: CPU seconds, and both ratios."""
    builds = {"Python": ROOT, "compiled": ROOT / "build" / "compiled"}
    for package in (reference(), *builds.values()):  # as pip does; else each run would
        compile_dir(str(package / "sim"), quiet=1)
    rows = []
    with TemporaryDirectory() as made:
        folder = Path(made)
        files(folder)
        for number in range(count):
            million = 1e6 / bare_events_per_second()
            for name in names:
                old = cpu_seconds(reference(), BENCHMARKS[name], folder)
                for build, package in builds.items():
                    if (package / "sim").is_dir():
                        seconds = cpu_seconds(package, BENCHMARKS[name], folder)
                        ratios = (seconds, million / seconds, old / seconds)
                        rows.append((number, build, name, *ratios))
    columns = ["round", *KEYS, "cpu_seconds", "of_simpy", "of_reference"]
    return pd.DataFrame(rows, columns=columns)


def summed(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians over rounds, and the largest deviation of `of_reference` from its own."""
    groups = measured.groupby(KEYS, sort=False)
    found = groups[["cpu_seconds", "of_simpy", "of_reference"]].median()
    ratio = groups["of_reference"]
    found["noise"] = ratio.apply(lambda rounds: (rounds / rounds.median() - 1).abs().max())
    return found.round(4).reset_index()


def fallen(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Rows whose ratio to the reference is worse than before by more than noise and drift."""
    both = now.merge(before, on=KEYS, suffixes=("", "_before"))
    drift = DRIFT + JITTER / both["cpu_seconds"]
    least = both["of_reference_before"] * (1 - both["noise"] - both["noise_before"] - drift)
    return both[both["of_reference"] < least]


def main() -> int:
    """Measure, write and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK")
    given = parser.parse_args()
    if unknown := set(given.benchmarks) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    if not has_reference():
        print(f"the history of this checkout has no commit {REFERENCE}: nothing to compare with")
        return 0
    now = summed(rounds(given.rounds, given.benchmarks or list(BENCHMARKS)))
    described = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(described, cwd=ROOT, check=True, capture_output=True, text=True)
    now.insert(0, "commit", commit.stdout.strip())
    print(now.to_string(index=False))
    kept = pd.read_csv(LEDGER) if LEDGER.is_file() else now.iloc[:0]
    worse = fallen(now, kept.drop_duplicates(KEYS, keep="last"))
    kept = kept[kept["commit"] != now["commit"].iloc[0]]
    pd.concat([kept, now]).to_csv(LEDGER, index=False)
    if not worse.empty:
        print(f"\nSlower than before, by more than the noise:\n{worse.to_string(index=False)}")
    return int(not worse.empty)


if __name__ == "__main__":
    sys.exit(main())
