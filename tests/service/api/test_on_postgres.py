"""The API over PostgreSQL, whose ideas of text and numbers differ from SQLite's."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest
from schemathesis import GenerationMode

from tests.archive.postgres import running_postgres
from tests.service.made_up import ask_made_up
from tests.service.worlds import World, pdf, running_world, sample_record


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_postgres() as server:
        with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE api")
        with running_world(tmp_path_factory.mktemp("data"), database_url=server.url_of("api")) as w:
            yield w


def test_a_document_goes_all_its_way(world: World) -> None:
    archive_id, [document_id, _] = world.upload(("表.pdf", pdf("p")), ("twin.pdf", pdf("p")))
    world.finish(document_id, sample_record("表.pdf"))
    for path in ("", "/record", "/history", "/pages", "/export?format=xlsx"):
        answer = world.client.get(f"/api/documents/{document_id}{path}", headers=world.bearer())
        assert answer.status_code == 200, path
    shown = world.client.get(f"/api/archives/{archive_id}", headers=world.bearer()).json()
    assert (shown["counts"]["in_review"], shown["counts"]["duplicates"]) == (1, 1)
    found = world.client.get("/api/documents?q=绩效", headers=world.bearer()).json()
    assert [item["id"] for item in found["documents"]] == [document_id]
    assert 'state="in_review"' in world.client.get("/metrics", headers=world.bearer()).text
    gone = world.client.delete(f"/api/archives/{archive_id}", headers=world.bearer())
    assert gone.status_code == 204
    assert list(world.service.blobs.keys("sources")) == []


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_made_up_requests_break_nothing(world: World, mode: GenerationMode) -> None:
    world.send_canary()
    assert ask_made_up(world, mode) > 30


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\x1b[31m"])
def test_text_that_no_database_stores(world: World, text: str) -> None:
    wanted = json.dumps({"name": text, "scopes": ["see"]})
    headers = world.bearer() | {"Content-Type": "application/json"}
    assert world.client.post("/api/tokens", content=wanted, headers=headers).status_code == 422
    form = {"name": f"box {text}".encode(errors="surrogatepass")}
    answer = world.client.post(
        "/api/archives",
        data=form,
        files=[("files", ("a.pdf", pdf(ascii(text))))],
        headers=world.bearer(),
    )
    assert answer.status_code == 201
    for query in ("q=%00", "q=%ED%A0%80", "archive=a%00", "sort=field:%00"):
        answer = world.client.get(f"/api/documents?{query}", headers=world.bearer())
        assert answer.status_code in (200, 400, 422), query
