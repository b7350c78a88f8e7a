"""What a browser shows where there is no answer, and that programs still get problem details."""

from __future__ import annotations

from typing import get_args

import pytest
from httpx2 import Response

from archive.tables import Role
from service.api.problems import KINDS, MEDIA_TYPE, Kind
from service.api.surroundings import MAX_BODY_BYTES
from service.web.languages import CODES, find_language
from service.web.rendering import LANGUAGE_COOKIE
from tests.service.web.stage import BrowserPage, Stage
from tests.service.worlds import SCRIPT, World

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
STRANGER: dict[str, str] = {}


def ask(
    world: World, path: str, headers: dict[str, str], method: str = "GET", body: bytes = b""
) -> Response:
    answer = world.client.request(method, path, headers={**BROWSER, **headers}, content=body)
    assert isinstance(answer, Response)
    return answer


def assert_page(answer: Response, kind: Kind, code: str = "zh") -> None:
    language = find_language(code)
    assert answer.status_code == KINDS[kind].status
    assert answer.headers["content-type"].startswith("text/html")
    assert f'<html lang="{language.tag}">' in answer.text
    assert f"<h1>{language.text(f'error.{kind}')}</h1>" in answer.text
    assert language.text(f"error.{kind}.more") in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("code", CODES)
def test_an_unknown_address_is_a_page_in_the_language_of_the_reader(
    world: World, code: str
) -> None:
    world.client.post("/language", data={"code": code}, headers=world.browser())
    world.client.cookies.clear()
    answer = ask(world, "/no/such/page", world.browser())
    world.client.post("/language", data={"code": "zh"}, headers=world.browser())
    world.client.cookies.clear()
    assert_page(answer, "not_found", code)
    assert 'href="/account"' in answer.text and '<a class="button" href="/">' in answer.text


@pytest.mark.parametrize("code", CODES)
def test_a_stranger_sees_the_way_to_the_login_and_no_more(world: World, code: str) -> None:
    cookie = {"Cookie": f"{LANGUAGE_COOKIE}={code}"}
    unknown = ask(world, "/no/such/page", cookie)
    assert_page(unknown, "not_found", code)
    assert 'class="button" href="/login"' in unknown.text
    assert "<nav" not in unknown.text and "csrf-token" not in unknown.text
    for known in ("/users", "/models/none", "/documents/none"):
        assert ask(world, known, cookie).headers["location"].startswith("/login?next=")


@pytest.mark.parametrize(
    "path", ["/api/none", "/api", "/api/documents/none", "/hooks/none", "/health/none"]
)
def test_addresses_for_programs_answer_problem_details_to_browsers_too(
    world: World, path: str
) -> None:
    answer = ask(world, path, world.bearer())
    assert answer.status_code == 404
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["type"] == "urn:formloop:problem:not_found"
    assert ask(world, "/metrics", STRANGER).headers["content-type"] == MEDIA_TYPE


def test_a_program_that_asks_for_no_page_gets_problem_details(world: World) -> None:
    for accept in ("*/*", "application/json", ""):
        answer = ask(world, "/no/such/page", {"Accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == MEDIA_TYPE


def test_what_a_role_may_not_is_told_with_the_right_that_it_needs(world: World) -> None:
    answer = ask(world, "/users", world.browser(Role.VIEWER))
    assert_page(answer, "forbidden")
    assert "needs the right to administer" in answer.text


def test_an_address_of_a_form_that_is_opened(world: World) -> None:
    for headers in (world.browser(), STRANGER):
        answer = ask(world, "/models/rollback/", headers, "GET")
        assert_page(answer, "not_found")
        answer = ask(world, "/logout", headers)
        assert_page(answer, "method_not_allowed")
        assert answer.headers["allow"] == "POST"


def test_requests_that_are_refused_before_any_page(world: World) -> None:
    long = b"x" * (MAX_BODY_BYTES + 1)
    assert_page(ask(world, "/login", STRANGER, "POST", long), "too_large")
    assert_page(ask(world, "/archives/%00", world.browser()), "bad_request")


def test_a_picture_whose_address_has_ended(world: World) -> None:
    assert_page(ask(world, "/pictures/AAAA.BBBB", STRANGER), "forbidden")
    image = {"Accept": "image/avif,image/webp,*/*"}
    assert ask(world, "/pictures/AAAA.BBBB", image).headers["content-type"] == MEDIA_TYPE


def test_a_wrong_value_is_named(world: World) -> None:
    answer = ask(world, "/archives/none?page=x", world.browser())
    assert_page(answer, "invalid")
    assert "query/page: " in answer.text


def test_a_fault_of_ours_is_a_page_that_tells_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **also: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("service.web.model_pages.read_models", broken)
    answer = ask(world, "/models", world.browser())
    assert_page(answer, "internal")
    assert "hunter2" not in answer.text and 'href="/account"' in answer.text
    monkeypatch.setattr("service.web.failures.find_signed_in", broken)
    again = ask(world, "/models", world.browser())
    assert_page(again, "internal")
    assert "hunter2" not in again.text


def test_an_address_that_is_a_script_stays_a_text(world: World) -> None:
    answer = ask(world, f"/{SCRIPT}", world.browser())
    assert_page(answer, "not_found")
    assert SCRIPT not in answer.text


@pytest.mark.parametrize("code", CODES)
def test_every_kind_of_problem_has_words(code: str) -> None:
    texts = find_language(code).texts
    kinds = set(get_args(Kind)) - {"not_signed_in"}
    assert [kind for kind in kinds if f"error.{kind}.more" not in texts] == []


@pytest.mark.slow
def test_the_page_leads_back_in_both_languages(stage: Stage, page: BrowserPage) -> None:
    page.goto(f"{stage.address}/nowhere")
    assert page.get_by_role("link", name="登录").get_attribute("href") == "/login"
    stage.sign_in(page)
    answer = page.goto(f"{stage.address}/nowhere?q=1")
    assert answer.status == 404
    page.get_by_role("button", name="English", exact=True).click()
    page.wait_for_url(f"{stage.address}/nowhere?q=1")
    assert page.get_by_role("heading", level=1).inner_text() == "Not found"
    page.get_by_role("link", name="To the archives").click()
    page.wait_for_url(f"{stage.address}/")
