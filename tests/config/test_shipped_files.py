"""The shipped files are the first a user runs: all must load, and editors must know them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sim.config import json_schema, load, load_program, resolved

ROOT = Path(__file__).parents[2]
WORKLOADS = sorted((ROOT / "workloads").glob("*.yaml"))
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
FILES = WORKLOADS + CONFIGS


class Yaml12(yaml.SafeLoader):
    """Truth values as in YAML 1.2, which editors use: `off` is a word."""


Yaml12.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def validator(kind: Any) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema(kind))


def kind_of(path: Path) -> Any:
    return path.parent.name.removesuffix("s")


@pytest.mark.parametrize("path", WORKLOADS, ids=named)
def test_a_shipped_workload_loads(path: Path) -> None:
    assert load_program(path).description


@pytest.mark.parametrize("path", CONFIGS, ids=named)
def test_a_shipped_config_loads(path: Path) -> None:
    assert load(path).program.load


@pytest.mark.parametrize("path", FILES, ids=named)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, Yaml12])
def test_an_editor_accepts_a_shipped_file(path: Path, loader: type[yaml.SafeLoader]) -> None:
    text = path.read_text(encoding="utf-8")
    validator(kind_of(path)).validate(yaml.load(text, loader))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_an_editor_finds_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema=./{kind_of(path)}.schema.json"


@pytest.mark.parametrize("kind", ["config", "workload"])
def test_the_committed_schema_is_current(kind: Any) -> None:
    """`make schemas` renews it."""
    committed = (ROOT / f"{kind}s" / f"{kind}.schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == json_schema(kind)


@pytest.mark.parametrize("path", CONFIGS, ids=named)
def test_a_stored_run_can_be_repeated(path: Path) -> None:
    """The run table stores what the run was; that alone must describe the same run."""
    config = load(path)
    stored = json.loads(json.dumps(resolved(config)))
    assert load(stored) == config
    validator("config").validate(stored)


@pytest.mark.parametrize("path", WORKLOADS, ids=named)
def test_a_stored_workload_is_a_valid_workload(path: Path) -> None:
    stored = resolved(load({"workload": str(path)}))["workload"]
    del stored["name"]
    validator("workload").validate(stored)
    assert load({"workload": {"name": "again", **stored}}).program == load_program(path)
