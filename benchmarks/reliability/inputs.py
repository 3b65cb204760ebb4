"""Spoiled configs, logs and stored tables through whole commands."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.reliability.commands import judged
from benchmarks.reliability.faults import Bench, Failures, Point
from benchmarks.reliability.forked import done
from benchmarks.reliability.words import VALID
from tests.fuzz.readers import READERS, TOKENS

EVIDENCE: Final[Mapping[str, str]] = {
    "prometheus": "--prometheus",
    "runtime_metrics": "--metrics",
    "trace": "--trace",
    "pprof": "--pprof",
}
"""By reader: the option that takes such a file."""

BROKE: Final = Path("../broke")
"""Keeps what broke a command."""


@cache
def samples(reader: str) -> Sequence[bytes]:
    """What a reader reads."""
    return list(READERS[reader].samples())


def spoiled(reader: str, rng: np.random.Generator) -> bytes:
    """A sample with some stretches replaced, doubled, or cut out."""
    data = bytearray(samples(reader)[rng.integers(len(samples(reader)))])
    for _ in range(rng.integers(1, 5)):
        begin = int(rng.integers(len(data) + 1))
        end = begin + int(rng.choice([0, 1, 4, 40, 4000]))
        new = TOKENS[rng.integers(len(TOKENS))] if rng.random() < 0.6 else data[begin:end] * 2
        data[begin:end] = new
    return bytes(data)


def spoiled_config(bench: Bench, rng: np.random.Generator) -> Failures:
    """A config that something befell, simulated for a moment."""
    del bench
    Path("spoiled.yaml").write_bytes(spoiled("config", rng))
    words = f"{VALID['run']} --set duration=20ms --set GOMAXPROCS=2".split()
    return _judged_and_kept([words[0], "spoiled.yaml", *words[2:]], "spoiled.yaml")


def spoiled_log(bench: Bench, rng: np.random.Generator) -> Failures:
    """A log that something befell, or what is given beside it, through a prediction or a fit."""
    del bench
    reader = str(rng.choice(["gctrace", *EVIDENCE]))
    Path("spoiled.txt").write_bytes(spoiled(reader, rng))
    fit = reader == "pprof" or rng.random() < 0.5
    words = ["fit", "-q", "-o", "made.yaml"] if fit else ["whatif", "-q", "--gogc", "50"]
    words += ["spoiled.txt"] if reader == "gctrace" else ["log", EVIDENCE[reader], "spoiled.txt"]
    failures = _judged_and_kept(words, "spoiled.txt")
    if fit and not failures and Path("made.yaml").exists():
        failures = judged(["check", "made.yaml"], done(["check", "made.yaml"]))
    return failures


def spoiled_tables(bench: Bench, rng: np.random.Generator) -> Failures:
    """A stored run with a spoiled, foreign or missing file is reported, exported or drawn."""
    del bench
    run = Path("a")
    files = sorted(run.glob("*.parquet"))
    file = files[rng.integers(len(files))]
    match rng.integers(4):
        case 0:
            file.write_bytes(file.read_bytes()[: rng.integers(file.stat().st_size)])
        case 1:
            file.write_bytes(files[rng.integers(len(files))].read_bytes())
        case 2:
            file.unlink()
        case _:
            data = bytearray(file.read_bytes())
            for at in rng.integers(len(data), size=8):
                data[at] = rng.integers(256)
            file.write_bytes(data)
    command = [
        "report a -o made.html",
        "export a benchfmt",
        "export a gctrace",
        "plot a -o made.svg",
    ]
    return _judged_and_kept(command[rng.integers(4)].split(), str(file))


def _judged_and_kept(words: Sequence[str], file: str) -> Failures:
    """The verdict; what broke a command is kept in BROKE."""
    failures = judged(words, done(words))
    if failures and Path(file).exists():
        BROKE.mkdir(exist_ok=True)
        shutil.copy(file, BROKE / f"{len(list(BROKE.iterdir()))}-{Path(file).name}")
    return failures


CLASSES: Final[Mapping[str, tuple[int, Point]]] = {
    "spoiled configs through a run": (12, spoiled_config),
    "spoiled logs, metrics, profiles and traces through a fit or a prediction": (6, spoiled_log),
    "spoiled tables through report, export and plot": (8, spoiled_tables),
}
