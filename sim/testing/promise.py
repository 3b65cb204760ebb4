"""How a broken promise is told."""

from __future__ import annotations

from collections.abc import Callable


def checker(policy: object) -> Callable[[bool, str], None]:
    """A function that raises AssertionError with a sentence about the policy unless it holds."""

    def promise(holds: bool, sentence: str) -> None:
        if not holds:
            raise AssertionError(f"{type(policy).__name__}: {sentence}")

    return promise
