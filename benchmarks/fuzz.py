"""Fuzz one reader or all of them with libFuzzer, guided by coverage: `make fuzz`.

    python benchmarks/fuzz.py --seconds 600 [READER ...]

The corpus of a reader stays in build/fuzz/READER and is where the next call goes on; what broke it
is kept there as crash-*, oom-* or timeout-*. build/fuzz/counts.json adds up how many inputs were
run. A process that needs more than a gigabyte, or an input that needs more than 20 seconds of CPU
time, counts as a fault.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "build" / "fuzz"
COUNTS: Final = FOLDER / "counts.json"
MEGABYTES: Final = 1024
HANGS_AFTER: Final = 600
"""Seconds of wall time, on a machine that may be busy; CPU time is looked at below."""
LARGEST: Final = 40_000
"""Bytes of an input."""


def main() -> int:
    """Fuzz the readers one after the other; the number of those that broke."""
    sys.path.insert(0, str(ROOT))
    from tests.fuzz.readers import READERS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("readers", nargs="*", choices=[*READERS, []], help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    given = parser.parse_args()
    broken = [name for name in given.readers or READERS if not _fuzzed(name, given.seconds)]
    print(json.dumps({"inputs": counts(), "broken": broken}, indent=1))
    return len(broken)


def counts() -> dict[str, int]:
    """How many inputs were ever run, by reader."""
    found: dict[str, int] = json.loads(COUNTS.read_text()) if COUNTS.is_file() else {}
    return found


def _fuzzed(name: str, seconds: int) -> bool:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        __file__,
        "--child",
        name,
        str(folder),
        f"-max_total_time={seconds}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-timeout={HANGS_AFTER}",
        f"-max_len={LARGEST}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    number = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    run = counts().get(name, 0) + (int(number[1]) if number else 0)
    COUNTS.write_text(json.dumps(counts() | {name: run}))
    if done.returncode:
        print(f"{name}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}", file=sys.stderr)
    return not done.returncode


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
