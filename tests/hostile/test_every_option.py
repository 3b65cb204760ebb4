"""Every option of every command, and every key of a config, has bounds, as soon as it exists."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.reliability.words import GROUP, VALID
from sim.cli import main
from sim.config import load
from sim.config.schema import json_schema
from sim.errors import UserError
from sim.examples import examples
from sim.text import brief
from tests.hostile.test_bounds import GC, TINY

NUMBERS: Final = frozenset(
    {"SIZE", "TIME", "SHARE", "N/s", "N|off", "N%", "N,N", "N,N,off", "SIZE,none", "SIZE,off"}
)
"""What is said to be typed for an option, of those that take numbers."""
OTHERS: Final = frozenset(
    {
        *(
            "FILE",
            "DIR",
            "DIR|URL",
            "LOG",
            "NAME",
            "NAME,NAME",
            "KIND",
            "NAME|FILE",
            "VERSION",
            "1.N",
        ),
        *("KEY=VALUE", "KEY=A,B", "KEY=V1,V2,...", "KEY=A,KEY=B", "busy|waiting"),
        *("tcp://HOST:PORT", "grid|oat|lhs:N|random:N"),
    }
)
NOBODY_MEANS: Final = (
    *("", " ", ",", "nan", "inf", "-inf", "-1", "-1B", "1e999", "1e999s", "1e999GiB", "1e999%"),
    *("nan%", "-5%", "9" * 400, "a" * 5000, "0x10", "\x1b[31m", "\u0663", "1e99%", "1e300/s"),
)
CPU_SECONDS: Final = 5


def options() -> Iterator[tuple[str, Any]]:
    for name, command in GROUP.commands.items():
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.is_flag:
                yield name, parameter


def files(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.chdir(folder)
    Path("tiny.yaml").write_text(TINY, encoding="utf-8")
    Path("log").write_text("".join(GC.format(n=n) + "\n" for n in range(1, 9)), encoding="utf-8")


def refusal(command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one short sentence with which a value is refused before work begins."""
    begin = time.process_time()
    with pytest.raises(SystemExit) as end:
        main([*VALID.get(command, command).split(), option, value])
    said = capsys.readouterr()
    assert end.value.code == 2, (value[:20], said.err)
    assert said.err.startswith("gomemsim: ")
    assert said.err.count("\n") == 1
    assert len(said.err) < 500
    assert not said.out
    assert time.process_time() - begin < CPU_SECONDS
    return said.err


def is_whole(parameter: Any) -> bool:
    return parameter.min is not None or parameter.type_descriptor.annotation in (int, float)


QUANTITIES: Final = [(name, one) for name, one in options() if one.metavar in NUMBERS]
FEW: Final = 6
"""One value in so many is tried of each option, until somebody asks for all."""


def named(one: Any) -> str:
    return one if isinstance(one, str) else str(getattr(one, "name", one))


@pytest.mark.parametrize(
    ("command", "parameter", "values"),
    [
        *((*one, NOBODY_MEANS[at % FEW :: FEW]) for at, one in enumerate(QUANTITIES)),
        *(pytest.param(*one, NOBODY_MEANS, marks=pytest.mark.slow) for one in QUANTITIES),
    ],
    ids=lambda one: "" if isinstance(one, tuple) else named(one),
)
def test_what_is_no_such_quantity_is_refused_before_work_begins(
    command: str,
    parameter: Any,
    values: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files(monkeypatch, tmp_path)
    for value in values:
        refusal(command, parameter.opts[0], value, capsys)


@pytest.mark.parametrize(
    ("command", "parameter"),
    [(name, one) for name, one in options() if is_whole(one)],
    ids=named,
)
def test_numbers_lie_between_two_bounds(
    command: str,
    parameter: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files(monkeypatch, tmp_path)
    for value in (parameter.min - 1, parameter.max + 1, "nan", "", "9" * 400, "1e999"):
        refusal(command, parameter.opts[0], str(value), capsys)


def test_every_option_says_what_is_typed_for_it() -> None:
    """Or it is a path, a number, or a word whose valid ones are few."""
    unknown = [
        (name, one.name)
        for name, one in options()
        if one.metavar and one.metavar not in NUMBERS | OTHERS
    ]
    assert not unknown


def leaves(schema: Any, definitions: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of a config that have no keys below them, and their schemas."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    below = schema.get("properties", {})
    if path and not below:
        yield path, schema
    for name in below.keys() - {"workload", "overrides", "plugins", "machine"}:
        yield from leaves(below[name], definitions, f"{path}.{name}" if path else name)


SCHEMA: Final = json_schema("config")
KEYS: Final = sorted(leaves(SCHEMA, SCHEMA["$defs"]), key=lambda leaf: leaf[0])


@pytest.mark.parametrize(("key", "schema"), KEYS, ids=lambda one: one if type(one) is str else "")
def test_what_no_key_means_is_refused(key: str, schema: Any, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    for value in (*NOBODY_MEANS, "9" * 25, "[1", "{}", "[]", "{a: 1}", "1e300"):
        with pytest.raises(UserError) as refused:
            load(tmp_path / "tiny.yaml", [f"{key}={value}"])
        assert len(brief(str(refused.value))) < 500 + len(str(tmp_path))


def scalars(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of everything in a workload that looks like a number."""
    match node:
        case dict():
            for name, below in node.items():
                yield from scalars(below, (*path, str(name)))
        case list():
            for index, below in enumerate(node):
                yield from scalars(below, (*path, str(index)))
        case int() | float() | str() if str(node)[:1].isdigit() and type(node) is not bool:
            yield path


SHIPPED: Final = [
    (file, path)
    for file in examples("workloads").values()
    for path in scalars(yaml.safe_load(file.read_text(encoding="utf-8")))
    if path[0] not in ("settings", "name", "description")
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SHIPPED), st.sampled_from([*NOBODY_MEANS, "9" * 25, "[1", "1e300"]))
def test_what_no_key_of_a_workload_means_is_refused(
    place: tuple[Path, tuple[str, ...]], value: str
) -> None:
    file, path = place
    assignment = f"workload.{'.'.join(path)}={value}"
    with pytest.raises(UserError) as refused:
        load(file, [assignment])
    assert len(brief(str(refused.value))) < 500
