"""A stored run counts only if it would come out again: every file that decides is in the hash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import sim
from sim.config import load
from sim.config.provenance import provenance, simulator

ROOT = Path(__file__).parents[2]
CONFIG = {"workload": str(ROOT / "workloads" / "hbsteady.yaml")}


def hash_of(folder: Path) -> str:
    """What a copy of the package in this folder says of itself."""
    code = "from sim.config.provenance import simulator; print(simulator())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        text=True,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
    ).stdout.strip()


def test_a_changed_module_and_a_changed_profile_are_another_simulator(tmp_path: Path) -> None:
    package, ignored = Path(sim.__file__).parent, shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(package, tmp_path / "sim", ignore=ignored)
    assert hash_of(tmp_path) == simulator()
    hashes = {simulator()}
    for name in ("go/pacer/go127.py", "machine/profiles/default-x86-64.yaml"):
        with (tmp_path / "sim" / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        hashes.add(hash_of(tmp_path))
    assert len(hashes) == 3


def test_other_libraries_are_another_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    simulator.cache_clear()
    before = simulator()
    simulator.cache_clear()
    monkeypatch.setattr("sim.config.provenance.version", lambda name: f"another {name}")
    assert simulator() != before
    simulator.cache_clear()


def test_own_files_and_installed_plug_ins_are_named_with_their_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.py"
    own.write_text("", encoding="utf-8")
    machine = tmp_path / "mine.yaml"
    shutil.copy(ROOT / "sim/machine/profiles/default-x86-64.yaml", machine)
    config = load({**CONFIG, "plugins": [str(own)], "machine": str(machine)})
    names = [line.rsplit(" ", 1)[0] for line in provenance(config).splitlines()]
    assert names == ["gomemsim", str(own), str(machine)]
    assert provenance(load(CONFIG)) == f"gomemsim {simulator()}"
    before = provenance(config)
    own.write_text("X = 1", encoding="utf-8")
    assert provenance(config) != before

    package = tmp_path / "theirs"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "pacer.py").write_text(
        "from dataclasses import dataclass\n"
        "from sim.go.pacer.go127 import Go127Pacer\n"
        "@dataclass\nclass Theirs(Go127Pacer):\n    pass\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from theirs.pacer import Theirs  # type: ignore[import-not-found]

    from sim.config.policy import Policy
    from sim.go.pacer import pacers

    monkeypatch.setitem(pacers._classes, "theirs", Theirs)
    config = load(CONFIG)
    used = replace(config, gc=replace(config.gc, pacer=Policy("pacer", "theirs")))
    assert [line.split()[0] for line in provenance(used).splitlines()] == ["gomemsim", "theirs"]
