"""Whatever comes from outside has bounds and a sentence: exit code 2, one line, no traceback."""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.cli import main
from sim.formats import log as log_module

TINY = """
workload:
  name: tiny
  mixes: {small: [{size: 64B, share: 1, pointers: 2}]}
  stores: {s: {size: 1MiB, of: small}}
  goroutines: {h: {steps: [{work: {cpu: 100us, allocate: 64KiB, of: small, into: s}}]}}
  load: {api: {goroutine: h, arrivals: {poisson: 1000/s}}}
duration: 150ms
"""
GC = (
    "gc {n} @{n}.0s 0%: 0.01+1.0+0.01 ms clock, 0.02+0/1.0/0+0.02 ms cpu, 4->5->2 MB, 5 MB goal,"
    " 0 MB stacks, 0 MB globals, 2 P"
)
Typed = Callable[..., str]
Change = Callable[[pa.Table], pa.Table]
CPU_SECONDS = 20


@pytest.fixture
def refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Typed:
    """The one sentence with which a command refuses what it was given, and no file it left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    gctrace = "\n".join(GC.format(n=n) for n in range(1, 9))
    (tmp_path / "app.gctrace").write_text(f"{gctrace}\n", encoding="utf-8")

    def run(*arguments: str) -> str:
        before, begin = sorted(tmp_path.rglob("*")), time.process_time()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        err = capsys.readouterr().err
        assert end.value.code == 2, err
        assert err.count("\n") == 1
        assert len(err) < 600
        assert err.startswith("gomemsim: ")
        assert "Error" not in err
        assert time.process_time() - begin < CPU_SECONDS
        assert sorted(tmp_path.rglob("*")) == before
        return err

    return run


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("duration=1e999s", "duration: expected at most 9.22e+18"),
        ("duration=" + "9" * 5000 + "s", "duration: expected at most"),
        ("GOMEMLIMIT=1e999MiB", "GOMEMLIMIT: expected at most"),
        ("workload.load.api.arrivals.poisson=1e999/s", "expected a rate from 1e-09/s to 1e+12/s"),
        ("workload.load.api.arrivals.poisson=1e-300/s", "expected a rate from 1e-09/s to 1e+12/s"),
        ("workload.mixes.small.0.share=nan", "share"),
        ("workload.mixes.small.0.share=-1", "share"),
        ("workload.mixes.small.0.share=1e300", "expected a number up to 1e+15"),
        ("workload=" + "a" * 300, "there is no workload 'aaa"),
        ("workload=" + "a/" * 3000, "which does not exist"),
        ("plugins=[" + "a" * 300 + ".py]", "does not exist"),
        ("seed=9223372036854775808", "seed: expected a whole number of at most 64 bits"),
        ("seed=-1", "seed: expected at least 0"),
        ("GOMAXPROCS=100000000", "GOMAXPROCS: expected at most 4096"),
        ("GOMAXPROCS=" + "9" * 5000, "GOMAXPROCS: expected a whole number of at most 64 bits"),
        ("GOGC=2147483648", "GOGC: expected at most 2147483647"),
        ("GOGC=", "expected a value, got none; null sets the default"),
        ("workload.load={}", "expected a value, got none"),
        ("GOMAXPROCS=\u0663", "GOMAXPROCS: expected a whole number"),
        (
            "workload.load.api.arrivals.poisson=1e12/s",
            "expected at most 1,000,000,000 requests in a run, got 150,000,000,000",
        ),
        ("record.samples=1ns", "record.samples: expected at most 10,000,000 samples"),
        (
            "workload.load={api: null, b: {goroutine: h, workers: 100000000}}",
            "expected at most 2,000,000 goroutines",
        ),
        ('workload.stores={"\\ud800": {size: 1MiB, of: small}}', "expected text that can be seen"),
        ('workload.stores={"\\e[31m": {size: 1MiB, of: small}}', "expected text that can be seen"),
        ("workload.main=" + "[" * 5000 + "]" * 5000, "expected at most 50 levels"),
        ("workload.main=" + "[" * 60 + "]" * 60, "expected at most 50 levels"),
        ("cgroup.cpu=1e400", "cgroup.cpu: expected a number"),
    ],
    ids=lambda text: text[:40],
)
def test_settings_have_bounds(refused: Typed, assignment: str, sentence: str) -> None:
    assert sentence in refused("run", "tiny.yaml", "--set", assignment)


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ("[{work: {cpu: 0ns}}]", "load.api: expected requests or a think time that take time"),
        ("[{wait: 0ns}]", "load.api: expected requests or a think time that take time"),
        ("[{repeat: {times: 9, steps: [{wait: 0ns}]}}]", "load.api: expected requests"),
        (
            "[{wait: 1ms}, {repeat: {times: 10000000, steps: [{work: {cpu: 0ns}}]}}]",
            "goroutines.h: expected steps that take time where they are repeated 10,000,000 times",
        ),
    ],
)
def test_what_takes_no_time_cannot_go_on_for_ever(
    refused: Typed, steps: str, sentence: str
) -> None:
    closed = "workload.load={api: null, c: {goroutine: h, workers: 1}}"
    steps = f"workload.goroutines.h.steps={steps}"
    assert sentence.replace("load.api", "load.c") in refused(
        "run", "tiny.yaml", "--set", closed, "--set", steps
    )


def test_a_folder_in_place_of_a_table_is_told(refused: Typed, stored: Path, tmp_path: Path) -> None:
    folder = rewritten(stored, "cycles", lambda table: table, tmp_path / "b")
    (folder / "cycles.parquet").unlink()
    (folder / "cycles.parquet").mkdir()
    assert "cycles.parquet: damaged: Is a directory" in refused("export", str(folder), "gctrace")


def test_a_config_has_bounds(refused: Typed, tmp_path: Path) -> None:
    laughs = "a0: &a0 [lol, lol]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    (tmp_path / "laughs.yaml").write_text(laughs, encoding="utf-8")
    assert "expected at most 100,000 values" in refused("run", "laughs.yaml")
    (tmp_path / "large.yaml").write_text("a: " + "b" * (2 << 20), encoding="utf-8")
    assert "expected at most 1MiB of YAML" in refused("run", "large.yaml")
    (tmp_path / "folder.yaml").mkdir()
    assert "Is a directory" in refused("run", "folder.yaml")


@pytest.mark.parametrize(
    "arguments",
    [
        ("tune", "app.gctrace", "--memory", "1e999GiB"),
        ("tune", "app.gctrace", "--memory", "1GiB", "--growth", "nan"),
        ("tune", "app.gctrace", "--memory", "1GiB", "--growth", "inf"),
        ("tune", "app.gctrace", "--memory", "1GiB", "--growth", "-500%"),
        ("tune", "app.gctrace", "--memory", "1GiB", "--max-gc-cpu", "nan"),
        ("tune", "app.gctrace", "--memory", "1GiB", "--max-gc-cpu", "-5%"),
        ("whatif", "app.gctrace", "--gomemlimit", "1e999MiB"),
        ("whatif", "app.gctrace", "--arrivals", "1e999/s"),
        ("whatif", "app.gctrace", "--arrivals", "1e-300/s"),
        ("whatif", "app.gctrace", "--gogc", "9" * 5000),
        ("whatif", "app.gctrace", "--gomaxprocs", "100000000"),
        ("whatif", "app.gctrace", "--gogc", ",".join(map(str, range(2000)))),
        ("whatif", "app.gctrace", "--gogc", ""),
        ("whatif", "app.gctrace", "--horizon", "0s"),
        ("whatif", "app.gctrace", "--binary", "app.gctrace"),
        ("tune", "app.gctrace", "--memory", "1GiB", "--p99", "0"),
        ("where", "1e18B"),
        ("whatif", "app.gctrace", "--go", "1.999999"),
        ("whatif", "/proc/self/mem"),
        ("whatif", "."),
        ("whatif", "n" * 300),
        ("fit", "app.gctrace", "-o", "."),
        ("compare", "tiny.yaml", "--seeds", "100000000"),
        ("compare", "tiny.yaml", "--gogc", ",".join(map(str, range(20000)))),
        ("schema", "config", "-o", "."),
        ("report", "n" * 300),
        ("plot", "n" * 300),
        ("policies", "."),
        ("validate", "tiny.yaml", "--go", "/bin/true"),
    ],
    ids=lambda words: " ".join(words)[:50],
)
def test_options_have_bounds(refused: Typed, arguments: tuple[str, ...]) -> None:
    refused(*arguments)


@pytest.mark.usefixtures("refused")
def test_a_log_under_a_goal_of_nothing_but_the_live_heap_is_read() -> None:
    with pytest.raises(SystemExit) as end:
        main(["whatif", "app.gctrace", "--logged-gogc", "0", "--gogc", "50", "-q"])
    assert not end.value.code


def test_logs_have_bounds(refused: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMEMSIM_MOST_INPUT", "2MiB")
    with gzip.open(tmp_path / "bomb.gz", "wb") as file:
        for _ in range(8):
            file.write(bytes(1 << 20))
    sentence = refused("whatif", "bomb.gz")
    assert "expected at most 2MiB, unpacked" in sentence
    assert "GOMEMSIM_MOST_INPUT=16GiB" in sentence
    assert "unpacked" in refused("fit", "app.gctrace", "-o", "w.yaml", "--pprof", "bomb.gz")
    (tmp_path / "damaged.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    refused("whatif", "damaged.gz")
    (tmp_path / "end.log").write_text("=== end\n" + GC.format(n=1) + "\n", encoding="utf-8")
    refused("whatif", "end.log")


def test_a_long_line_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "LONGEST_LINE", 1 << 20)
    (tmp_path / "long.log").write_text("x" * (5 << 20) + "\nlast\n", encoding="utf-8")
    with log_module.open_log(tmp_path / "long.log") as lines:
        read = list(lines)
    assert [len(line) for line in read] == [log_module.LONGEST_LINE, 5]


@pytest.mark.parametrize(
    "line",
    [
        '{"at_ns": 1e999}',
        '{"/gc/heap/goal:bytes": ' + "9" * 400 + "}",
        "[" * 100_000,
        "{" * 100_000,
        '{"a":' * 100_000,
    ],
    ids=lambda text: text[:30],
)
def test_metrics_have_bounds(refused: Typed, tmp_path: Path, line: str) -> None:
    (tmp_path / "metrics.json").write_text(line + "\n", encoding="utf-8")
    refused("fit", "app.gctrace", "-o", "w.yaml", "--metrics", "metrics.json")


def test_a_trace_has_bounds(refused: Typed, tmp_path: Path) -> None:
    line = "M=1 P=1 G=1 Metric Time=" + "9" * 5000 + "\n"
    (tmp_path / "trace.txt").write_text(line, encoding="utf-8")
    refused("fit", "app.gctrace", "-o", "w.yaml", "--trace", "trace.txt")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["run", str(folder / "tiny.yaml"), "--out", str(folder / "a"), "--quiet"])
    assert not end.value.code
    return folder / "a"


def rewritten(stored: Path, table: str, change: Callable[[pa.Table], pa.Table], to: Path) -> Path:
    """A copy in which one table is another, and the seal has no checksums: of other hands."""
    to.mkdir()
    for file in stored.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    path, seal = to / f"{table}.parquet", to / "run.parquet"
    pq.write_table(pq.read_table(seal).replace_schema_metadata(None), seal)
    pq.write_table(change(pq.read_table(path)), path)
    return to


def replaced(name: str, values: list[object]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index(name), name, pa.array(values))

    return change


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("run", replaced("config", [None])),
        ("run", replaced("config", ["[1, 2]"])),
        ("run", replaced("config", ["[" * 10_000])),
        ("run", replaced("config", ["a: [b"])),
        ("run", replaced("seed", ["one"])),
        ("run", lambda table: table.slice(0, 0)),
        ("cycles", lambda table: table.drop_columns(["heap_end"])),
        ("cycles", lambda table: replaced("heap_end", ["x"] * len(table))(table)),
        ("requests", lambda table: pa.table({"a": [1]})),
    ],
)
@pytest.mark.parametrize("command", [("report",), ("export", "gctrace"), ("export", "benchfmt")])
def test_stored_tables_are_checked(
    refused: Typed,
    stored: Path,
    tmp_path: Path,
    table: str,
    change: Change,
    command: tuple[str, ...],
) -> None:
    folder = rewritten(stored, table, change, tmp_path / "b")
    if command == ("export", "gctrace") and table != "cycles":
        pytest.skip("does not read that table")
    refused(command[0], str(folder), *command[1:], "-o", "out.file")


def test_tables_that_lost_what_is_said_about_them_are_read_all_the_same(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = rewritten(
        stored, "samples", lambda t: pa.Table.from_pandas(t.to_pandas()), tmp_path / "b"
    )
    with pytest.raises(SystemExit) as end:
        main(["report", str(folder), "-o", str(tmp_path / "page.html")])
    assert not end.value.code, capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
def test_folders_and_files_may_have_names_that_are_no_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    for typed in (
        "run tiny.yaml -q --set duration=10ms --out \udcff/a",
        "report \udcff/a -o \udcff.html",
        "export \udcff/a gctrace -o \udcff.txt",
        "compare tiny.yaml -q --gogc 50 --seeds 1 --jobs 1 --out \udcff/b --json \udcff.json",
    ):
        with pytest.raises(SystemExit) as end:
            main(typed.split())
        assert not end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("settings", ["[]", "null", '{"GOGC": 1}', "{", "[" * 100_000, "\xff"])
def test_settings_of_a_sweep_are_checked(
    refused: Typed, stored: Path, tmp_path: Path, settings: str
) -> None:
    folder = rewritten(stored, "run", lambda table: table, tmp_path / "b")
    (folder / "settings.json").write_bytes(settings.encode("latin-1"))
    assert "settings.json: damaged" in refused("report", str(folder), "-o", "page.html")


def test_hostile_names_draw_and_print_as_text(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "$x^$ \x1b[31m\u202e<img src=x>"
    folder = rewritten(stored, "run", replaced("workload", [name]), tmp_path / "b")
    for command, made in (("report", "page.html"), ("plot", "plot.svg")):
        with pytest.raises(SystemExit) as end:
            main([command, str(folder), "-o", str(tmp_path / made)])
        assert not end.value.code, capsys.readouterr().err
        text = (tmp_path / made).read_text(encoding="utf-8")
        assert not {"\x1b", "\u202e"} & set(text)
        assert "<img" not in text


def test_what_fit_writes_can_be_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = tmp_path / "evil\nmixes: {}\u2028\x1b]0;t\x07.log"
    evil.write_text("\n".join(GC.format(n=n) for n in range(1, 9)) + "\n", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["fit", str(evil), "-o", str(tmp_path / "fitted.yaml")])
    out = capsys.readouterr()
    assert not end.value.code, out.err
    assert "\x1b" not in out.out
    (tmp_path / "run.yaml").write_text(
        "workload: ./fitted.yaml\nduration: 10ms\n", encoding="utf-8"
    )
    with pytest.raises(SystemExit) as end:
        main(["run", str(tmp_path / "run.yaml"), "--out", str(tmp_path / "r"), "--json", "-"])
    assert not end.value.code, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)
