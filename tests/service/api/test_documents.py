"""Archives and documents over HTTP: what is shown, what may be done with them, what remains."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from threading import Event

import httpx
import pytest

from archive.audit import find_audit
from service.api.events import Rhythm, follow_archive
from tests.service.servers import served
from tests.service.worlds import World, pdf, sample_record


@pytest.fixture(scope="module")
def filled(world: World) -> tuple[str, list[str]]:
    """An archive with two finished documents and one that waits."""
    archive_id, ids = world.upload(
        ("a.pdf", pdf("a")), ("b.pdf", pdf("b")), ("c.pdf", pdf("c")), name="三份"
    )
    world.finish(ids[0], sample_record("a.pdf", "绩效目标", pages=2))
    world.finish(ids[1], sample_record("b.pdf", "自评报告"))
    return archive_id, ids


def get(world: World, path: str, status: int = 200) -> dict[str, object]:
    answer = world.client.get(path, headers=world.bearer())
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert isinstance(told, dict)
    return told


def test_an_archive_says_where_it_stands(world: World, filled: tuple[str, list[str]]) -> None:
    shown = get(world, f"/api/archives/{filled[0]}")
    assert shown["name"] == "三份"
    assert shown["counts"] == {
        "received": 1,
        "extracting": 0,
        "in_review": 2,
        "done": 0,
        "failed": 0,
        "cancelled": 0,
        "duplicates": 0,
        "refused": 0,
    }
    assert (shown["pages"], shown["pages_done"]) == (3, 3)
    assert {"pages_per_minute", "seconds_left"} <= shown.keys()
    listed = get(world, "/api/archives")["archives"]
    assert isinstance(listed, list) and shown["id"] in [item["id"] for item in listed]


def test_documents_are_found_by_words_state_and_archive(
    world: World, filled: tuple[str, list[str]]
) -> None:
    archive_id, ids = filled

    def found(query: str) -> list[str]:
        listed = get(world, f"/api/documents?archive={archive_id}&{query}")["documents"]
        assert isinstance(listed, list)
        return [item["id"] for item in listed]

    assert found("") == ids
    assert found("q=自评") == [ids[1]]
    assert found("state=received") == [ids[2]]
    assert found("state=received&state=in_review&descending=true") == ids[::-1]
    assert found("sort=name&page=2") == []
    assert found("form_type=project_performance_target") == ids[:2]
    get(world, "/api/documents?sort=nothing", 422)
    get(world, "/api/documents?state=lost", 422)
    get(world, "/api/documents?page=0", 422)


def test_a_record_is_given_as_it_was_stored(world: World, filled: tuple[str, list[str]]) -> None:
    path = f"/api/documents/{filled[1][0]}"
    record = get(world, f"{path}/record")
    assert record["schema"] == "formloop.record/1"
    assert get(world, f"{path}/record?revision=1") == record
    get(world, f"{path}/record?revision=2", 404)
    get(world, f"/api/documents/{filled[1][2]}/record", 404)
    answer = world.client.get(f"{path}/record", headers=world.bearer())
    assert answer.headers["formloop-revision"] == "1"
    history = get(world, f"{path}/history")["events"]
    assert isinstance(history, list)
    assert [event["kind"] for event in history] == ["received", "split", "assembled", "in_review"]


def test_a_duplicate_shows_the_record_of_its_original(
    world: World, filled: tuple[str, list[str]]
) -> None:
    _, [twin] = world.upload(("twin.pdf", pdf("a")))
    assert get(world, f"/api/documents/{twin}")["duplicate_of"] == filled[1][0]
    assert get(world, f"/api/documents/{twin}/record")["schema"] == "formloop.record/1"
    answer = world.client.get(f"/api/documents/{twin}/export?format=csv", headers=world.bearer())
    assert answer.status_code == 200


def test_pages_lead_to_pictures_that_need_no_sign_in(
    world: World, filled: tuple[str, list[str]]
) -> None:
    pages = get(world, f"/api/documents/{filled[1][0]}/pages")["pages"]
    assert isinstance(pages, list)
    assert [page["number"] for page in pages] == [1, 2]
    picture = world.client.get(pages[1]["picture"])
    assert picture.status_code == 200
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    again = get(world, f"/api/documents/{filled[1][0]}/pages")["pages"]
    assert again == pages, "a browser can keep the picture"


def test_cancel_retry_reprocess_follow_the_states(world: World) -> None:
    _, [document_id] = world.upload(("moves.pdf", pdf("moves")))

    def post(what: str) -> tuple[int, str]:
        answer = world.client.post(f"/api/documents/{document_id}/{what}", headers=world.bearer())
        told = answer.json()
        return answer.status_code, told.get("state") or told["type"]

    conflict = (409, "urn:formloop:problem:conflict")
    assert post("reprocess") == conflict
    assert post("retry") == conflict
    assert post("cancel") == (200, "cancelled")
    assert post("cancel") == conflict
    assert post("retry") == (200, "received")
    world.finish(document_id, sample_record())
    assert post("retry") == conflict
    assert post("reprocess") == (200, "received")
    shown = get(world, f"/api/documents/{document_id}")
    assert (shown["generation"], shown["revision"]) == (2, 1)


def test_priority_is_changed(world: World) -> None:
    _, [document_id] = world.upload(("urgent.pdf", pdf("urgent")))
    path = f"/api/documents/{document_id}/priority"
    done = world.client.post(path, json={"priority": 2}, headers=world.bearer())
    assert done.status_code == 200
    wrong = world.client.post(path, json={"priority": 987_654}, headers=world.bearer())
    assert wrong.status_code == 422
    assert "987654" not in wrong.text, "the wrong value is not sent back"


def test_deletion_deletes_rows_and_bytes(world: World) -> None:
    archive_id, ids = world.upload(("x.pdf", pdf("x to go")), ("y.pdf", pdf("y to go")))
    world.finish(ids[0], sample_record("x.pdf"))
    pages = get(world, f"/api/documents/{ids[0]}/pages")["pages"]
    assert isinstance(pages, list)
    keys = set(world.service.blobs.keys())
    gone = world.client.delete(f"/api/documents/{ids[0]}", headers=world.bearer())
    assert gone.status_code == 204
    get(world, f"/api/documents/{ids[0]}", 404)
    get(world, f"/api/documents/{ids[0]}/record", 404)
    assert world.client.get(pages[0]["picture"]).status_code == 404
    left = keys - set(world.service.blobs.keys())
    assert sorted(key.split("/")[0] for key in left) == ["documents", "sources"]
    all_gone = world.client.delete(f"/api/archives/{archive_id}", headers=world.bearer())
    assert all_gone.status_code == 204
    get(world, f"/api/archives/{archive_id}", 404)
    get(world, f"/api/documents/{ids[1]}", 404)


def test_what_matters_is_in_the_audit_log(world: World) -> None:
    _, [document_id] = world.upload(("seen.pdf", pdf("seen")))
    world.finish(document_id, sample_record("seen.pdf"))
    for path in ("", "/record", "/record", "/export?format=csv"):
        world.client.get(f"/api/documents/{document_id}{path}", headers=world.bearer())
    world.client.delete(f"/api/documents/{document_id}", headers=world.bearer())
    with world.service.database.read() as session:
        entries = find_audit(session, subject=f"document:{document_id}").entries
    assert [str(entry.action) for entry in entries] == ["deleted", "exported", "saw"]
    assert {entry.username for entry in entries} == {"administrator"}
    assert entries[0].detail["name"] == "seen.pdf"


def test_events_tell_changes_and_the_end(world: World) -> None:
    archive_id, [document_id] = world.upload(("live.pdf", pdf("live")))
    rhythm = Rhythm(look_s=0.01, alive_s=0.05, longest_s=20.0)

    async def watch() -> list[str]:
        said: list[str] = []
        stream: AsyncIterator[str] = follow_archive(world.service, archive_id, rhythm)
        async for message in stream:
            said.append(message)
            if len(said) == 2:
                await asyncio.to_thread(world.finish, document_id, sample_record())
            if len(said) > 3 and ": alive\n\n" in said:
                path = f"/api/archives/{archive_id}"
                await asyncio.to_thread(world.client.delete, path, headers=world.bearer())
        return said

    said = asyncio.run(watch())
    assert said[0] == "retry: 2000\n\n"
    counts = [json.loads(line.split("data: ")[1]) for line in said if "event: counts" in line]
    assert counts[0]["counts"]["received"] == 1
    assert counts[-1]["counts"]["in_review"] == 1
    assert said[-1] == "event: gone\ndata: {}\n\n"


def test_events_end_when_the_service_is_told_to_stop(world: World) -> None:
    archive_id, _ = world.upload(("stop.pdf", pdf("stop")))
    service = replace(world.service, stopping=Event())

    async def watch() -> int:
        count = 0
        async for _ in follow_archive(service, archive_id, Rhythm(0.01, 0.05, 20.0)):
            count += 1
            if count == 3:
                service.stopping.set()
        return count

    assert asyncio.run(watch()) == 3


def test_events_come_over_http_as_they_happen(world: World) -> None:
    archive_id, _ = world.upload(("sse.pdf", pdf("sse")))
    with served(world.app) as url:
        path = f"{url}/api/archives/{archive_id}/events"
        with httpx.stream("GET", path, headers=world.bearer(), timeout=20.0) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            assert next(lines) == "retry: 2000"
            said = next(line for line in lines if line.startswith("data: "))
    assert json.loads(said.removeprefix("data: "))["id"] == archive_id


def test_the_stream_of_an_unknown_archive_is_a_problem(world: World) -> None:
    get(world, "/api/archives/nope/events", 404)


@pytest.mark.parametrize("path", ["archives/nope", "documents/nope", "documents/nope/history"])
def test_what_is_not_there_is_a_problem(world: World, path: str) -> None:
    answer = world.client.get(f"/api/{path}", headers=world.bearer())
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == f"/api/{path}"


def test_problems_speak_the_language_asked_for(world: World) -> None:
    headers = world.bearer() | {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    told = world.client.get("/api/documents/nope", headers=headers).json()
    assert told["title"] == "找不到所请求的内容"
