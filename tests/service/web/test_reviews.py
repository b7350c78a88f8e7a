"""The pages of the review: figures, disagreements, corrections in the history, ways to and fro."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.revisions import find_revision
from archive.tables import Role
from tests.service.web.reviewing import PROJECT, Reviewing, start_review
from tests.service.web.stage import BrowserPage, Stage
from tests.service.worlds import World, running_world

STUDIO = "https://studio.example/ls"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One in which nothing but these tests was ever reviewed."""
    data: Path = tmp_path_factory.mktemp("reviews")
    with running_world(data) as found:
        service = found.service
        settings = replace(service.settings, label_studio_public_url=STUDIO)
        object.__setattr__(service, "settings", settings)
        yield found


@pytest.fixture(scope="module")
def corrected(world: World) -> Reviewing:
    """Answered once, one field retyped and the others confirmed, all of them audited or asked."""
    found = start_review(world, "改.pdf", audit=True, studio_task=71)
    found.answer(500, {"郭睿": "郭春", "55578007": "55578001"}, seconds=60)
    return found


@pytest.fixture(scope="module")
def disputed(world: World) -> Reviewing:
    found = start_review(world, "争.pdf", studio_task=72)
    found.answer(501, {"郭睿": "郭甲"}, author=11)
    found.answer(502, {"郭睿": "郭乙"}, author=12, minutes=5)
    return found


def get(world: World, address: str, role: Role = Role.ENGINEER, status: int = 200) -> str:
    answer = world.client.get(address, headers=world.browser(role))
    assert answer.status_code == status, (address, answer.status_code)
    return str(answer.text)


def figure(html: str, name: str) -> str:
    found = re.search(rf'data-figure="{name}">(.*?)</dd>', html, re.DOTALL)
    assert found is not None, name
    return re.sub(r"<[^>]+>|\s+", " ", found[1]).strip()


def test_before_any_answer_the_page_says_so(tmp_path: Path) -> None:
    with running_world(tmp_path) as empty:
        html = get(empty, "/reviews/figures")
        assert figure(html, "shown") == "0"
        assert figure(html, "rate") == "—"
        assert "还没有答复" in html
        assert "没有待裁定的分歧" in get(empty, "/reviews/disagreements")


def test_figures_of_one_corrected_document(world: World, corrected: Reviewing) -> None:
    html = get(world, "/reviews/figures")
    told = world.client.get("/api/reviews/figures", headers=world.bearer(Role.ENGINEER)).json()
    asked = len(corrected.record.fields)
    assert told["fields"]["shown"] >= asked
    assert told["fields"]["changed"] >= 2
    assert figure(html, "shown") == str(told["fields"]["shown"])
    assert told["audit"]["fields"] == 3
    assert told["audit"]["wrong"] == 1
    assert figure(html, "rate") == "33.33%"
    assert told["audit"]["by_field"][1] > 0.5
    assert told["seconds"]["documents"] >= 1
    names = [cause["name"] for cause in told["causes"]["fields"]]
    assert {"leader", "phone"} <= set(names)
    assert "负责人" in html


def test_figures_of_one_form_type_and_of_one_that_is_none(
    world: World, corrected: Reviewing
) -> None:
    form_type = corrected.record.form_type
    headers = world.bearer(Role.ENGINEER)
    all_of_it = world.client.get("/api/reviews/figures", headers=headers).json()
    own = world.client.get(f"/api/reviews/figures?form_type={form_type}", headers=headers).json()
    none = world.client.get("/api/reviews/figures?form_type=nothing", headers=headers).json()
    assert own == all_of_it
    assert none["fields"]["shown"] == 0
    assert figure(get(world, "/reviews/figures?form_type=nothing"), "shown") != "0"


def test_history_shows_before_after_who_and_the_way_to_the_annotation(
    world: World, corrected: Reviewing
) -> None:
    html = get(world, f"/documents/{corrected.document_id}", Role.ANNOTATOR)
    section = html[html.index('id="corrections"') :]
    section = section[: section.index("</section>")]
    assert "<del>郭睿</del>" in section
    assert "<ins>郭春</ins>" in section
    assert "anna@example.com" in section
    assert "2026-11-20 12:00 UTC" in section
    assert f'href="/reviews/{corrected.task_id}/open?annotation=500"' in section
    # Nobody learns from it what was only looked at to measure.
    assert "抽查" not in section
    assert "audit" not in section


