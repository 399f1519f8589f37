"""What the tests in a browser share: Chromium, two screens, and the faults that axe finds.

They need chromium, and Python's playwright and axe-playwright-python (``pip install
tinygrad_bp[browser]``); no browser is downloaded. Where one is missing, a file that imports this
one is skipped.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@contextmanager
def launched() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        # a container has no sandbox for a browser
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def serious(page: Any) -> list[str]:
    """Return the serious faults that axe finds."""
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
