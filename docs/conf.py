"""The documentation site: `make docs`. The reference is made from the code at every build."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from generate import write_reference

project = "gomemsim"
author = "The gomemsim authors"
version = release = version_of("gomemsim")

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["generate", "figures", "README.md"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

html_theme = "furo"
html_title = "gomemsim"
html_show_sphinx = html_show_copyright = False


def setup(app: Any) -> None:
    """Write the pages of the reference before anything is read."""
    app.connect("builder-inited", lambda app: write_reference(Path(app.srcdir) / "reference"))
