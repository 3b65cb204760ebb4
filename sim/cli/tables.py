"""Tables for people: as Markdown, or where that is too wide for the terminal, figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

DIFFERENCE: Final = " +-"
"""Ends the head of a column that belongs to the one before."""


def table(rows: Sequence[Mapping[str, str]], keys: Sequence[str], room: int | None) -> str:
    """Rows with the same heads, of which `keys` say what a row is about.

    What does not fit into `room` becomes a block for each other head, as benchstat has it, without
    the keys that are the same in all rows.
    """
    from tabulate import tabulate

    text = tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True)
    if room is None or max(map(len, text.splitlines())) <= room:
        return text
    varied = [key for key in keys if len({row[key] for row in rows}) > 1] or keys
    labels = ["  ".join(_assigned(key, row[key]) for key in varied) for row in rows]
    heads = [head for head in rows[0] if head not in keys and not head.endswith(DIFFERENCE)]
    return "\n\n".join(_block(head, labels, rows) for head in heads)


def _assigned(key: str, value: str) -> str:
    """A key of the environment or a config with its value; other values tell themselves."""
    return f"{key}={value}" if key.isupper() or "." in key else value


def _block(head: str, labels: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """A figure of all rows, with the difference if there is one; rows without it are left out."""
    values = [row[head] for row in rows]
    wide, widest = max(map(len, labels)), max(map(len, values))
    lines = [
        f"  {label:<{wide}}  {value:<{widest}}  {row.get(head + DIFFERENCE, '')}".rstrip()
        for label, value, row in zip(labels, values, rows, strict=True)
        if value
    ]
    return "\n".join([head, *(lines or ["  none"])])
