"""The hot passes over spans, pages and rows as C (`native.pyx`), where they have been compiled.

`native` is None where they have not, or where GOMEMSIM_PURE is set: then the numpy passes beside
which they are called do the same, to the last bit (tests/go/test_kernels.py).
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import Final


def _compiled() -> ModuleType | None:
    if os.environ.get("GOMEMSIM_PURE"):
        return None
    try:
        return import_module("sim.kernels.native")
    except ImportError:
        return None


native: Final = _compiled()
