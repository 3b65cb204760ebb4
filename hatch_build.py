"""The wheel's compiled core: mypyc makes C of the very modules that run without it.

Where there is no C compiler, or one that fails, the wheel holds the same package as Python alone,
with the same tables byte for byte (tests/simulation/test_compiled.py). `GOMEMSIM_PURE=1` asks for
that. Policies, which plug-ins inherit from, and all that is done once a run stay Python's. An
editable install is not compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED: Final = (
    "sim/actors/*.py",
    "sim/engine/lock.py",
    "sim/go/*.py",
    "sim/replay/*.py",
    "sim/runtime/*.py",
    "sim/streams.py",
    "sim/workload/finalizers.py",
    "sim/workload/layout.py",
    "sim/workload/ledger.py",
    "sim/workload/population.py",
    "sim/workload/retention.py",
)
"""What runs event by event, step by step, or has many objects."""

CONFIG: Final = "mypy.ini"
"""What is not installed where packages are built, mypy takes for objects of any type."""


class CompiledCore(BuildHookInterface[Any]):
    """Adds the libraries to a wheel, and the platform to its name."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless that is not asked for or not possible."""
        if version == "editable" or os.environ.get("GOMEMSIM_PURE"):
            return
        if not can_compile():
            self.app.display_warning("no C compiler: gomemsim is built as Python alone")
            return
        self._folder = Path(tempfile.mkdtemp())
        try:
            libraries = list(compiled(Path(self.root), self._folder))
        except subprocess.CalledProcessError as failed:
            self.app.display_warning(f"gomemsim is built as Python alone: {failed.stdout[-2000:]}")
            return
        build_data["pure_python"], build_data["infer_tag"] = False, True
        for library in libraries:
            build_data["force_include"][str(library)] = str(library.relative_to(self._folder))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder of the compilation."""
        del version, build_data, artifact_path
        shutil.rmtree(getattr(self, "_folder", ""), ignore_errors=True)


def can_compile() -> bool:
    """Whether there are a C compiler and the headers of Python."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return os.name == "posix" and bool(shutil.which(compiler)) and headers.is_file()


def compiled(root: Path, folder: Path) -> Iterator[Path]:
    """Compile a copy of the package in a folder; the libraries there.

    Native classes have slots anyway, and mypyc stumbles over being asked for them.
    CalledProcessError says what the compiler said.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(root / "sim", folder / "sim", ignore=ignored)
    found = {pattern: sorted(folder.glob(pattern)) for pattern in COMPILED}
    if missing := [pattern for pattern, paths in found.items() if not paths]:
        raise FileNotFoundError(f"nothing to compile at {', '.join(missing)}")
    modules = [path for paths in found.values() for path in paths if path.name != "__init__.py"]
    for module in modules:
        text = module.read_text(encoding="utf-8")
        module.write_text(text.replace("slots=True", "slots=False"), encoding="utf-8")
    (folder / CONFIG).write_text("[mypy]\nignore_missing_imports = True\n", encoding="utf-8")
    names = [str(module.relative_to(folder)) for module in modules]
    subprocess.run(
        [sys.executable, "-m", "mypyc", "--config-file", CONFIG, *names],
        cwd=folder,
        check=True,
        env=os.environ | {"MYPYC_OPT_LEVEL": "2", "MYPYC_DEBUG_LEVEL": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    shutil.rmtree(folder / "build")
    yield from sorted([*folder.rglob("*.so"), *folder.rglob("*.pyd")])
