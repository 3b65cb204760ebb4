"""Profiles: the shipped one is measured, and mistakes in one's own are one sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.config.machine import load_profile, save_profile, shipped
from sim.errors import UserError
from sim.machine.profile import SECTIONS
from sim.truth.costs import SOURCES

DEFAULT = "default-x86-64"


@pytest.fixture
def default() -> dict[str, Any]:
    text: dict[str, Any] = yaml.safe_load(shipped()[DEFAULT].read_text())
    return text


def refused(tmp_path: Path, text: object) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(text))
    with pytest.raises(UserError) as found:
        load_profile(str(path))
    return str(found.value).removeprefix(f"{path}:")


def test_every_shipped_cost_says_where_it_comes_from(default: dict[str, Any]) -> None:
    """Otherwise nobody could tell a measurement from a guess."""
    assert {"cpu", "go", "kernel", "date", "command"} <= default["provenance"].keys()
    known = {(s.section, " + ".join(s.benchmarks)) for s in SOURCES}
    known.add(("mark", "mark + mark_classic"))  # of profiles that are older
    for section in SECTIONS:
        for name, cost in default["costs"][section].items():
            assert cost.keys() == {"value", "spread", "unit", "benchmark"}, name
            assert (section, cost["benchmark"]) in known


def test_the_shipped_profile_is_loaded_by_name() -> None:
    profile = load_profile(DEFAULT)
    assert profile.name == DEFAULT
    assert 1 < profile.alloc.noscan_ns < 1000


def test_a_number_alone_is_a_cost(tmp_path: Path, default: dict[str, Any]) -> None:
    default["costs"]["page"]["fault_ns"] = 250
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(default))
    assert load_profile(str(tmp_path / "mine.yaml")).page.fault_ns == 250.0


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no machine profile 'default-x86'.*default-x86-64"):
        load_profile("default-x86")


def test_mistakes_are_told_with_their_place(tmp_path: Path, default: dict[str, Any]) -> None:
    alloc = default["costs"]["alloc"]
    value = alloc.pop("tiny_ns")
    assert "costs.alloc: expected the key 'tiny_ns', got" in refused(tmp_path, default)
    alloc["tiny_n"] = value
    assert refused(tmp_path, default).endswith(
        ": costs.alloc: unknown key 'tiny_n' (did you mean 'tiny_ns'?)"
    )
    alloc["tiny_ns"] = {"value": -1}
    del alloc["tiny_n"]
    assert re.fullmatch(
        r"\d+: costs\.alloc\.tiny_ns: expected at least 0, got '-1'", refused(tmp_path, default)
    )
    assert refused(tmp_path, {"costs": 3}) == "1: costs: expected a mapping, got '3'"
    expected = "1: expected a mapping with the keys provenance and costs, got '3'"
    assert refused(tmp_path, 3) == expected


def test_a_profile_that_was_saved_is_the_same_machine(tmp_path: Path) -> None:
    """Otherwise a program would be simulated on another machine than the one that was measured."""
    machine = load_profile(DEFAULT)
    slower = replace(machine, mark=machine.mark.times(1.25))
    save_profile(slower, tmp_path / "mine.yaml")
    again = load_profile(str(tmp_path / "mine.yaml"))
    assert again == replace(slower, name="mine")
    assert again.mark.pointer_ns == 1.25 * machine.mark.pointer_ns
    assert again.mark.vector_kernel == machine.mark.vector_kernel
