"""Every reader of files from outside, with samples of what it reads, for the fuzzers.

A reader may answer or raise UserError; anything else is a fault, and so is more than
`CPU_SECONDS` or more memory than a gigabyte.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from sim.config import load
from sim.errors import UserError
from sim.fitting.evidence import read_evidence
from sim.fitting.gctrace_log import read_gctrace
from sim.fitting.processes import separate
from sim.formats.gctrace import parse
from sim.formats.log import open_log
from sim.record.facts import TABLES
from sim.results.load import load_run

TESTS: Final = Path(__file__).parents[1]
GOLDEN: Final = TESTS / "golden"
CPU_SECONDS: Final = 20
TINY: Final = b"""
workload:
  name: tiny
  mixes: {small: [{size: 64B, share: 1, pointers: 2}, {size: {lognormal: {median: 9B, p99: 1KiB}}}]}
  stores: {s: {size: 4MiB, of: small}}
  goroutines:
    h:
      steps:
        - work: {cpu: 200us, allocate: 64KiB, of: small}
        - wait: 500us
        - work: {cpu: 20us, allocate: 4KiB, of: small, into: s}
  load: {api: {goroutine: h, arrivals: {poisson: 1000/s}}}
GOMAXPROCS: 2
GOMEMLIMIT: 64MiB
duration: 300ms
gc: {pacer: go1.18}
"""
TOKENS: Final = (
    b"1e999",
    b"-1",
    b"nan",
    b"inf",
    b"9" * 400,
    b"9" * 25,
    b"0",
    b"null",
    b"\x1b[31m",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\x00",
    b"\n",
    b"[" * 200,
    b"{" * 200,
    b"&a [*a]",
    b"$x^$",
    b"\x80" * 20,
    b"gc ",
    b" P",
    b"->",
    b"=== begin\n",
    b"=== end\n",
    b": ",
    b"- ",
    b"1e-300/s",
    b"\x1f\x8b",
)
"""What breaks readers, and what their formats are made of."""


class Reader(NamedTuple):
    """How a kind of file is read, and samples of it."""

    read: Callable[[Path], object]
    samples: Callable[[], Iterator[bytes]]
    longest: int = 40_000
    """Bytes of an input that a fuzzer makes: short ones find the same ways in less time."""


def survives(reader: Reader, file: Path, data: bytes) -> bool:
    """Whether the reader took the bytes; False: it refused them in a sentence."""
    file.write_bytes(data)
    try:
        reader.read(file)
    except UserError:
        return False
    return True


def _files(*patterns: str, most: int = 20_000) -> Callable[[], Iterator[bytes]]:
    def samples() -> Iterator[bytes]:
        for pattern in patterns:
            for path in sorted(GOLDEN.glob(pattern)):
                data = path.read_bytes()
                yield (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)[:most]

    return samples


def _configs() -> Iterator[bytes]:
    yield TINY
    yield from _files("cases/*.yaml")()


def _config(file: Path) -> object:
    return load(file.rename(file.with_suffix(".yaml")))


def _gctrace_lines(file: Path) -> object:
    """The lines by process: without what is recognised in them, which takes ten times as long."""
    with open_log(file) as source:
        lines = list(parse(source, lambda _: None))
    return separate(lines) if lines else lines  # a log without lines is refused before


def _tables(file: Path) -> object:
    """The bytes in place of one table of a stored run, the one that the first byte says."""
    data = file.read_bytes()
    names = sorted(TABLES)
    run = stored_run(file.parent)
    table = names[data[0] % len(names)] if data else "run"
    whole = (run / f"{table}.parquet").read_bytes()
    try:
        (run / f"{table}.parquet").write_bytes(data[1:])
        result = load_run(run)
        return result.config if table == "run" else getattr(result, table)
    finally:
        (run / f"{table}.parquet").write_bytes(whole)


def stored_run(folder: Path) -> Path:
    """A stored run to be spoiled, made when it is first asked for."""
    from sim.simulation import simulate

    run = folder / "stored-run"
    if not run.is_dir():
        config = folder / "stored.yaml"
        config.write_bytes(TINY)
        simulate(config, out=run)
    return run


def _stored() -> Iterator[bytes]:
    from tempfile import mkdtemp

    folder = Path(mkdtemp(prefix="gomemsim-fuzz-"))
    try:
        run = stored_run(folder)
        for index, table in enumerate(sorted(TABLES)):
            yield bytes([index]) + (run / f"{table}.parquet").read_bytes()
    finally:
        shutil.rmtree(folder)


READERS: Final[Mapping[str, Reader]] = {
    "config": Reader(_config, _configs),
    "gctrace_lines": Reader(
        _gctrace_lines, _files("gctrace/*", "cases/*.txt", most=4000), longest=1000
    ),
    "gctrace": Reader(read_gctrace, _files("gctrace/*", "cases/*.txt", most=4000), longest=1000),
    "prometheus": Reader(
        lambda file: read_evidence(expositions=[file]), _files("prometheus/*.prom")
    ),
    "runtime_metrics": Reader(
        lambda file: read_evidence(metrics=file), _files("runtime_metrics/*.json*", most=25_000)
    ),
    "pprof": Reader(lambda file: read_evidence(profile=file), _files("pprof/*.gz")),
    "trace": Reader(
        lambda file: read_evidence(trace=file), _files("exec_trace/*.txt.gz", most=8000)
    ),
    "stored": Reader(_tables, _stored),
}
