"""Faults, hostile input and extreme programs at random, and what is left after them: `make faults`,

    python -m benchmarks.reliability --points 500 [--only WORD ...] [--write]

Every point is something that befalls a command. `--write` puts the figures into
data/reliability.csv, from which `make pages` makes the tables of docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.reliability import cluster, commands, faults, inputs, models

ROOT: Final = Path(__file__).parents[2]
FIGURES: Final = ROOT / "data" / "reliability.csv"
CLASSES: Final[Mapping[str, tuple[int, faults.Point]]] = {
    **faults.CLASSES,
    **commands.CLASSES,
    **inputs.CLASSES,
    **models.CLASSES,
}
ON_A_CLUSTER: Final = 25
"""One point of so many is on a cluster: they take the longest."""
GIVEN: Final = Path("given")
"""What a point begins with, in a folder of its own: commands may destroy what they are told to."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of classes, points and failures; the number of failures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--long-run", type=int, default=20, help="simulated seconds of a long run")
    parser.add_argument("--only", nargs="+", help="classes with one of these words; default: all")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {FIGURES.name}")
    given = parser.parse_args(arguments)
    names = [name for name in (*CLASSES, cluster.NAME) if _wanted(name, given.only)]
    counts = {name: [0, 0] for name in names}
    rng = np.random.Generator(np.random.PCG64(given.seed))
    _count(counts, given.points, given.long_run, rng)
    table = pd.DataFrame(
        [(name, points, failed, given.seed) for name, (points, failed) in counts.items() if points],
        columns=["class", "points", "failures", "seed"],
    )
    print(table.to_markdown(index=False))
    print(f"| all | {table['points'].sum()} | {table['failures'].sum()} |")
    if given.write:
        write(table)
    return int(table["failures"].sum())


def write(table: pd.DataFrame) -> None:
    """Put the figures of classes in the place of their former ones."""
    former = pd.read_csv(FIGURES) if FIGURES.is_file() else table.iloc[:0]
    kept = former[~former["class"].isin(table["class"])]
    pd.concat([kept, table]).to_csv(FIGURES, index=False)


def _wanted(name: str, only: Sequence[str] | None) -> bool:
    return only is None or any(word in name for word in only)


def _count(
    counts: dict[str, list[int]], points: int, long_run: int, rng: np.random.Generator
) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="gomemsim-faults-"))
    scratch.chmod(0o755)
    os.chdir(scratch)
    dask = cluster.Cluster() if cluster.NAME in counts and points >= ON_A_CLUSTER else None
    try:
        GIVEN.mkdir()
        os.chdir(GIVEN)
        bench = faults.Bench(long_run)
        commands.prepare()
        shutil.copytree("ref1", "a")
        for number, name in enumerate(_drawn(list(counts), points, rng), start=1):
            on_cluster = dask is not None and number % ON_A_CLUSTER == 0
            chosen = cluster.NAME if on_cluster else name
            _begin(scratch)
            act = dask.point if dask and on_cluster else CLASSES[chosen][1]
            failures = _failures(act, bench, rng)
            for failure in failures:
                print(f"{number}: {chosen}: {failure}", file=sys.stderr, flush=True)
            counts[chosen][0] += 1
            counts[chosen][1] += bool(failures)
    except KeyboardInterrupt:
        print("interrupted: the table is of what was done", file=sys.stderr)
    finally:
        if dask is not None:
            dask.end()
        os.chdir(ROOT)
        _end(scratch)


def _failures(act: faults.Point, bench: faults.Bench, rng: np.random.Generator) -> faults.Failures:
    """What went wrong at a point; that it cannot be looked at is a failure as well."""
    try:
        return act(bench, rng)
    except Exception:  # noqa: BLE001  the next points are looked at all the same
        return [traceback.format_exc()]


def _drawn(names: list[str], points: int, rng: np.random.Generator) -> Iterator[str]:
    """The classes of so many points: each of them once, and then at random."""
    among = [name for name in names if name in CLASSES] or [cluster.NAME]
    yield from among[:points]  # none is left out
    points = max(0, points - len(among))
    shares = np.array([CLASSES[name][0] if name in CLASSES else 1 for name in among], dtype=float)
    yield from (str(name) for name in rng.choice(among, size=points, p=shares / shares.sum()))


def _begin(scratch: Path) -> None:
    shutil.rmtree(scratch / "point", ignore_errors=True)
    shutil.copytree(scratch / GIVEN, scratch / "point")
    os.chdir(scratch / "point")


def _end(scratch: Path) -> None:
    if (scratch / "broke").is_dir():
        kept = ROOT / "build" / "broke"
        shutil.copytree(scratch / "broke", kept, dirs_exist_ok=True)
        print(f"what broke commands is in {kept}", file=sys.stderr)
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
