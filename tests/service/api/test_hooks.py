"""Webhooks: let in by their secret, stored at once, believed once."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from archive.clock import utc_now
from archive.tables import AnnotationVersion, ReviewProject, ReviewTaskRow
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import FakeStudio, retype
from tests.archive.review_rows import FORMS, add_reviewed
from tests.service.worlds import World, running_world
from workers.review_place import ReviewPlace
from workers.review_projects import HOOK_HEADER, HOOK_PATH, hook_secret, keep_projects
from workers.review_push import push_due_tasks

LABEL_STUDIO_WAITS_S = 1.0
QUICK_S = 0.05


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("hooks")) as world:
        yield world


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def task_id(world: World, studio: FakeStudio, request: pytest.FixtureRequest) -> str:
    """A review task that is before people."""
    service = world.service
    with service.database.write() as session:
        _, task_id = add_reviewed(session, f"{request.node.name}.pdf", "buyer", "items[0].amount")
    secret = service.settings.secret_key
    place = ReviewPlace(service.database, studio, FORMS, "http://testserver", secret)
    keep_projects(place)
    push_due_tasks(place)
    return task_id


def send(world: World, body: object, secret: str | None = None) -> int:
    given = hook_secret(world.service.settings.secret_key) if secret is None else secret
    headers = {HOOK_HEADER: given, "Content-Type": "application/json"}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.client.post(HOOK_PATH, content=content, headers=headers).status_code


def versions(world: World, task_id: str) -> list[AnnotationVersion]:
    with world.service.database.read() as session:
        query = select(AnnotationVersion).where(AnnotationVersion.task_id == task_id)
        return list(session.scalars(query))


@pytest.mark.parametrize("secret", ["", "wrong", "0" * 64])
def test_without_the_secret_nothing_is_stored(
    world: World, studio: FakeStudio, task_id: str, secret: str
) -> None:
    studio.answer(task_id)
    assert send(world, studio.sent[-1], secret) == 401
    assert send(world, b"{", secret) == 401, "nor read"
    for headers in (world.bearer(), world.browser(), {}):
        answer = world.client.post(HOOK_PATH, json=studio.sent[-1], headers=headers)
        assert answer.status_code == 401
    assert versions(world, task_id) == []


def test_what_comes_twice_is_stored_once(world: World, studio: FakeStudio, task_id: str) -> None:
    number = studio.answer(task_id, retype({"8": "9"}))
    studio.edit(number, retype({"9": "7"}))
    for body in (*studio.sent, *reversed(studio.sent)):
        assert send(world, body) == 204
    stored = versions(world, task_id)
    assert [row.annotation_id for row in stored] == [number, number]
    assert all(row.applied_at is None for row in stored), "left to the review process"


def test_a_task_named_only_by_its_number_there_is_looked_into(
    world: World, studio: FakeStudio, task_id: str
) -> None:
    """Label Studio may have given the number of a deleted task to another."""
    studio.answer(task_id)
    body = studio.sent[-1]
    del body["task"]
    assert send(world, body) == 204
    assert versions(world, task_id) == []
    with world.service.database.read() as session:
        assert session.get_one(ReviewTaskRow, task_id).look_at is not None


def test_a_version_that_a_sweep_should_have_found_is_looked_into(
    world: World, studio: FakeStudio, task_id: str
) -> None:
    studio.answer(task_id)
    with world.service.database.write() as session:
        session.get_one(ReviewProject, "order").swept_until = utc_now()
    assert send(world, studio.sent[-1]) == 204
    with world.service.database.read() as session:
        assert session.get_one(ReviewTaskRow, task_id).look_at is not None


def test_a_deletion_is_looked_into(world: World, studio: FakeStudio, task_id: str) -> None:
    number = studio.answer(task_id)
    send(world, studio.sent[-1])
    studio.delete_annotation(number)
    assert send(world, studio.sent[-1]) == 204
    with world.service.database.read() as session:
        assert session.get_one(ReviewTaskRow, task_id).look_at is not None
    assert len(versions(world, task_id)) == 1, "only what Label Studio says is believed"


@pytest.mark.parametrize(
    "body",
    [
        {"action": "PROJECT_UPDATED", "project": {"id": 1}},
        {"action": "ANNOTATION_CREATED"},
        {"action": "ANNOTATION_CREATED", "annotation": {"id": 1, "task": 10**30}},
        {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 10**30}, {"id": None}, 3]},
        {"action": "TASKS_DELETED", "tasks": [{"id": 999}], "project": {"id": 1}},
        {
            "action": "ANNOTATION_CREATED",
            "annotation": {"id": 1, "task": 1, "result": [], "updated_at": "2026-01-01T00:00:00Z"},
            "task": {"id": 1, "data": {"task_id": "someone else's"}},
        },
    ],
)
def test_what_is_not_about_our_tasks_is_passed_over(world: World, body: JsonObject) -> None:
    assert send(world, body) == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), ([], 422), ({}, 422)],
)
def test_nonsense_is_refused(world: World, body: object, status: int) -> None:
    assert send(world, body) == status


def test_annotation_without_a_time_is_refused(
    world: World, studio: FakeStudio, task_id: str
) -> None:
    studio.answer(task_id)
    body = studio.sent[-1]
    annotation = body["annotation"]
    assert isinstance(annotation, dict)
    for wrong in ("soon", None, "9999-12-31T23:59:59-12:00"):
        annotation["updated_at"] = wrong
        assert send(world, body) == 422
    assert versions(world, task_id) == []


def test_it_answers_at_once(world: World, studio: FakeStudio, task_id: str) -> None:
    number = studio.answer(task_id)
    took = []
    for turn in range(20):
        studio.edit(number, retype({"8": str(turn)}))
        started = time.perf_counter()
        assert send(world, studio.sent[-1]) == 204
        took.append(time.perf_counter() - started)
    # Most of them: this machine may have other work.
    assert statistics.quantiles(took, n=4)[0] < QUICK_S
    assert max(took) < LABEL_STUDIO_WAITS_S
