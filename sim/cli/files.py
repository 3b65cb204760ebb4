"""Files that commands write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sim.files import write

STANDARD_OUTPUT: Final = Path("-")


def write_json(path: Path | None, document: Callable[[], object]) -> bool:
    """Write what `document` gives to a file, or to standard output for `-`.

    Returns whether standard output is taken, so that nothing else belongs there.
    """
    if path is None:
        return False
    text = json.dumps(document(), indent=2, allow_nan=False) + "\n"
    if path == STANDARD_OUTPUT:
        print(text, end="")
        return True
    write(path, text)
    return False