def test_from_the_document_to_label_studio_and_back(world: World, corrected: Reviewing) -> None:
    headers = world.browser(Role.ANNOTATOR)
    there = world.client.get(f"/reviews/{corrected.task_id}/open?annotation=500", headers=headers)
    assert there.status_code == 303
    wanted = f"{STUDIO}/projects/{PROJECT}/data?task=71&annotation=500"
    assert there.headers["location"] == wanted
    back = world.client.get("/reviews/annotations/500", headers=headers)
    assert back.headers["location"] == f"/documents/{corrected.document_id}#annotation-500"
    get(world, "/reviews/annotations/99999", status=404)
    get(world, "/reviews/nothing/open", status=404)


@pytest.mark.parametrize("address", ["/reviews/figures", "/reviews/disagreements"])
def test_annotators_see_neither_figures_nor_disagreements(world: World, address: str) -> None:
    get(world, address, Role.ANNOTATOR, status=403)
    assert 'href="/reviews/figures"' not in get(world, "/", Role.ANNOTATOR)
    assert 'href="/reviews/figures"' in get(world, "/")


def test_an_answer_that_was_changed_since_stays_in_the_history(world: World) -> None:
    found = start_review(world, "变.pdf", studio_task=73)
    found.answer(510, {"郭睿": "郭一"})
    found.answer(510, {"郭睿": "郭二"}, minutes=3)
    html = get(world, f"/documents/{found.document_id}")
    section = html[html.index('id="corrections"') :]
    assert section.index("郭二") < section.index("郭一")
    assert "之后已修改或删除" in section
    assert section.count('id="annotation-510"') == 1


def test_disagreement_shows_who_says_what(world: World, disputed: Reviewing) -> None:
    html = get(world, "/reviews/disagreements")
    assert "郭甲" in html
    assert "郭乙" in html
    assert "bert@example.com" in html
    assert "<image" in html
    assert "意见不一致" in get(world, f"/documents/{disputed.document_id}")


def test_an_engineer_settles_a_disagreement_in_the_browser(
    stage: Stage, page: BrowserPage, disputed: Reviewing
) -> None:
    stage.sign_in(page, Role.ENGINEER)
    page.click("header nav a[href='/reviews/figures']")
    page.click("a[href='/reviews/disagreements'] >> nth=0")
    entry = page.locator("[data-disagreement]", has_text="郭甲")
    clip = entry.locator("svg.clip image")
    clip.wait_for()
    assert clip.bounding_box()["width"] > 100
    entry.locator("label", has_text="郭乙").click()
    entry.locator("button.primary").click()
    page.get_by_text("分歧已裁定").wait_for()
    assert page.locator("[data-disagreement]", has_text="郭甲").count() == 0
    with stage.world.service.database.read() as session:
        record = find_revision(session, disputed.document_id).record
    assert record["fields"]["leader"]["text"] == "郭乙"  # type: ignore[index, call-overload]


def test_what_nobody_said_can_be_typed(stage: Stage, page: BrowserPage) -> None:
    found = start_review(stage.world, "都错.pdf", studio_task=74)
    found.answer(520, {"郭睿": "郭丙"}, author=11)
    found.answer(521, {"郭睿": "郭丁"}, author=12, minutes=5)
    stage.sign_in(page, Role.ENGINEER)
    page.goto(f"{stage.address}/reviews/disagreements")
    entry = page.locator("[data-disagreement]", has_text="郭丙")
    entry.locator("[name=other]").fill("郭戊")
    entry.locator("button.primary").click()
    page.get_by_text("分歧已裁定").wait_for()
    page.goto(f"{stage.address}/documents/{found.document_id}")
    assert "郭戊" in page.locator("#leader").inner_text()


def test_the_way_back_opens_the_history_at_the_annotation(
    stage: Stage, page: BrowserPage, corrected: Reviewing
) -> None:
    stage.sign_in(page, Role.ANNOTATOR)
    page.goto(f"{stage.address}/reviews/annotations/500")
    answer = page.locator("#annotation-500")
    answer.wait_for(state="visible")
    assert page.locator("#tab-history").get_attribute("aria-selected") == "true"
