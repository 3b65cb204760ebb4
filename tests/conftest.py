"""What tests of all rooms use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim.record.facts import Fact
from sim.record.schema import schema


def _blank(fact: type[Fact], **values: Any) -> Any:
    empty = {"int64": 0, "double": 0.0, "string": "", "bool": False}
    row = fact(*(empty[str(field.type)] for field in schema(fact)))
    return row._replace(**values)  # type: ignore[attr-defined]


@pytest.fixture
def blank() -> Callable[..., Any]:
    """`blank(Cycle, number=3)`: a fact with nothing in it but what is given."""
    return _blank
