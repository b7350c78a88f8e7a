"""The lexicon over HTTP and on its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.tables import Role
from extraction.lexicon import REPAIRED
from tests.service.worlds import SCRIPT, World, pdf, running_world, sample_record

API = "/api/lexicon"
RULES = {"active": True, "least_documents": 3, "least_people": 2}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path) as made:
        yield made


def learn(world: World) -> dict[str, object]:
    """Declared choices are known without any correction."""
    answer = world.client.post(f"{API}/learn", headers=world.bearer())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def first_entry(world: World) -> dict[str, str]:
    entries = world.client.get(API, headers=world.bearer()).json()["entries"]
    return {key: entries[0][key] for key in ("form_type", "name", "text")}


def test_what_is_known_is_told_and_one_text_can_be_reverted(fresh: World) -> None:
    assert fresh.client.get(API, headers=fresh.bearer()).json()["version"] == 0
    assert learn(fresh)["version"] == 1
    key = first_entry(fresh)
    told = fresh.client.post(f"{API}/remove", json=key, headers=fresh.bearer()).json()
    entry = told["entries"][0]
    assert (told["version"], entry["removed"], entry["used"]) == (2, True, False)
    told = fresh.client.post(f"{API}/restore", json=key, headers=fresh.bearer()).json()
    assert (told["version"], told["entries"][0]["used"]) == (3, True)
    unknown = key | {"text": "没有这条"}
    assert (
        fresh.client.post(f"{API}/remove", json=unknown, headers=fresh.bearer()).status_code == 404
    )


def test_switch_is_kept_and_noted(fresh: World) -> None:
    off = RULES | {"active": False}
    told = fresh.client.put(API, json=off, headers=fresh.bearer()).json()
    assert told["rules"] == off
    assert fresh.client.get(API, headers=fresh.bearer()).json()["rules"] == off
    wrong = RULES | {"least_people": 0}
    assert fresh.client.put(API, json=wrong, headers=fresh.bearer()).status_code == 422


@pytest.mark.parametrize("role", [Role.VIEWER])
def test_who_may_not_train_only_sees_it(fresh: World, role: Role) -> None:
    learn(fresh)
    assert fresh.client.get(API, headers=fresh.bearer(role)).status_code == 200
    assert fresh.client.put(API, json=RULES, headers=fresh.bearer(role)).status_code == 403
    assert fresh.client.post(f"{API}/learn", headers=fresh.bearer(role)).status_code == 403
    page = fresh.client.get("/lexicon", headers=fresh.browser(role))
    assert page.status_code == 200 and "/lexicon/learn" not in page.text


def test_repairs_are_listed_with_what_was_read(fresh: World) -> None:
    _, (document_id,) = fresh.upload(("a.pdf", pdf()))
    record = sample_record()
    name, field = next(iter(record.fields.items()))
    repaired = replace(field, reasons=(*field.reasons, REPAIRED + SCRIPT))
    fresh.finish(document_id, replace(record, fields={**record.fields, name: repaired}))
    (repair,) = fresh.client.get(API, headers=fresh.bearer()).json()["repairs"]
    assert (repair["document_id"], repair["path"], repair["read"]) == (document_id, name, SCRIPT)
    page = fresh.client.get("/lexicon", headers=fresh.browser()).text
    assert f"/documents/{document_id}" in page and "data-repair" in page
    assert SCRIPT not in page and "&lt;script&gt;" in page
    document = fresh.client.get(f"/documents/{document_id}", headers=fresh.browser()).text
    assert "按词库改正" in document and SCRIPT not in document


def test_page_removes_and_restores_in_both_languages(fresh: World) -> None:
    learn(fresh)
    key = first_entry(fresh)
    page = fresh.client.get("/lexicon", headers=fresh.browser()).text
    assert "词库与识别纠错" in page and key["text"] in page
    for removed in (True, False):
        form = {**key, "removed": "true"} if removed else key
        answer = fresh.client.post(
            "/lexicon/entry", data=form, headers=fresh.browser(), follow_redirects=False
        )
        assert answer.status_code == 303
        told = fresh.client.get(API, headers=fresh.bearer()).json()["entries"][0]
        assert told["removed"] is removed
    english = {**fresh.browser(), "Accept-Language": "en"}
    english["Cookie"] += "; language=en; formloop_language=en"
    assert fresh.client.get("/lexicon", headers=english).status_code == 200


def test_form_switches_it_off(fresh: World) -> None:
    form = {"least_documents": "4", "least_people": "1"}
    answer = fresh.client.post(
        "/lexicon", data=form, headers=fresh.browser(), follow_redirects=False
    )
    assert answer.status_code == 303
    rules = fresh.client.get(API, headers=fresh.bearer()).json()["rules"]
    assert rules == {"active": False, "least_documents": 4, "least_people": 1}
