"""Policies by name: one dataclass, one file, one line of registration.

A policy is a registered dataclass whose fields are its YAML keys. It may come from this package,
from an installed package (entry points of the registry's group) or from a file beside the config.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sim.errors import ModelError, UserError, nearest
from sim.files import is_file

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T", bound=type[Any])

REGISTRIES: Final[dict[str, Registry]] = {}
PLUGIN_FILE: Final = "gomemsim_plugin_"
"""Modules made of files beside a config are named so, and after their file."""


class Registry:
    """The policies of one kind, such as pacers; `group` is the entry point group of plug-ins."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.group = f"gomemsim.{kind}"
        self._classes: dict[str, type[Any]] = {}
        self._plugins: dict[str, EntryPoint] | None = None
        REGISTRIES[kind] = self

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: make a dataclass available under the name people write."""

        def add(cls: T) -> T:
            if not is_dataclass(cls):
                raise ModelError(f"{self.kind} {name!r}: {cls.__name__} is not a dataclass")
            taken = self._classes.get(name)
            if taken is not None and taken.__qualname__ != cls.__qualname__:
                raise UserError(
                    f"the {self.kind} name {name!r} is registered twice:"
                    f" by {taken.__module__} and by {cls.__module__}"
                )
            self._classes[name] = cls
            return cls

        return add

    def names(self) -> list[str]:
        """All names, plug-ins included, in alphabetical order."""
        return sorted({*self._classes, *self._entry_points()})

    def get(self, name: str) -> type[Any]:
        """The class behind a name; UserError with the nearest name if there is none."""
        if name not in self._classes and name in self._entry_points():
            self.register(name)(self._load(name))
        if name not in self._classes:
            raise UserError(f"there is no {self.kind} {name!r}{nearest(name, self.names())}")
        return self._classes[name]

    def outside(self) -> list[tuple[str, type[Any]]]:
        """Policies that do not come with this package."""
        own = __name__.split(".", maxsplit=1)[0]
        return [
            (name, cls)
            for name, cls in self._classes.items()
            if cls.__module__.split(".", maxsplit=1)[0] != own
        ]

    def broken(self) -> dict[str, str]:
        """Plug-ins that cannot be loaded, each with the reason."""
        reasons = {}
        for name in self._entry_points():
            try:
                self.get(name)
            except UserError as error:
                reasons[name] = str(error)
        return reasons

    def _entry_points(self) -> dict[str, EntryPoint]:
        if self._plugins is None:
            from importlib.metadata import entry_points

            self._plugins = {point.name: point for point in entry_points(group=self.group)}
        return self._plugins

    def _load(self, name: str) -> type[Any]:
        try:
            cls: type[Any] = self._entry_points()[name].load()
        except (Exception, SystemExit) as error:
            raise UserError(
                f"the {self.kind} plug-in {name!r} cannot be loaded: {_last_line(error)}"
            ) from error
        return cls


def load_file(path: Path) -> None:
    """Run a Python file beside the config, whose decorators register its policies.

    It can do whatever its user can. Raises UserError, also where it ends the process.
    """
    find_file(path)
    name = f"{PLUGIN_FILE}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"the plug-in file {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except UserError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        if _asked_to_end(error):
            raise
        raise UserError(f"the plug-in file {path} cannot be loaded: {_last_line(error)}") from error


def find_file(path: Path) -> None:
    """UserError unless there is such a plug-in file."""
    if not is_file(path):
        raise UserError(f"the plug-in file {path} does not exist")


def fault(error: BaseException) -> str | None:
    """What a plug-in did wrong, with its name, file and line; None where it was not a plug-in.

    Processes of a run hand errors on as the causes of others.
    """
    if _asked_to_end(error):
        return None
    cause: BaseException | None = error
    found = None
    while cause is not None:
        for frame, line in traceback.walk_tb(cause.__traceback__):
            name = _plugin(frame)
            if name is not None:
                where = f"{frame.f_code.co_filename}:{line}"
                found = f"{name} failed in {where}: {_last_line(cause)}"
        cause = cause.__cause__
    return found


def _asked_to_end(error: BaseException) -> bool:
    """Whether somebody pressed Ctrl-C or sent a signal, and not a plug-in that raises the same."""
    if not isinstance(error, KeyboardInterrupt):
        return False
    subclass = type(error) is not KeyboardInterrupt  # as our own handler of signals raises
    return subclass or signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _plugin(frame: FrameType) -> str | None:
    """The policy of somebody else to whose file a frame belongs, by its object or its file."""
    own = type(frame.f_locals.get("self"))
    name = None
    for kind, registry in REGISTRIES.items():
        for policy, cls in registry.outside():
            if issubclass(own, cls):
                return f"the {kind} {policy!r}"
            if cls.__module__ == frame.f_globals.get("__name__"):
                name = f"the plug-in of the {kind} {policy!r}"
    return name


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()
