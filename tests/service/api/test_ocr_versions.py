"""Recognisers that were brought back, over HTTP and on their page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from archive.audit import Action, find_audit
from archive.clock import utc_now
from archive.errors import DatabaseGone
from archive.promise import find_standing, refresh_promise
from archive.tables import Role
from models.ocr_versions import OCR_GATE_FILE, OCR_VERSION_FILE, SHIPPED, OcrVersion, OcrVersions
from tests.service.worlds import World, running_world
from tests.workers.judged_rows import add_answer, add_read

API = "/api/ocr-versions"
REASON = {"code": "whole_not_better", "name": "", "champion": 0.04, "challenger": 0.25}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path) as made:
        yield made


def bring(world: World, name: str, *, passed: bool) -> OcrVersion:
    """A version as ``add_ocr`` leaves it, without its weights."""
    version = OcrVersion(
        name=name,
        parent=SHIPPED,
        weights_digest="w",
        lines_digest="l",
        lines=1200,
        parent_accuracy=0.9642,
        accuracy=0.9715 if passed else 0.75,
        passed=passed,
        created_at=f"2026-11-20T19:04:1{passed:d}+00:00",
    )
    folder = OcrVersions.of_data(world.service.settings.data).folder / name
    folder.mkdir(parents=True)
    gate = {"passed": passed, "reasons": [] if passed else [REASON]}
    (folder / OCR_GATE_FILE).write_text(json.dumps(gate), "utf-8")
    (folder / OCR_VERSION_FILE).write_text(json.dumps(asdict(version)), "utf-8")
    return version


def current(world: World) -> str:
    return OcrVersions.of_data(world.service.settings.data).current()


def audited(world: World) -> list[tuple[str, str, dict[str, object]]]:
    with world.service.database.read() as session:
        entries = find_audit(session, action=Action.CHANGED).entries
    return [(one.username, one.subject, dict(one.detail)) for one in entries]


def test_versions_are_told_with_their_figures(fresh: World) -> None:
    told = fresh.client.get(API, headers=fresh.bearer(Role.VIEWER)).json()
    assert told["current"] == SHIPPED
    assert [(one["name"], one["shipped"], one["accuracy"]) for one in told["versions"]] == [
        (SHIPPED, True, None)
    ]
    bring(fresh, "ocr-good", passed=True)
    told = fresh.client.get(API, headers=fresh.bearer(Role.VIEWER)).json()
    good = told["versions"][-1]
    assert (good["lines"], good["accuracy"], good["parent_accuracy"]) == (1200, 0.9715, 0.9642)
    assert (good["passed"], good["current"], good["parent"]) == (True, False, SHIPPED)


def test_one_is_promoted_and_rolled_back_as_a_model_is(fresh: World) -> None:
    bring(fresh, "ocr-good", passed=True)
    engineer = fresh.bearer(Role.ENGINEER)
    done = fresh.client.post(f"{API}/ocr-good/promote", headers=engineer)
    assert (done.status_code, done.json()["current"]) == (200, "ocr-good")
    assert current(fresh) == "ocr-good"
    back = fresh.client.post(f"{API}/rollback", headers=engineer)
    assert (back.json()["current"], current(fresh)) == (SHIPPED, SHIPPED)
    again = fresh.client.post(f"{API}/rollback", headers=engineer)
    assert again.status_code == 409
    assert audited(fresh) == [
        ("engineer", "ocr:shipped", {"rollback": True}),
        ("engineer", "ocr:ocr-good", {}),
    ]


def add_audited(world: World, name: str) -> None:
    """A document read by now and audited, taken in as by the scheduler."""
    with world.service.database.write() as session:
        add_answer(session, add_read(session, name, "c"), 0.99, audit=True)
        refresh_promise(session, utc_now())


def proof(world: World) -> int:
    """How many audited documents count, after another look at them."""
    with world.service.database.write() as session:
        told = find_standing(session).documents
        assert refresh_promise(session, utc_now()).documents == told
    return told


def test_the_promise_begins_anew_with_each_change_and_only_then(fresh: World) -> None:
    bring(fresh, "ocr-good", passed=True)
    bring(fresh, "ocr-bad", passed=False)
    for number, (path, kept) in enumerate(
        [
            (f"{API}/ocr-bad/promote", True),
            (f"{API}/rollback", True),
            (f"{API}/ocr-good/promote", False),
            (f"{API}/ocr-good/promote", True),
            ("/ocr/rollback", False),
            ("/ocr/ocr-good/promote", False),
            (f"{API}/rollback", False),
        ]
    ):
        add_audited(fresh, f"{number}.pdf")
        before = proof(fresh)
        assert before > 0
        headers = fresh.bearer() if path.startswith(API) else fresh.browser()
        fresh.client.post(path, headers=headers)
        assert proof(fresh) == (before if kept else 0), (number, path)


@pytest.mark.parametrize("path", [f"{API}/ocr-good/promote", f"{API}/rollback"])
def test_without_a_database_the_recogniser_stays_as_well(
    fresh: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    bring(fresh, "ocr-good", passed=True)
    bring(fresh, "ocr-next", passed=True)
    versions = OcrVersions.of_data(fresh.service.settings.data)
    versions.promote("ocr-next")
    add_audited(fresh, "a.pdf")

    def fail(*_: object) -> None:
        raise DatabaseGone("locked")

    monkeypatch.setattr("archive.promise.begin_anew", fail)
    assert fresh.client.post(path, headers=fresh.bearer()).status_code == 503
    assert (current(fresh), proof(fresh), audited(fresh)) == ("ocr-next", 1, [])


@pytest.mark.parametrize("path", ["promote", "rollback"])
def test_where_the_recogniser_cannot_be_changed_the_proof_stays(
    fresh: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    bring(fresh, "ocr-good", passed=True)
    add_audited(fresh, "a.pdf")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    versions = OcrVersions.of_data(fresh.service.settings.data)
    if path == "rollback":
        versions.promote("ocr-good")
    before = current(fresh)
    monkeypatch.setattr(OcrVersions, "_write", fail)
    address = f"{API}/rollback" if path == "rollback" else f"{API}/ocr-good/promote"
    assert fresh.client.post(address, headers=fresh.bearer()).status_code >= 500
    assert (current(fresh), proof(fresh), audited(fresh)) == (before, 1, [])


def test_what_the_comparison_refused_stays_out_of_use(fresh: World) -> None:
    bring(fresh, "ocr-bad", passed=False)
    refused = fresh.client.post(f"{API}/ocr-bad/promote", headers=fresh.bearer())
    assert refused.status_code == 409
    assert "the gate refused" in refused.json()["detail"]
    page = fresh.client.post("/ocr/ocr-bad/promote", headers=fresh.browser())
    assert page.status_code == 409
    assert "该模型比较未通过" in page.text
    assert current(fresh) == SHIPPED and audited(fresh) == []
    for name in ("nope", "..%2F..%2Fetc", "."):
        unknown = fresh.client.post(f"{API}/{name}/promote", headers=fresh.bearer())
        assert unknown.status_code in (404, 405), name


def test_the_page_shows_the_figures_and_its_buttons_do_what_the_addresses_do(
    fresh: World,
) -> None:
    assert 'href="/ocr"' in fresh.client.get("/models", headers=fresh.browser()).text
    assert "还没有带回的识别模型" in fresh.client.get("/ocr", headers=fresh.browser()).text
    bring(fresh, "ocr-bad", passed=False)
    bring(fresh, "ocr-good", passed=True)
    html = fresh.client.get("/ocr", headers=fresh.browser()).text
    for shown in ("97.15%", "96.42%", "1200", "未能证明整体更好：错误率 4.0% → 25.0%"):
        assert shown in html
    assert 'action="/ocr/ocr-good/promote"' in html
    assert 'action="/ocr/ocr-bad/promote"' not in html
    done = fresh.client.post("/ocr/ocr-good/promote", headers=fresh.browser())
    assert (done.status_code, done.headers["location"]) == (303, "/ocr?said=ocr_changed")
    assert current(fresh) == "ocr-good"
    assert (
        "已改用另一识别模型"
        in fresh.client.get("/ocr?said=ocr_changed", headers=fresh.browser()).text
    )
    assert fresh.client.post("/ocr/rollback", headers=fresh.browser()).status_code == 303
    assert current(fresh) == SHIPPED
    first = fresh.client.post("/ocr/rollback", headers=fresh.browser())
    assert (first.status_code, "没有更早的版本" in first.text) == (409, True)


def test_who_may_not_train_sees_no_button_and_changes_nothing(fresh: World) -> None:
    bring(fresh, "ocr-good", passed=True)
    html = fresh.client.get("/ocr", headers=fresh.browser(Role.ANNOTATOR)).text
    assert "97.15%" in html and '<form method="post" action="/ocr' not in html
    for path in ("/ocr/ocr-good/promote", "/ocr/rollback"):
        answer = fresh.client.post(path, headers=fresh.browser(Role.ANNOTATOR))
        assert answer.status_code == 403
        assert fresh.client.post(path, headers=fresh.browser(csrf=False)).status_code == 403
    assert current(fresh) == SHIPPED
