"""The wheel's compiled core: mypyc makes C of the very modules that run without it.

Beside them Cython makes C of `sim/kernels/native.pyx`, passes over spans that stand beside numpy's;
`python hatch_build.py` puts these alone into the checkout, within ten seconds.

Where there is no C compiler, or one that fails, the wheel holds the same package as Python alone,
with the same figures to the last digit (tests/simulation/test_compiled.py). `GOMEMSIM_PURE=1` asks
for that. Policies, which plug-ins inherit from, and all that is done once a run stay Python's. An
editable install is not compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED: Final = (
    "sim/actors/*.py",
    "sim/engine/lock.py",
    "sim/engine/queueing.py",
    "sim/fluid/*.py",
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
"""What runs event by event, step by step, or has many objects. A class that inherits from one of
these must be among them; an attribute of theirs takes only what its annotation says."""

KERNELS: Final = "sim/kernels/native.pyx"
FLAGS: Final = "-O2 -g0 -ffp-contract=off"
"""Of the C of the kernels, whose figures are to be those of numpy."""

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
        modules = to_compile(Path(self.root))
        self._folder = Path(tempfile.mkdtemp())
        try:
            libraries = compiled(Path(self.root), modules, self._folder)
        except subprocess.CalledProcessError as failed:
            self.app.display_warning(f"gomemsim is built as Python alone: {failed.stdout[-2000:]}")
            return
        except BaseException:
            self.finalize(version, build_data, "")
            raise
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


def to_compile(root: Path) -> list[str]:
    """The modules that become C, under the root; FileNotFoundError where a pattern has none."""
    found = {pattern: sorted(root.glob(pattern)) for pattern in COMPILED}
    if missing := [pattern for pattern, paths in found.items() if not paths]:
        raise FileNotFoundError(f"nothing to compile at {', '.join(missing)}")
    paths = [path for paths in found.values() for path in paths if path.name != "__init__.py"]
    return [str(path.relative_to(root)) for path in paths]


def compiled(root: Path, modules: list[str], folder: Path) -> list[Path]:
    """Compile a copy of the package in a folder; the libraries there.

    Native classes have slots anyway, and mypyc stumbles over being asked for them. They are
    unpickled by assignment, which frozen ones would refuse; that nobody else assigns mypy checks.
    CalledProcessError says what the compiler said.
    """
    ignored = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(root / "sim", folder / "sim", ignore=ignored)
    for module in modules:
        text = (folder / module).read_text(encoding="utf-8")
        text = text.replace("slots=True", "slots=False").replace("frozen=True", "unsafe_hash=True")
        (folder / module).write_text(text, encoding="utf-8")
    (folder / CONFIG).write_text("[mypy]\nignore_missing_imports = True\n", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "mypyc", "--config-file", CONFIG, *modules],
        cwd=folder,
        check=True,
        env=os.environ | {"MYPYC_OPT_LEVEL": "1", "MYPYC_DEBUG_LEVEL": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    shutil.rmtree(folder / "build")
    compile_kernels(folder)
    return sorted([*folder.rglob("*.so"), *folder.rglob("*.pyd")])


def compile_kernels(folder: Path) -> None:
    """Compile the kernels of a copy of the package where they are; see `compiled`.

    Not in a checkout, whose pyproject.toml setuptools would read.
    """
    subprocess.run(
        [sys.executable, "-m", "Cython.Build.Cythonize", "-i", "-3", "-q", KERNELS],
        cwd=folder,
        check=True,
        env=os.environ | {"CFLAGS": FLAGS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    shutil.rmtree(folder / "build")
    (folder / KERNELS).with_suffix(".c").unlink()


def main() -> None:
    """The kernels into this checkout."""
    kernels = Path(__file__).parent / Path(KERNELS).parent
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made, KERNELS).parent
        shutil.copytree(kernels, copy, ignore=shutil.ignore_patterns("*.so"))
        (copy.parent / "__init__.py").touch()
        try:
            compile_kernels(Path(made))
        except subprocess.CalledProcessError as failed:
            sys.exit(f"the kernels cannot be compiled: {failed.stdout[-2000:]}")
        for library in copy.glob("*.so"):
            shutil.copy(library, kernels)


if __name__ == "__main__":
    main()
