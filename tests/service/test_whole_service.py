"""The whole service as somebody new to it meets it: one command, a browser, two scans."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.service.chromium import open_browser
from tests.service.servers import free_port
from workers.train_process import can_train

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
SCANS = ("seed_000_office200", "seed_004_clean300")
LONGEST_MS = 240_000
"""For two pages by the real engines, on a machine that others share."""
PROGRESS = """() => {
  window.shown = [];
  const look = () => {
    const count = (state) => Number(document.querySelector(`[data-count=${state}]`).textContent);
    const busy = count("received") + count("extracting");
    if (window.shown.at(-1) !== busy) window.shown.push(busy);
  };
  new MutationObserver(look).observe(document.querySelector("[data-live]"),
    { subtree: true, childList: true, characterData: true });
  look();
}"""


@dataclass(frozen=True)
class Up:
    """A running ``formloop up`` and what its ``admin.json`` says."""

    process: subprocess.Popen[str]
    data: Path
    admin: dict[str, str]


@pytest.fixture
def browser() -> Iterator[Any]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def up(browser: Any, tmp_path: Path) -> Iterator[Up]:
    command = [sys.executable, "-c", "from service.cli import main; main()", "up", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--data", str(tmp_path / "data"), "--port", str(free_port())],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("formloop serves http://127.0.0.1:")
        admin = json.loads((tmp_path / "data/admin.json").read_text("utf-8"))
        yield Up(process, tmp_path / "data", admin)
    finally:
        process.terminate()
        process.wait(90)
        process.stdout.close()


def test_two_scans_become_records_before_the_eyes(up: Up, browser: Any, samples: Path) -> None:
    page = browser.new_page(locale="zh-CN", viewport={"width": 1440, "height": 900})
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(up.admin["url"])
    page.fill("[name=username]", up.admin["username"])
    page.fill("[name=password]", up.admin["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{up.admin['url']}/")

    page.fill("[data-name]", "两份扫描件")
    page.set_input_files("[data-files]", [str(samples / f"scans/{name}.pdf") for name in SCANS])
    page.get_by_role("link", name="打开档案").click()
    page.get_by_role("heading", name="两份扫描件").wait_for()
    page.evaluate(PROGRESS)
    page.locator("[data-pace]", has_text="识别已结束").wait_for(timeout=LONGEST_MS)
    shown = page.evaluate("window.shown")
    assert shown == [2, 1, 0], "each scan is seen to end, and the page was never loaded again"
    page.locator("tr[data-id]", has_text=re.compile("完成|待核")).nth(1).wait_for()

    archive = page.url
    for name in SCANS:
        truth = json.loads((samples / f"truth/{name[:8]}.json").read_text("utf-8"))
        page.goto(archive)
        page.get_by_role("link", name=f"{name}.pdf").click()
        row = page.locator("tr[id=project_name]")
        assert row.locator(".printed").inner_text() == truth["fields"]["project_name"]
        row.hover()
        mark = row.get_attribute("data-mark")
        page.locator(f"rect.lit[data-mark='{mark}']").wait_for()
        page.wait_for_function("document.querySelector('[data-viewer] img').naturalWidth > 500")
    page.goto(archive)
    assert not wrong
    stop(up)


def stop(up: Up) -> None:
    """While a page still follows the progress. Nothing is left behind but the data."""
    own = processes_of(up.data)
    assert len(own) == 5 + can_train(), "the command, web, schedule, one worker, Redis, training"
    up.process.terminate()
    assert up.process.wait(90) == 0
    assert not any((Path("/proc") / str(pid)).exists() for pid in own)
    assert not processes_of(up.data)
    assert not (up.data / "redis.sock").exists()


def processes_of(data: Path) -> set[int]:
    """Those that have the data folder in their command line, which each of them has."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(data) in command:
            found.add(int(folder.name))
    return found
