"""The command line: the help of every command, as it prints it."""

from __future__ import annotations

import typer

from sim.cli.app import command_line

WIDTH = 96


def commands() -> str:
    """A section a command, in the order of `gomemsim --help`."""
    whole = command_line()
    parts = ["# Commands", _shown("gomemsim", whole)]
    for name, command in whole.commands.items():
        parts += [f"## {name}", _shown(f"gomemsim {name}", command)]
    return "\n\n".join(parts)


def _shown(name: str, command: typer.core.TyperCommand) -> str:
    context = command.context_class(command, info_name=name, terminal_width=WIDTH)
    return f"```text\n{command.get_help(context).rstrip()}\n```"
