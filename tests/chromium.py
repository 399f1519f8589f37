"""What the tests in a browser share: Chromium, two screens, and the faults that axe finds.

They need chromium, and Python's playwright and axe-playwright-python (``pip install
tinygrad_bp[browser]``); no browser is downloaded. A file that needs them is marked with
`needs_chromium`, and is skipped where one is missing.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
MISSING = [
    name
    for name, found in {
        "chromium": CHROMIUM,
        "playwright": find_spec("playwright"),
        "axe-playwright-python": find_spec("axe_playwright_python"),
    }.items()
    if not found
]
needs_chromium = pytest.mark.skipif(bool(MISSING), reason=f"missing here: {', '.join(MISSING)}")

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@contextmanager
def launched() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # a container has no sandbox for a browser
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def serious(page: Any) -> list[str]:
    """Return the serious faults that axe finds."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
