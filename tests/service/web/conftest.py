"""A real browser before a running service."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from tests.service.chromium import open_browser
from tests.service.web.stage import BrowserPage, Stage
from tests.service.worlds import World


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


@pytest.fixture(scope="module")
def stage(world: World, address: str) -> Iterator[Stage]:
    with open_browser() as browser:
        yield Stage(world, address, browser)


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
