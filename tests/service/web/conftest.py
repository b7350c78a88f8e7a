"""A real browser before a running service."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from tests.service.web.stage import BrowserPage, Stage
from tests.service.worlds import World

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    """Where the module's world is served."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(world.app, lifespan="off", log_level="warning")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@dataclass
class _Missing(Exception):
    what: str


@pytest.fixture(scope="module")
def stage(world: World, address: str) -> Iterator[Stage]:
    try:
        if not CHROMIUM.exists():
            raise _Missing(str(CHROMIUM))
        try:
            from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may be absent
        except ImportError as error:
            raise _Missing("playwright") from error
    except _Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing.what} is needed in CI")
        pytest.skip(f"{missing.what} is not here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield Stage(world, address, browser)
        browser.close()


@pytest.fixture
def page(stage: Stage) -> Iterator[BrowserPage]:
    """A new browser profile. Fails on script errors and on what the content policy blocks."""
    context = stage.browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(8000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security" in said.text else None,
    )
    page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
    yield page
    context.close()
    assert not wrong
