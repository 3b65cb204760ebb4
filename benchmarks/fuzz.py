"""Fuzz one reader or all of them with libFuzzer, guided by coverage: `make fuzz`.

    python benchmarks/fuzz.py [--seconds 600] [--inputs 100000] [READER ...]

The corpus of a reader stays in build/fuzz/READER and is where the next call goes on; what broke it
is kept there as crash-*, oom-* or timeout-*. With --write, data/fuzz.csv adds up how many inputs
were run. A process that needs more than a gigabyte, or an input that needs more than 20 seconds of
CPU time, counts as a fault.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import pandas as pd

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "build" / "fuzz"
FIGURES: Final = ROOT / "data" / "fuzz.csv"
MEGABYTES: Final = 1024
HANGS_AFTER: Final = 600
"""Seconds of wall time, on a machine that may be busy; CPU time is looked at below."""


def main() -> int:
    """Fuzz the readers one after the other; the number of those that broke."""
    sys.path.insert(0, str(ROOT))
    from tests.fuzz.readers import READERS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("readers", nargs="*", choices=[*READERS, []], help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each reader, at most")
    parser.add_argument("--inputs", type=int, default=-1, help="for each reader, at most")
    parser.add_argument("--write", action="store_true", help=f"add the figures to {FIGURES.name}")
    given = parser.parse_args()
    chosen = given.readers or list(READERS)
    rows = [(name, *_fuzzed(name, given.seconds, given.inputs)) for name in chosen]
    table = pd.DataFrame(rows, columns=["reader", "inputs", "failures"])
    print(table.to_string(index=False))
    if given.write:
        table = pd.concat([pd.read_csv(FIGURES), table])
        table.groupby("reader", sort=False).sum().to_csv(FIGURES)
    return int(sum(failures for _, _, failures in rows))


def _fuzzed(name: str, seconds: int, inputs: int) -> tuple[int, int]:
    """How many inputs were run, and whether one broke the reader."""
    from tests.fuzz.readers import READERS, TOKENS

    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    words = FOLDER / "words.txt"
    hexadecimal = ("".join(f"\\x{byte:02x}" for byte in token) for token in TOKENS)
    words.write_text("".join(f'"{token}"\n' for token in hexadecimal), encoding="utf-8")
    command = [
        sys.executable,
        __file__,
        "--child",
        name,
        str(folder),
        f"-max_total_time={seconds}",
        f"-runs={inputs}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-timeout={HANGS_AFTER}",
        f"-max_len={READERS[name].longest}",
        f"-dict={words}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    number = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    if done.returncode:
        print(f"{name}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}", file=sys.stderr)
    return int(number[1]) if number else 0, int(done.returncode != 0)


def _child(name: str, arguments: list[str]) -> None:
    import atheris

    sys.path.insert(0, str(ROOT))
    with atheris.instrument_imports(include=["sim"]):
        from tests.fuzz.readers import CPU_SECONDS, READERS, survives
    reader, corpus = READERS[name], Path(arguments[0])
    for index, sample in enumerate(reader.samples()):
        (corpus / f"sample-{index}").write_bytes(sample)
    scratch = Path(tempfile.mkdtemp(prefix="gomemsim-fuzz-", dir=_memory()))

    def one(data: bytes) -> None:
        begin = time.process_time()
        survives(reader, scratch / "file", data)
        assert time.process_time() - begin < CPU_SECONDS

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def _memory() -> str | None:
    """A folder in memory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(main())
