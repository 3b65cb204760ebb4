"""The picture of the explorer in README.md: `python docs/make_explorer.py` (needs Chromium).

It is the page of `gomemsim tune LOG --memory 300MiB --html FILE`, of the log that `gomemsim init`
brings.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from sim.cli import main

ROOT = Path(__file__).parents[1]
LOG = ROOT / "data/logs/service.gctrace"
PICTURE = ROOT / "docs/images/explorer.png"
WIDTH, HEIGHT = 1240, 1720
READY = "return window.Bokeh?.documents?.[0]?.is_idle === true"


def photograph(page: Path) -> None:
    """The top of a page as Chromium shows it."""
    options = ChromeOptions()
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--hide-scrollbars",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--window-size={WIDTH},{HEIGHT}",
    ):
        options.add_argument(flag)
    options.binary_location = shutil.which("chromium") or ""
    browser = Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))
    try:
        browser.get(page.as_uri())
        while not browser.execute_script(READY):
            time.sleep(0.1)
        browser.save_screenshot(str(PICTURE))
    finally:
        browser.quit()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        page = Path(folder) / "explorer.html"
        try:
            main(["tune", str(LOG), "--memory", "300MiB", "--html", str(page), "-q"])
        except SystemExit as end:
            if end.code:
                sys.exit(end.code)
        photograph(page)
