"""What a field of a fact says about itself: the unit, the meaning and the name of its column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """Metadata of a field, as `Annotated[int, Column("bytes", "largest heap so far")]`.

    `name` is the column's name where it cannot be the field's, such as `/gc/heap/goal:bytes`.
    """

    unit: str
    meaning: str
    name: str | None = None


def go_metric(name: str) -> Column:
    """A metric of Go's runtime/metrics; the unit is the part of its name behind the colon."""
    return Column(name.rpartition(":")[2], "as Go's runtime/metrics defines it", name)
