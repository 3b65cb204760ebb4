"""The simulator with what happens event by event compiled to C, in a folder of its own.

    python benchmarks/compiled.py build/compiled
    PYTHONPATH=build/compiled gomemsim run configs/quickstart.yaml

mypyc makes native classes and functions of the very modules that run without it, and the tables of
a run are the same byte for byte. It comes with mypy, and needs a C compiler and the headers of
Python. Policies, which plug-ins inherit from, and all that is done once a run stay Python's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COMPILED: Final = (
    "sim/actors/*.py",
    "sim/engine/lock.py",
    "sim/go/*.py",
    "sim/streams.py",
    "sim/workload/finalizers.py",
    "sim/workload/retention.py",
    "sim/workload/layout.py",
    "sim/workload/ledger.py",
    "sim/workload/population.py",
    "sim/runtime/*.py",
)


def build(folder: Path) -> None:
    """Copy the package and its examples into the folder, made anew, and compile it there."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("sim", "configs", "workloads", "data/logs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    modules = list(compiled_modules(folder))
    for module in modules:  # native classes have slots anyway, and crash where they are asked for
        module.write_text(module.read_text().replace("slots=True", "slots=False"))
    names = [str(module.relative_to(folder)) for module in modules]
    subprocess.run(
        [sys.executable, "-m", "mypyc", "--config-file", str(ROOT / "pyproject.toml"), *names],
        cwd=folder,
        check=True,
        env=os.environ | {"MYPYC_OPT_LEVEL": "2"},
    )
    shutil.rmtree(folder / "build")


def compiled_modules(folder: Path) -> Iterator[Path]:
    """The modules that are compiled: all of whose objects are many, or used at every event."""
    for pattern in COMPILED:
        yield from sorted(path for path in folder.glob(pattern) if path.name != "__init__.py")


def main() -> None:
    """Build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    build(parser.parse_args().folder.resolve())


if __name__ == "__main__":
    main()
