"""A person at Label Studio's page, in a real browser: looks, clicks, types and drags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from extraction.values import Box

LONGEST_MS = 90_000
"""For a page to be shown, on a machine that others share."""
SETTLE_MS = 400
"""Until the page has done what a key or a click asked for."""


@dataclass
class Annotator:
    """``page`` is Playwright's; boxes are in pixels of the upright page of ``size``."""

    page: Any
    url: str
    size: tuple[int, int] = (1, 1)

    def log_in(self, username: str, password: str) -> None:
        self.page.set_default_timeout(LONGEST_MS)
        self.page.goto(f"{self.url}/user/login/")
        self.page.fill("input[name=email]", username)
        self.page.fill("input[name=password]", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def open_next(self, project: int, size: tuple[int, int]) -> None:
        """The next task, as by the button *Label All Tasks*."""
        self.size = size
        self.page.goto(f"{self.url}/projects/{project}/data?labeling=1")
        self.page.get_by_role("button", name="Submit").first.wait_for()
        self.page.wait_for_function(
            "[...document.querySelectorAll('canvas')].some(one => one.width > 300)"
        )
        self.page.locator(".lsf-outliner-item").first.wait_for()
        self.page.wait_for_timeout(2 * SETTLE_MS)

    def shown_titles(self) -> list[str]:
        return [
            str(text) for text in self.page.locator(".lsf-outliner-item__title").all_inner_texts()
        ]

    def retype(self, title: str, text: str) -> None:
        """In the list at the right, where a text can be typed without a click on its box."""
        self._item(title).locator("textarea").first.fill(text)
        self.page.keyboard.press("Tab")
        self.page.wait_for_timeout(SETTLE_MS)

    def move(self, box: Box, to: Box) -> None:
        self._click(box)
        (x, y), (new_x, new_y) = self._place(*box.center), self._place(*to.center)
        self._drag((x, y), (new_x, new_y))
        self._leave()

    def delete(self, box: Box) -> None:
        self._click(box)
        self.page.keyboard.press("Backspace")
        self.page.wait_for_timeout(SETTLE_MS)

    def draw(self, title: str, box: Box, text: str) -> None:
        """Choose the label, drag its box, type its text, which is the last of the list."""
        self._leave()
        self.page.locator(".formloop-side").get_by_text(title, exact=True).first.click()
        self.page.wait_for_timeout(SETTLE_MS)
        self._drag(self._place(box.x0, box.top), self._place(box.x1, box.bottom))
        self._leave()
        self.retype(title, text)

    def submit(self) -> None:
        """Returns when Label Studio has taken it."""
        with self.page.expect_response(
            lambda answer: "/annotations" in answer.url and answer.request.method == "POST"
        ) as taken:
            self.page.get_by_role("button", name="Submit").first.click()
        assert taken.value.ok, taken.value.text()

    def _item(self, title: str) -> Any:
        """The entry of the list: it only holds what is in sight, so it is scrolled."""
        titled = self.page.locator(".lsf-outliner-item__title", has_text=title)
        entry = self.page.locator(".lsf-outliner-item", has=titled)
        panel = self.page.locator(".lsf-outliner-tree").first
        panel.hover()
        self.page.mouse.wheel(0, -100_000)
        for _ in range(80):
            self.page.wait_for_timeout(SETTLE_MS / 2)
            if entry.count():
                entry.last.scroll_into_view_if_needed()
                return entry.last
            self.page.mouse.wheel(0, 250)
        raise AssertionError(f"{title} is not in the list")

    def _click(self, box: Box) -> None:
        self._leave()
        self.page.mouse.click(*self._place(*box.center))
        self.page.wait_for_timeout(SETTLE_MS)

    def _leave(self) -> None:
        """Nothing is chosen any more."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_timeout(SETTLE_MS)

    def _drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
        mouse.move(*end, steps=4)
        mouse.up()
        self.page.wait_for_timeout(SETTLE_MS)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the upright page is in the window."""
        canvas = self.page.locator("canvas").first.bounding_box()
        width, height = self.size
        return (
            canvas["x"] + canvas["width"] * x / width,
            canvas["y"] + canvas["height"] * y / height,
        )
