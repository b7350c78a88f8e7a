"""Health, figures, models, callbacks and people over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from archive.clock import utc_now
from archive.health import finish_canary, send_canary
from archive.tables import Role
from service.api.health import CANARY_AGE
from service.web.rendering import static_address
from tests.service.worlds import World, pdf, running_world, sample_record


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path) as made:
        yield made


def test_ready_means_that_a_canary_finished_lately(fresh: World) -> None:
    def status() -> int:
        return fresh.client.get("/health/ready").status_code

    assert fresh.client.get("/health/live").json() == {"status": "ok"}
    assert status() == 503
    now = utc_now()
    with fresh.service.database.write() as session:
        old = send_canary(session, now)
        finish_canary(session, old, "worker", now - CANARY_AGE - timedelta(seconds=1))
        send_canary(session, now)
    assert status() == 503, "sent is not finished, and the last that finished is old"
    with fresh.service.database.write() as session:
        finish_canary(session, send_canary(session, now), "worker", now)
    assert status() == 200


def test_ready_says_that_the_database_is_gone(
    fresh: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fresh.service.settings.data / "formloop.db").rename(fresh.service.settings.data / "away")
    fresh.service.database.close()
    (fresh.service.settings.data / "formloop.db").mkdir()
    assert fresh.client.get("/health/live").status_code == 200
    assert fresh.client.get("/health/ready").status_code == 503
    told = fresh.client.get("/api/archives", headers=fresh.bearer())
    assert (told.status_code, told.headers["retry-after"]) == (503, "2")


def test_metrics_count_what_the_database_holds(world: World) -> None:
    _, [document_id] = world.upload(("m.pdf", pdf("metrics")))
    world.finish(document_id, sample_record())
    world.client.get(static_address("style.css"))
    text = world.client.get("/metrics", headers=world.bearer()).text
    assert 'formloop_documents{state="in_review"} 1.0' in text
    assert 'formloop_steps{state="done",step="page"} 1.0' in text
    assert "formloop_oldest_waiting_seconds 0.0" in text
    assert 'route="/api/archives"' in text
    assert 'method="GET",route="/static/",status="200"' in text
    assert 'formloop_upload_files_total{answer="accepted"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_callbacks_are_added_shown_and_removed(world: World) -> None:
    wanted = {"url": "https://example.com/x", "events": ["document.finished"]}
    made = world.client.post("/api/callbacks", json=wanted, headers=world.bearer())
    assert made.status_code == 201
    told = made.json()
    assert len(told["secret"]) >= 32
    listed = world.client.get("/api/callbacks", headers=world.bearer())
    assert told["secret"] not in listed.text, "shown once"
    _, [document_id] = world.upload(("c.pdf", pdf("callback")))
    world.finish(document_id, sample_record())
    path = f"/api/deliveries?callback={told['id']}"
    [delivery] = world.client.get(path, headers=world.bearer()).json()["deliveries"]
    assert (delivery["event"], delivery["state"]) == ("document.finished", "waiting")
    again = f"/api/deliveries/{delivery['id']}/replay"
    assert world.client.post(again, headers=world.bearer()).status_code == 200
    gone = world.client.delete(f"/api/callbacks/{told['id']}", headers=world.bearer())
    assert gone.status_code == 204
    assert world.client.get(path, headers=world.bearer()).json()["deliveries"] == []


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com", "javascript:alert(1)", "http://", "https://a:b@example.com", "x", ""],
)
def test_a_callback_needs_a_web_address(world: World, url: str) -> None:
    wanted = {"url": url, "events": ["document.finished"]}
    answer = world.client.post("/api/callbacks", json=wanted, headers=world.bearer())
    assert answer.status_code == 422


def test_a_token_gives_no_more_than_its_maker_has(world: World) -> None:
    def make(role: Role, scopes: list[str], bearer: str = "") -> tuple[int, str]:
        wanted = {"name": "scanner", "scopes": scopes}
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else world.bearer(role)
        answer = world.client.post("/api/tokens", json=wanted, headers=headers)
        return answer.status_code, answer.json().get("token", "")

    assert make(Role.VIEWER, ["see", "delete"])[0] == 403
    status, token = make(Role.ADMINISTRATOR, ["see"])
    assert status == 201
    narrow = {"Authorization": f"Bearer {token}"}
    assert world.client.get("/api/archives", headers=narrow).status_code == 200
    assert world.client.get("/api/users", headers=narrow).status_code == 403
    assert make(Role.ADMINISTRATOR, ["delete"], token)[0] == 403
    listed = world.client.get("/api/tokens", headers=world.bearer())
    assert token not in listed.text, "shown once"
    assert listed.json()["tokens"][-1]["last_used_at"] is not None
    token_id = listed.json()["tokens"][-1]["id"]
    other = world.client.delete(f"/api/tokens/{token_id}", headers=world.bearer(Role.ENGINEER))
    assert other.status_code == 404, "another's token"
    gone = world.client.delete(f"/api/tokens/{token_id}", headers=world.bearer())
    assert gone.status_code == 204
    assert world.client.get("/api/archives", headers=narrow).status_code == 401


def test_users_are_added_and_locked_out(fresh: World) -> None:
    wanted = {"username": "li.na", "password": "correct horse battery", "role": "viewer"}
    made = fresh.client.post("/api/users", json=wanted, headers=fresh.bearer())
    assert made.status_code == 201
    assert "horse" not in made.text
    path = f"/api/users/{fresh.user_ids[Role.ENGINEER]}"
    assert fresh.client.get("/api/me", headers=fresh.bearer(Role.ENGINEER)).status_code == 200
    locked = fresh.client.patch(path, json={"active": False}, headers=fresh.bearer())
    assert locked.json()["active"] is False
    assert fresh.client.get("/api/me", headers=fresh.bearer(Role.ENGINEER)).status_code == 401
    short = {"username": "x", "password": "short", "role": "viewer"}
    assert fresh.client.post("/api/users", json=short, headers=fresh.bearer()).status_code == 422
    own = f"/api/users/{fresh.user_ids[Role.ADMINISTRATOR]}"
    last = fresh.client.patch(own, json={"role": "viewer"}, headers=fresh.bearer())
    assert last.status_code == 422, "one administrator has to stay"
    log = fresh.client.get("/api/audit?action=user_added", headers=fresh.bearer()).json()
    assert [entry["detail"]["username"] for entry in log["entries"]] == ["li.na"]
    assert "horse" not in fresh.client.get("/api/audit", headers=fresh.bearer()).text


def test_openapi_tells_of_every_address_with_examples(world: World) -> None:
    told = world.client.get("/openapi.json", headers=world.bearer()).json()
    upload = told["paths"]["/api/archives"]["post"]
    assert (
        "files" in upload["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    )
    assert upload["security"]
    problem = upload["responses"]["default"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    shapes = told["components"]["schemas"]
    for name in ("UploadShape", "ArchiveShape", "DocumentShape", "ModelsShape", "Problem"):
        assert shapes[name]["example"], name
    ids = [item["operationId"] for path in told["paths"].values() for item in path.values()]
    assert len(ids) == len(set(ids))
