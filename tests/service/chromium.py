"""A real Chromium. Without one the tests that need it are skipped, but in CI they fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")


@contextmanager
def open_browser() -> Iterator[Any]:
    """A ``playwright.sync_api.Browser``; playwright may be absent."""
    missing = "" if CHROMIUM.exists() else str(CHROMIUM)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may be absent
    except ImportError:
        missing = "playwright"
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{missing} is needed in CI")
    if missing:
        pytest.skip(f"{missing} is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()
