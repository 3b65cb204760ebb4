"""From a config file, with its workload and overrides, to the RunConfig of one run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.config.at import At
from sim.config.check import check_program
from sim.config.convert import convert, convert_mapping
from sim.config.detail import unsupported
from sim.config.limits import beyond
from sim.config.machine import shipped
from sim.config.run import RunConfig, default_marker
from sim.config.tree import Node, assignment, from_plain, locate, merge, read_yaml
from sim.errors import UserError, nearest
from sim.examples import examples, named
from sim.files import is_file
from sim.registry import find_file, load_file
from sim.workload.program import Program


def load(source: Path | str | Mapping[str, Any], sets: Sequence[str] = ()) -> RunConfig:
    """The run that a config describes: a file, the name of an example, or a mapping of its keys.

    A workload file is a run of its own, under its `settings`. `sets` are assignments such as
    `GOGC=50` or `workload.load.api.arrivals.poisson=3000/s`, applied in order. UserError names
    file, line and key of the first mistake.
    """
    root, folder = _read(source, sets)
    return _Loader(At(root), folder).run_config()


def check(source: Path | str, sets: Sequence[str] = ()) -> tuple[Path, ...]:
    """Check a config, as `load` does, without running its plug-ins; the files that would run.

    What only a plug-in knows, its names and their parameters, is taken as it is.
    """
    root, folder = _read(source, sets)
    return _Loader(At(root, unread=True), folder).run_config().plugins


def _read(source: Path | str | Mapping[str, Any], sets: Sequence[str]) -> tuple[Node, Path]:
    """The tree of a config with its overrides, and the folder from which its paths are seen."""
    if isinstance(source, Mapping):
        root, folder = from_plain(source, "config"), Path()
    else:
        path = _config_file(source)
        root, folder = _as_config(read_yaml(path), path), path.parent
    for text in sets:
        root = merge(root, _into_overrides(assignment(text)))
    return root, folder


def load_program(path: Path | str) -> Program:
    """The program of a workload file."""
    return _program(read_yaml(Path(path)))


def _config_file(source: Path | str) -> Path:
    """A path as it is; a bare word that is no file names an example."""
    path = Path(source)
    bare = path.name == str(source) and not path.suffix
    return named(path.name) if bare and not is_file(path) else path


def _as_config(root: Node, path: Path) -> Node:
    """A workload file by itself is a config of its `settings` that names it."""
    children = root.value
    if not isinstance(children, dict) or "workload" in children or "goroutines" not in children:
        return root
    settings = At(children["settings"], ("settings",)).children() if "settings" in children else {}
    keys = {key: child.node for key, child in settings.items()}
    return replace(root, value={**keys, "workload": Node(path.name, root.where)})


def _program(root: Node, *, unread: bool = False) -> Program:
    """The program of a workload; its `settings` are for whoever runs the file by itself."""
    if isinstance(root.value, dict):
        keys = {key: node for key, node in root.value.items() if key != "settings"}
        root = replace(root, value=keys)
    program = convert_mapping(At(root, unread=unread), Program)
    check_program(root, program)
    return program


def _into_overrides(node: Node) -> Node:
    """`workload.key=value` changes the workload; `workload=name` chooses it."""
    match node.value:
        case {"workload": Node(value=dict()) as change}:
            return replace(node, value={"overrides": change})
    return node


def _named(at: At) -> tuple[str, Node]:
    children = at.children()
    at.require("name", children)
    name = convert(children.pop("name"), str)
    return name, replace(at.node, value={key: child.node for key, child in children.items()})


@dataclass(frozen=True)
class _Loader:
    at: At
    folder: Path

    def run_config(self) -> RunConfig:
        children = self.at.children()
        self.at.require("workload", children)
        self._load_plugins(children)
        name, tree = self._workload(children.pop("workload"))
        if "overrides" in children:
            tree = merge(tree, children.pop("overrides").node)
        settings = replace(self.at.node, value={key: child.node for key, child in children.items()})
        given = {"workload": name, "program": _program(tree, unread=self.at.unread)}
        config = convert_mapping(replace(self.at, node=settings), RunConfig, given)
        if "gc" not in children or "marker" not in children["gc"].children():
            config = replace(config, gc=replace(config.gc, marker=default_marker(config.go)))
        for path, why in (*unsupported(config), *beyond(config)):
            root, inside = (tree, path[1:]) if path[0] == "workload" else (settings, path)
            raise At(locate(root, inside), inside).error(why)
        plugins = tuple(self.folder / path for path in config.plugins)
        machine = self._machine(children["machine"]) if "machine" in children else config.machine
        return replace(config, machine=machine, plugins=plugins)

    def _load_plugins(self, children: Mapping[str, At]) -> None:
        for item in children["plugins"].items() if "plugins" in children else []:
            path = self.folder / convert(item, Path)
            try:
                if self.at.unread:
                    find_file(path)
                else:
                    load_file(path)
            except UserError as error:
                raise item.error(str(error)) from None

    def _workload(self, at: At) -> tuple[str, Node]:
        """A workload given by name, by path or as a mapping with a name."""
        if isinstance(at.node.value, dict):
            return _named(at)
        name, shipped = convert(at, str), examples("workloads")
        for path in self._candidates(name):
            if is_file(path):
                return name, read_yaml(Path(os.path.normpath(path)))
        if name in shipped:
            return name, read_yaml(shipped[name])
        if "/" in name or name.endswith(".yaml"):
            raise at.error(f"expected a file, got {name!r}, which does not exist")
        known = {path.stem for folder in self._folders() for path in folder.glob("*.yaml")}
        known |= {*shipped}
        raise at.error(f"there is no workload {name!r}{nearest(name, known)}")

    def _folders(self) -> list[Path]:
        return [self.folder / "../workloads", self.folder, Path("workloads")]

    def _candidates(self, name: str) -> list[Path]:
        if name.endswith(".yaml"):
            return [self.folder / name, Path(name)]
        return [folder / f"{name}.yaml" for folder in self._folders()]

    def _machine(self, at: At) -> str:
        """A shipped profile stays a name; a path is seen from the config."""
        name: str = convert(at, str)
        if not name.endswith(".yaml"):
            if name not in shipped():
                raise at.error(f"there is no machine profile {name!r}{nearest(name, shipped())}")
            return name
        path = os.path.normpath(self.folder / name)
        if not Path(path).is_file():
            raise at.error(f"expected a file, got {name!r}, which does not exist")
        return path
