"""Help that is read from the top: commands in groups, and examples under each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

EXAMPLES: Final[Mapping[str, Sequence[str]]] = {
    "run": ("run quickstart", "run quickstart --set GOGC=50 --gctrace"),
    "compare": (
        "compare quickstart --gogc 50,100,200",
        "compare quickstart --vary gc.pacer=go1.27,go1.18 --seeds 6",
    ),
    "effects": (
        "effects results/sweep-quickstart",
        "effects results/sweep-quickstart --figure peak_rss -o effects.svg",
    ),
    "sensitivity": (
        "sensitivity json-api",
        "sensitivity json-api cache --seeds 3 --table sensitivity.csv",
    ),
    "contention": (
        "contention json-api --gomaxprocs 2,8,32",
        "contention json-api --gomaxprocs 64 --set duration=100ms --exact",
    ),
    "scorecard": (
        "scorecard go1.18 idle-aware",
        "scorecard early --plugin mine.py --seeds 5 --table early.csv",
    ),
    "plot": ("plot results/quickstart", "plot 'results/sweep-quickstart/*' -o sweep.svg"),
    "report": ("report results/quickstart", "report results/sweep-quickstart --baseline GOGC=100"),
    "export": (
        "export results/quickstart perfetto --rerun -o trace.json",
        "export results/sweep-quickstart benchfmt -o after.txt",
    ),
    "whatif": (
        "whatif service.gctrace --gogc 50,100,200",
        "whatif service.gctrace --gogc 100,off --gomemlimit 512MiB --json predictions.json",
    ),
    "tune": (
        "tune service.gctrace --memory 512MiB",
        "tune service.gctrace --memory 2GiB --growth 50% --max-gc-cpu 10%",
    ),
    "explore": (
        "explore service.gctrace --memory 512MiB",
        "explore quickstart --port 8080",
    ),
    "profile": (
        "profile heap.pb.gz service.gctrace -o service.yaml",
        "profile heap.pb.gz service.gctrace trace.txt -o service.yaml",
    ),
    "fit": (
        "fit service.gctrace -o service.yaml",
        "fit service.gctrace -o service.yaml --rss 190MiB",
    ),
    "examples": ("examples", "examples --json -"),
    "init": ("init my-service", "init my-api --from json-api"),
    "watch": ("watch tricolour", "watch lost-object --variant none --html lost-object.html"),
    "where": ("where 1000B", "where 1000B --pointers"),
    "check": ("check quickstart.yaml", "check json-api.yaml --set gc.pacer=go1.18"),
    "policies": ("policies", "policies my_pacer.py"),
    "sizeclasses": ("sizeclasses", "sizeclasses --json classes.json"),
    "evaluate": ("evaluate", "evaluate --write"),
    "accuracy": (
        "accuracy hbsteady garbage64",
        "accuracy hbsteady --ladder",
    ),
    "calibrate": ("calibrate", "calibrate --out machine.yaml --repetitions 9"),
    "validate": (
        "validate json-api",
        "validate cache --vary GOGC=50,100 --repetitions 2",
    ),
    "validate-memory": (
        "validate-memory shrink",
        "validate-memory shrink --recorded results/memory",
    ),
    "schema": ("schema config", "schema workload -o workload.schema.json"),
}
"""By command: lines to type after `gomemsim`, the plainest first."""
OF_INIT: Final = ("service.gctrace", "quickstart.yaml", "json-api.yaml")
"""Files that `init` brings."""


def epilog(command: str) -> str:
    """The examples of a command as the end of its help; lines stay as they are."""
    lines = "\n".join(f"  gomemsim {line}" for line in EXAMPLES[command])
    where = ", in a folder that `gomemsim init` made" if _needs_init(lines) else ""
    return f"\b\nExamples{where}:\n{lines}"


def _needs_init(lines: str) -> bool:
    return any(file in lines for file in OF_INIT)


class Flags:
    """Flags that nobody sets are False, not None: to read None, typer loads pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters of the command, with those that all commands have."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if param.default is None and param.type_descriptor.annotation is bool:
                param.default = False
        return params


class Command(Flags, TyperCommand):
    """A command as all are."""


class Grouped(Flags, TyperGroup):
    """Lists the commands under the names of their groups, with the whole first sentence of each."""

    def main(self, *_: Any, **given: Any) -> Any:
        """Understand what was typed (`args`) and do it; errors leave as they are.

        Typer's own turns every signal into exit code 130, without a word.
        """
        name, typed = given["prog_name"], given["args"]
        self._main_shell_completion({}, name)
        typed = sys.argv[1:] if typed is None else list(typed)
        with self.make_context(name, typed) as context:
            return self.invoke(context)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section a group, in the order in which the commands were added."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            group = str(getattr(command, "rich_help_panel", None) or "Commands")
            groups.setdefault(group, []).append((name, command.get_short_help_str(limit=200)))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows, col_max=20)


class WithSwitches(Command):
    """A command whose help names the switches of the model."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The switches, read from the schema of configs, before the examples."""
        from sim.config import json_schema

        schema = json_schema("config")
        model = schema["properties"]["model"]["$ref"].rpartition("/")[2]
        switches = schema["$defs"][model]["properties"]
        rows = [
            (_switch(name, about), str(about.get("description", "")))
            for name, about in switches.items()
        ]
        with formatter.section("Mechanisms, as in --set model.assists=false"):
            formatter.write_dl(rows)
        super().format_epilog(ctx, formatter)


def _switch(name: str, about: Mapping[str, Any]) -> str:
    """The key, and what it may be unless that is true or false."""
    values = about.get("enum", ())
    return f"model.{name}" + (f"={'|'.join(values)}" if values else "")
