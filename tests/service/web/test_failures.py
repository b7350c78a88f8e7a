"""Why something failed, as people read it in a real Chromium."""

from __future__ import annotations

import pytest

from archive.reasons import error_to_reason
from archive.steps import StepKey, fail_step, finish_split
from archive.tables import StepKind
from extraction.errors import BlankPage, FormloopError, TooLarge
from tests.archive.rows import take
from tests.service.web.stage import BrowserPage, Stage
from tests.service.worlds import pdf

pytestmark = pytest.mark.slow

MOST = {"pages": 500}


def fail(stage: Stage, document_id: str, kind: StepKind, page: int, error: FormloopError) -> None:
    with stage.world.service.database.write() as session:
        lease = take(session, StepKey(document_id, 1, kind, page))
        fail_step(session, lease, error_to_reason(error), retryable=False)


def test_a_failure_is_said_in_the_language_of_the_reader(stage: Stage, page: BrowserPage) -> None:
    archive_id, ids = stage.world.upload(
        ("长卷.pdf", pdf("long")), ("白纸.pdf", pdf("blank")), name="读不了"
    )
    fail(stage, ids[0], StepKind.SPLIT, 0, TooLarge("510 pages, more than 500", facts=MOST))
    with stage.world.service.database.write() as session:
        finish_split(session, take(session, StepKey(ids[1], 1, StepKind.SPLIT, 0)), 2)
    for number in (1, 2):
        fail(stage, ids[1], StepKind.PAGE, number, BlankPage("the page is blank"))
    stage.sign_in(page)
    for language, long, blank in (
        ("中文", "页数超过 500 页", "空白页"),
        ("English", "More than 500 pages", "The page is blank"),
    ):
        page.goto(f"{stage.address}/archives/{archive_id}")
        page.get_by_role("button", name=language, exact=True).click()
        page.locator(f"button[name=code][aria-current]:text-is('{language}')").wait_for()
        reasons = page.locator("tr[data-id] .wrong-words").all_inner_texts()
        assert {long, blank} <= set(reasons)
        for document_id, said in zip(ids, (long, blank), strict=True):
            page.goto(f"{stage.address}/documents/{document_id}")
            assert page.get_by_role("alert").inner_text() == said
            assert said in page.locator(".history").text_content()
