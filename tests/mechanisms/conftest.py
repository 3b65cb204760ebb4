"""A browser that looks at pages of scenarios."""

from __future__ import annotations

from tests.chromium import browser

__all__ = ["browser"]
