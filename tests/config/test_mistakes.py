"""Every mistake is one sentence that says where, what was expected and what came."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import load
from sim.errors import UserError

CONFIG = """\
workload: tiny
GOGC: 100
"""
WORKLOAD = """\
mixes:
  json:
    - {size: 64B}
stores:
  sessions: {size: 1MiB, of: json}
pools:
  buffers: {size: 4KiB}
goroutines:
  handler:
    steps:
      - borrow: buffers
      - work: {cpu: 300us, allocate: 96KiB, of: json}
      - spawn: {goroutine: shard, count: 8}
  shard:
    steps:
      - wait: 1ms
load:
  api:
    goroutine: handler
    arrivals: {poisson: 2000/s}
"""
SIZE = "expected a size with one of the units B, KiB, MiB, GiB, TiB, got "


def complaint(folder: Path, config: str, workload: str) -> str:
    """The sentence for these files, without the folder they are in."""
    (folder / "tiny.yaml").write_text(workload, encoding="utf-8")
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(folder / "config.yaml")
    return str(error.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("GOGCC: 1", "3: unknown key 'GOGCC' (did you mean 'GOGC'?)"),
        ("GOGC: 50", "3: GOGC: expected every key once, got it twice"),
        ("GOMAXPROCS: 0", "3: GOMAXPROCS: expected at least 1, got '0'"),
        ("GOMAXPROCS: two", "3: GOMAXPROCS: expected a whole number, got 'two'"),
        ("GOMEMLIMIT: 5GB", f"3: GOMEMLIMIT: {SIZE}the unit 'GB' in '5GB' (did you mean 5GiB?)"),
        ("GOMEMLIMIT: 512", f"3: GOMEMLIMIT: {SIZE}no unit in '512' (did you mean 512MiB?)"),
        (
            "GOMEMLIMIT: 200TiB",
            "3: GOMEMLIMIT: expected at most 128TiB, the address space, got '200TiB'",
        ),
        (
            "duration: 10",
            "3: duration: expected a duration such as 250us, 10ms or 2s, got '10'",
        ),
        ("duration: 0s", "3: duration: expected more than 0, got '0s'"),
        ("seed: [1]", "3: seed: expected a whole number, got a list"),
        (
            "go: 1.18",
            "3: go: expected 1.21 or 1.22 or 1.23 or 1.24 or 1.25 or 1.26 or 1.27, got '1.18'",
        ),
        ("model: {assist: off}", "3: model: unknown key 'assist' (did you mean 'assists'?)"),
        ("model:\n  assists: 2", "4: model.assists: expected true or false, got '2'"),
        (
            "model: {resolution: fine}",
            "3: model.resolution: expected batched or refill, got 'fine'",
        ),
        ("gc: {barrier: hybrd}", "3: gc.barrier: unknown barrier 'hybrd' (did you mean 'hybrid'?)"),
        ("cgroup: {cpu: 0}", "3: cgroup.cpu: expected more than 0, got '0'"),
        ("cgroup: {cpu: nan}", "3: cgroup.cpu: expected a number, got 'nan'"),
        ("plugins: [no.py]", "3: plugins.0: the plug-in file no.py does not exist"),
        (
            "machine: mine.yaml",
            "3: machine: expected a file, got 'mine.yaml', which does not exist",
        ),
        (
            "machine: default",
            "3: machine: there is no machine profile 'default' (did you mean 'default-x86-64'?)",
        ),
        (
            "record: 5",
            "3: record: expected a mapping with the keys samples, timeline, warmup, got '5'",
        ),
        (
            "record: {warmup: 10s}",
            "3: record.warmup: expected less than the 10s of the run: nothing would count",
        ),
        (
            "seed: [",
            (
                "4: expected YAML, got a syntax error: expected the node content,"
                " but found '<stream end>'"
            ),
        ),
        ("a: &a [*a]", "3: expected an end, got an alias of the node that contains it"),
        ("[1]: 2", "3: expected a name as key, got a sequence"),
    ],
)
def test_a_mistake_in_a_config(tmp_path: Path, written: str, sentence: str) -> None:
    assert complaint(tmp_path, f"{CONFIG}{written}\n", WORKLOAD) == f"config.yaml:{sentence}"


def test_gogc_below_zero_is_not_off(tmp_path: Path) -> None:
    config = CONFIG.replace("100", "-1")
    assert complaint(tmp_path, config, WORKLOAD) == (
        "config.yaml:2: GOGC: expected at least 0, got '-1'"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "steps:\n      - wait",
            "stepps:\n      - wait",
            ("15: goroutines.shard: unknown key 'stepps' (did you mean 'steps'?)"),
        ),
        (
            "- wait",
            "- wayt",
            "16: goroutines.shard.steps.0: unknown step 'wayt' (did you mean 'wait'?)",
        ),
        (
            "1ms",
            "1msec",
            (
                "16: goroutines.shard.steps.0.wait: expected a duration such as 250us, 10ms"
                " or 2s, got '1msec'"
            ),
        ),
        (
            "1ms",
            "-1ms",
            (
                "16: goroutines.shard.steps.0.wait: expected a duration such as 250us, 10ms"
                " or 2s, got '-1ms'"
            ),
        ),
        (
            "1ms",
            "{normal: 1ms}",
            "16: goroutines.shard.steps.0.wait: unknown key 'normal' (valid names: time, via)",
        ),
        ("1ms", "{choice: []}", "16: goroutines.shard.steps.0.wait: expected at least one value"),
        (
            "1ms",
            "{lognormal: {median: 1ms}}",
            ("16: goroutines.shard.steps.0.wait.lognormal: expected the key 'p99', got 'median'"),
        ),
        (
            "1ms",
            "{uniform: [3ms, 1ms]}",
            ("16: goroutines.shard.steps.0.wait: expected low <= high, got 3000000 and 1000000"),
        ),
        (
            "2000/s",
            "-5/s",
            "20: load.api.arrivals.poisson: expected a rate such as 2000/s, got '-5/s'",
        ),
        ("2000/s", "2k", "20: load.api.arrivals.poisson: expected a rate such as 2000/s, got '2k'"),
        ("2000/s", "0/s", "20: load.api.arrivals.poisson: expected more than 0, got '0/s'"),
        (
            "{poisson: 2000/s}",
            "{bursts: {rate: 100/s, burst: 0/s, lasting: 1s, period: 2s}}",
            "20: load.api.arrivals.bursts.burst: expected more than 0, got '0/s'",
        ),
        (
            "{poisson: 2000/s}",
            "{bursts: [100/s, 500/s, 3ms, 2ms]}",
            "20: load.api.arrivals: expected lasting < period, got 3000000 and 2000000",
        ),
        (
            "poisson",
            "poison",
            "20: load.api.arrivals: unknown arrivals 'poison' (did you mean 'poisson'?)",
        ),
        (
            "goroutine: handler",
            "goroutine: handle",
            (
                "19: load.api.goroutine: expected the name of a goroutine,"
                " got 'handle' (did you mean 'handler'?)"
            ),
        ),
        (
            "borrow: buffers",
            "borrow: bufers",
            (
                "11: goroutines.handler.steps.0.borrow.pool: expected the name of"
                " a pool, got 'bufers' (did you mean 'buffers'?)"
            ),
        ),
        (
            "96KiB, of: json",
            "96KiB, of: jsn",
            (
                "12: goroutines.handler.steps.1.work.of: expected the name of a"
                " mix, got 'jsn' (did you mean 'json'?)"
            ),
        ),
        (
            "96KiB, of: json",
            "96KiB",
            (
                "12: goroutines.handler.steps.1.work: expected the key 'of', the mix of"
                " what it allocates, got only 'allocate'"
            ),
        ),
        (
            "96KiB, of: json",
            "96KiB, of: json, into: cache",
            (
                "12: goroutines.handler.steps.1.work.into: expected"
                " the name of a store, got 'cache' (valid names: sessions)"
            ),
        ),
        (
            "96KiB, of: json",
            "96KiB, of: json, lives: soon",
            (
                "12: goroutines.handler.steps.1.work.lives: expected"
                " step, goroutine, forever or a duration such as 250us, 10ms or 2s, got 'soon'"
            ),
        ),
        (
            "count: 8",
            "count: 0",
            "13: goroutines.handler.steps.2.spawn.count: expected at least 1, got '0'",
        ),
        (
            "wait: 1ms",
            "spawn: handler",
            (
                "16: goroutines.shard.steps.0.spawn.goroutine: expected spawning that"
                " ends, got handler -> shard -> handler"
            ),
        ),
        (
            "size: 1MiB",
            "size: 200TiB",
            ("5: stores.sessions.size: expected at most 128TiB, the address space, got '200TiB'"),
        ),
        (
            "size: 1MiB",
            "size: 1MB",
            f"5: stores.sessions.size: {SIZE}the unit 'MB' in '1MB' (did you mean 1MiB?)",
        ),
        (
            "size: 64B",
            "size: 64B, share: 0",
            "2: mixes.json: expected shares with a positive sum, got 0",
        ),
        (
            "size: 64B",
            "size: 64B, share: -1",
            "3: mixes.json.0.share: expected at least 0, got '-1'",
        ),
        (
            "size: 64B",
            "size: 64B, pointers: 9",
            ("3: mixes.json.0.pointers: expected at most the 8 words of the object, got 9"),
        ),
        ("size: 64B", "size: 0", "3: mixes.json.0.size: expected a size above 0, got 0"),
        (
            "json:\n    - {size: 64B}",
            "json: []",
            "2: mixes.json: expected at least one kind of object, got none",
        ),
    ],
)
def test_a_mistake_in_a_workload(tmp_path: Path, right: str, wrong: str, sentence: str) -> None:
    workload = WORKLOAD.replace(right, wrong, 1)
    assert workload != WORKLOAD
    assert complaint(tmp_path, CONFIG, workload) == f"tiny.yaml:{sentence}"


def test_two_stores_may_not_exceed_the_address_space_together(tmp_path: Path) -> None:
    two = "  one: {size: 100TiB, of: json}\n  two: {size: 100TiB, of: json}\npools:"
    assert complaint(tmp_path, CONFIG, WORKLOAD.replace("pools:", two)) == (
        "tiny.yaml:7: stores.two: expected a heap of at most 128TiB, the address space, got more"
    )


def test_a_workload_without_load_never_does_anything(tmp_path: Path) -> None:
    workload = WORKLOAD.partition("load:")[0]
    assert complaint(tmp_path, CONFIG, f"{workload}load: {{}}") == (
        "tiny.yaml:17: load: expected at least one load, got none"
    )


def test_a_load_is_of_one_kind(tmp_path: Path) -> None:
    assert complaint(tmp_path, CONFIG, f"{WORKLOAD}    workers: 8\n") == (
        "tiny.yaml:18: load.api: expected one of the keys arrivals, workers, count,"
        " got arrivals and workers"
    )


def test_a_missing_workload_gets_the_nearest_name(tmp_path: Path) -> None:
    assert complaint(tmp_path, "workload: tinny\n", WORKLOAD) == (
        "config.yaml:1: workload: there is no workload 'tinny' (did you mean 'tiny'?)"
    )


def test_a_missing_path_is_named_as_written(tmp_path: Path) -> None:
    assert complaint(tmp_path, "workload: a/b.yaml\n", WORKLOAD) == (
        "config.yaml:1: workload: expected a file, got 'a/b.yaml', which does not exist"
    )


def test_a_config_needs_a_workload(tmp_path: Path) -> None:
    assert complaint(tmp_path, "GOGC: 100\n", WORKLOAD) == (
        "config.yaml:1: expected the key 'workload', got 'GOGC'"
    )


def test_an_empty_config_needs_a_workload(tmp_path: Path) -> None:
    assert complaint(tmp_path, "", WORKLOAD) == (
        "config.yaml:1: expected the key 'workload', got nothing"
    )


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: the file does not exist"):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"binary\.yaml: expected UTF-8 text, got other bytes"):
        load(tmp_path / "binary.yaml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("GOGC", "--set GOGC: expected key.path=value, got 'GOGC'"),
        ("GOGC=fast", "--set GOGC=fast: GOGC: expected a whole number, got 'fast'"),
        (
            "workload.goroutines.shard.steps.7.wait=3ms",
            "--set workload.goroutines.shard.steps.7.wait=3ms: expected an index below 1, got '7'",
        ),
    ],
)
def test_a_mistake_in_an_assignment_is_named_as_typed(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "tiny.yaml").write_text(WORKLOAD, encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(tmp_path / "config.yaml", [text])
    assert str(error.value) == sentence
