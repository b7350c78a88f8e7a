"""Model versions and training runs over HTTP and on their page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from archive.clock import utc_now
from archive.database import Database
from archive.documents import find_document
from archive.errors import DatabaseGone
from archive.promise import find_standing
from archive.reasons import Reason
from archive.tables import AskedVersion, Role, TrainingKind
from archive.training_runs import fail_run, find_runs, finish_run, lease_run, renew_run
from models.registry import GATE_FILE, Registry
from service.train_command import gate_to_words, progress_to_words, reasons_to_words
from tests.models.examples import write_tiny_version
from tests.service.worlds import World, pdf, running_world, sample_record

REASON = {"code": "field_worse", "name": "project_name", "champion": 0.1, "challenger": 0.3}
FIGURES = {
    "word_accuracy": 0.9,
    "field project_name": 0.8,
    "layout project_performance_target/a1b2": 0.7,
}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path) as made:
        yield made


def add_version(world: World, name: str, passed: bool) -> None:
    registry = Registry.of_data(world.service.settings.data)
    path = write_tiny_version(registry.own, name)
    gate = {
        "champion": registry.find_current().name,
        "passed": passed,
        "reasons": [] if passed else [REASON],
        "notes": [],
        "whole": {"champion": 0.2, "challenger": 0.1, "documents": 3},
        "champion_figures": FIGURES,
        "challenger_figures": FIGURES,
        "suspects": [{"document_id": "01X", "words": 4, "asked": 9, "examples": ["<b>: a"]}],
    }
    (path / GATE_FILE).write_text(json.dumps(gate), encoding="utf-8")


def current(world: World) -> str:
    return str(world.client.get("/api/models", headers=world.bearer()).json()["current"])


def test_versions_are_promoted_and_rolled_back_in_the_data_folder(fresh: World) -> None:
    shipped = current(fresh)
    add_version(fresh, "own-1", passed=True)
    listed = fresh.client.get("/api/models", headers=fresh.bearer()).json()["versions"]
    assert [(one["name"], one["shipped"]) for one in listed][-1] == ("own-1", False)
    assert listed[-1]["gate"]["passed"] is True
    assert listed[0]["gate"] is None
    done = fresh.client.post("/api/models/own-1/promote", headers=fresh.bearer())
    assert (done.status_code, done.json()["current"]) == (200, "own-1")
    back = fresh.client.post("/api/models/rollback", headers=fresh.bearer())
    assert (back.status_code, back.json()["current"]) == (200, shipped)
    again = fresh.client.post("/api/models/rollback", headers=fresh.bearer())
    assert again.status_code == 409, "there is no earlier version"
    for name in ("nope", "..%2F..%2Fetc"):
        unknown = fresh.client.post(f"/api/models/{name}/promote", headers=fresh.bearer())
        assert unknown.status_code == 404


def begun(world: World) -> datetime | None:
    """When the promise began anew."""
    with world.service.database.read() as session:
        return find_standing(session).since


def test_the_version_in_use_is_promoted_again_and_the_promise_goes_on(fresh: World) -> None:
    add_version(fresh, "own-1", passed=True)
    fresh.client.post("/api/models/own-1/promote", headers=fresh.bearer())
    since = begun(fresh)
    assert since is not None
    again = fresh.client.post("/api/models/own-1/promote", headers=fresh.bearer())
    assert (again.status_code, again.json()["current"]) == (200, "own-1")
    assert begun(fresh) == since


def test_a_version_and_its_promise_change_together_or_not_at_all(
    fresh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("own-1", "own-2"):
        add_version(fresh, name, passed=True)
    fresh.client.post("/api/models/own-1/promote", headers=fresh.bearer())
    since = begun(fresh)

    def fail(*_: object) -> None:
        raise DatabaseGone("locked")

    monkeypatch.setattr("archive.promise.begin_anew", fail)
    for path in ("own-2/promote", "rollback"):
        answer = fresh.client.post(f"/api/models/{path}", headers=fresh.bearer())
        assert answer.status_code == 503, path
        assert (current(fresh), begun(fresh)) == ("own-1", since), path


def test_a_training_is_asked_for_watched_and_cancelled(fresh: World) -> None:
    order = {"steps": 40, "promote": False}
    made = fresh.client.post("/api/training-runs", json=order, headers=fresh.bearer())
    assert made.status_code == 202
    run_id = made.json()["id"]
    busy = fresh.client.post("/api/training-runs", headers=fresh.bearer())
    assert busy.status_code == 409
    path = f"/api/training-runs/{run_id}"
    database: Database = fresh.service.database
    with database.write() as session:
        run = lease_run(session, "trainer", utc_now())
        assert run is not None
        assert run.settings["steps"] == 40
        renew_run(session, run_id, "trainer", utc_now(), {"stage": "training", "step": 3})
    told = fresh.client.get(path, headers=fresh.bearer()).json()
    assert (told["state"], told["progress"]["step"]) == ("running", 3)
    ended = fresh.client.post(f"{path}/cancel", headers=fresh.bearer())
    assert ended.json()["state"] == "cancelled"
    assert fresh.client.post(f"{path}/cancel", headers=fresh.bearer()).status_code == 409
    assert fresh.client.get("/api/training-runs/none", headers=fresh.bearer()).status_code == 404
    listed = fresh.client.get("/api/training-runs", headers=fresh.bearer()).json()["runs"]
    assert [run["id"] for run in listed] == [run_id]


@pytest.mark.parametrize("base", ["../secret", "/etc", ".hidden", "a/b"])
def test_a_base_is_a_name_and_no_path(world: World, base: str) -> None:
    answer = world.client.post("/api/training-runs", json={"base": base}, headers=world.bearer())
    assert answer.status_code == 422


def test_a_shadow_run_is_asked_for_beside_a_training(fresh: World) -> None:
    name = current(fresh)
    assert fresh.client.post("/api/training-runs", headers=fresh.bearer()).status_code == 202
    path = f"/api/models/{name}/shadow?documents=7"
    made = fresh.client.post(path, headers=fresh.bearer())
    assert (made.status_code, made.json()["kind"]) == (202, "shadow")
    with fresh.service.database.read() as session:
        run = find_runs(session)[0]
    assert (run.kind, run.version, run.settings["documents"]) == (TrainingKind.SHADOW, name, 7)


def test_the_policy_is_kept(world: World) -> None:
    wanted = {"active": True, "documents": 12, "hour": None, "promote": False}
    put = world.client.put("/api/training-policy", json=wanted, headers=world.bearer())
    assert put.status_code == 200
    told = world.client.get("/api/training-policy", headers=world.bearer())
    assert told.json() == wanted
    wrong = world.client.put(
        "/api/training-policy", json=wanted | {"hour": 24}, headers=world.bearer()
    )
    assert wrong.status_code == 422


def test_a_document_is_read_again_by_another_version(fresh: World) -> None:
    name = current(fresh)
    _, [document_id] = fresh.upload(("a.pdf", pdf("again")))
    fresh.finish(document_id, sample_record())
    path = f"/api/documents/{document_id}/reprocess"
    assert fresh.client.post(f"{path}?model=nope", headers=fresh.bearer()).status_code == 404
    assert fresh.client.post(f"{path}?model={name}", headers=fresh.bearer()).status_code == 200
    with fresh.service.database.read() as session:
        assert session.get_one(AskedVersion, document_id).version == name
        assert find_document(session, document_id).generation == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_shows_versions_reasons_and_runs(fresh: World, language: str) -> None:
    add_version(fresh, "refused-1", passed=False)
    headers = fresh.browser()
    form = {
        "code": language,
        "back": "/models",
        "csrf_token": fresh.sessions[Role.ADMINISTRATOR][1],
    }
    fresh.client.post("/language", data=form, headers=headers)
    start = fresh.client.post("/models/train", data={"promote": "true"}, headers=headers)
    assert start.headers["location"] == "/models?said=training_queued"
    text = fresh.client.get("/models", headers=headers).text
    assert "refused-1" in text
    assert "10.0%" in text
    assert "30.0%" in text
    assert "data-open" in text
    with fresh.service.database.write() as session:
        run = lease_run(session, "trainer", utc_now())
        assert run is not None
        renew_run(
            session, run.id, "trainer", utc_now(),
            {"stage": "training", "step": 30, "steps": 120, "loss": 0.25},
        )  # fmt: skip
    text = fresh.client.get("/models", headers=headers).text
    assert "30/120" in text
    assert 'max="120"' in text
    with fresh.service.database.write() as session:
        fail_run(session, run.id, "trainer", utc_now(), Reason("", "out of <memory>"))
    text = fresh.client.get("/models", headers=headers).text
    assert "out of &lt;memory&gt;" in text
    assert "data-open" not in text
    page = fresh.client.get("/models/refused-1", headers=headers).text
    assert "/a1b2" in page
    assert "&lt;b&gt;: a" in page


def test_the_buttons_of_the_page_do_what_the_addresses_do(fresh: World) -> None:
    add_version(fresh, "own-1", passed=True)
    headers = fresh.browser()
    shipped = current(fresh)
    assert fresh.client.post("/models/own-1/promote", headers=headers).status_code == 303
    assert current(fresh) == "own-1"
    assert fresh.client.post("/models/rollback", headers=headers).status_code == 303
    assert current(fresh) == shipped
    assert fresh.client.post("/models/rollback", headers=headers).status_code == 409
    policy = {"documents": "5", "hour": "3", "active": "true"}
    assert fresh.client.post("/models/policy", data=policy, headers=headers).status_code == 303
    told = fresh.client.get("/api/training-policy", headers=fresh.bearer()).json()
    assert told == {"active": True, "documents": 5, "hour": 3, "promote": False}
    assert fresh.client.post("/models/own-1/shadow", headers=headers).status_code == 303
    with fresh.service.database.write() as session:
        run = lease_run(session, "trainer", utc_now())
        assert run is not None
        change = {
            "document_id": "01X", "document": "a.pdf", "path": "leader",
            "before": None, "after": "王", "confidence": 0.5,
        }  # fmt: skip
        result = {"documents": 3, "fields": 40, "changed": 1, "examples": [change]}
        finish_run(session, run.id, "trainer", utc_now(), result)
    assert "王" in fresh.client.get("/models", headers=headers).text


def test_a_viewer_sees_but_starts_nothing(world: World) -> None:
    page = world.client.get("/models", headers=world.browser(Role.VIEWER))
    assert page.status_code == 200
    assert "/models/train" not in page.text
    refused = world.client.post("/models/train", headers=world.browser(Role.VIEWER))
    assert refused.status_code == 403


def test_words_of_the_command() -> None:
    assert "field worse project_name (10.00 % → 30.00 % wrong)" in reasons_to_words([REASON])
    gate = {"passed": False, "reasons": [REASON]}
    assert gate_to_words({"gate": gate, "shipped": False}).startswith("refused: field worse")
    assert gate_to_words({"gate": None, "shipped": True}) == "shipped"
    progress = {"stage": "training", "step": 3, "steps": 12, "loss": 0.5}
    assert progress_to_words({"state": "running", "progress": progress}) == (
        "training 3/12, loss 0.500"
    )
    assert "waiting" in progress_to_words({"state": "queued", "progress": {}})
