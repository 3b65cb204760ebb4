"""The fluid mode beside the detailed one: who tunes with it must know how far it may be off."""

from __future__ import annotations

from typing import Final

import pytest
from agreement import NAMES, PS, agreement

EXCEPTIONS: Final[dict[tuple[str, int], str]] = {}
"""Where a bound is missed, and why (docs/fluid.md)."""
QUICK: Final = (("deep-stacks", 1), ("every-second", 2), ("shrink", 4), ("json-api", 6))
"""Pairs that take a second."""


def cases(pairs: list[tuple[str, int]]) -> list[object]:
    """Pairs of a workload and Ps; those that miss a bound are expected to."""
    return [
        pytest.param(
            *pair, id=f"{pair[0]}-{pair[1]}",
            marks=[pytest.mark.xfail(reason=EXCEPTIONS[pair], strict=True)]
            if pair in EXCEPTIONS else [],
        )
        for pair in pairs
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "ps"), cases([(name, ps) for name in NAMES for ps in PS]))
def test_both_modes_agree(name: str, ps: int) -> None:
    """One bound a figure for all workloads: `agreement.BOUNDS`."""
    found = agreement(name, ps)
    errors = {figure: found.error(figure) for figure in found.missed()}
    assert not errors


@pytest.mark.parametrize(("name", "ps"), cases(list(QUICK)))
def test_some_agree_at_once(name: str, ps: int) -> None:
    found = agreement(name, ps, seeds=(1,))
    assert not found.missed()
