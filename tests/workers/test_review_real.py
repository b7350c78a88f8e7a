"""The review loop over a real Label Studio, answered over its API as its pages do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from annotation.errors import StudioGone
from archive.clock import utc_now
from archive.review_state import find_review_problem
from archive.tables import ReviewState
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import retype
from tests.annotation.studio import RunningStudio, studio
from tests.archive.review_rows import FORMS, add_reviewed, find_row, newest_texts
from tests.service.worlds import World, running_world
from tests.workers.review_rig import review_place
from workers.review_apply import apply_received
from workers.review_place import ReviewPlace, told
from workers.review_projects import keep_projects
from workers.review_push import push_due_tasks
from workers.review_sweep import Rounds, check_tasks, clear_abandoned, look_at_tasks, sweep

__all__ = ["studio"]

pytestmark = pytest.mark.slow

TYPO = "items[0].amount"
SOON_S = 15.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("real")) as world:
        yield world


@pytest.fixture
def place(world: World, studio: RunningStudio) -> Iterator[ReviewPlace]:
    with review_place(world, studio.url, studio.account.token) as place:
        keep_projects(place)
        yield place


@pytest.fixture
def person(studio: RunningStudio) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Token {studio.account.token}"}
    with httpx.Client(base_url=studio.url, headers=headers, timeout=60.0) as client:
        yield client


def ask(place: ReviewPlace, name: str) -> tuple[str, str, int]:
    """A document before people: its id, its task's, and that of Label Studio."""
    with place.database.write() as session:
        document, task_id = add_reviewed(session, name, "buyer", TYPO)
    assert push_due_tasks(place, utc_now()) == 1
    with place.database.read() as session:
        studio_id = find_row(session, task_id).label_studio_task_id
    assert studio_id is not None
    return document.id, task_id, studio_id


def answer(person: httpx.Client, studio_id: int, old: str, new: str) -> int:
    """What the page sends when somebody retypes a suggestion and submits it."""
    task = person.get(f"/api/tasks/{studio_id}/").raise_for_status().json()
    results: list[JsonObject] = task["predictions"][0]["result"]
    body = {"result": retype({old: new})(results), "lead_time": 8.5}
    made = person.post(f"/api/tasks/{studio_id}/annotations/", json=body).raise_for_status()
    return int(made.json()["id"])


def wait_for(condition: Callable[[], object], seconds: float = SOON_S) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def text(place: ReviewPlace, document_id: str) -> str:
    with place.database.read() as session:
        return newest_texts(session, document_id)[TYPO]


def state(place: ReviewPlace, task_id: str) -> ReviewState:
    with place.database.read() as session:
        return find_row(session, task_id).state


def test_its_webhook_brings_an_answer_without_a_sweep(
    place: ReviewPlace, person: httpx.Client
) -> None:
    document_id, _, studio_id = ask(place, "hook.pdf")
    number = answer(person, studio_id, "8", "9")
    wait_for(lambda: apply_received(place.database, FORMS))
    assert text(place, document_id) == "9"
    versions = sweep(place)
    assert versions == 0, "webhook and sweep say the same of the same version"
    person.delete(f"/api/annotations/{number}/").raise_for_status()
    wait_for(lambda: look_at_tasks(place))
    apply_received(place.database, FORMS)
    assert text(place, document_id) == "8"


def test_its_api_alone_brings_answers_edits_and_deletions(
    place: ReviewPlace, person: httpx.Client
) -> None:
    document_id, task_id, studio_id = ask(place, "sweep.pdf")
    for hook in person.get("/api/webhooks/").raise_for_status().json():
        person.delete(f"/api/webhooks/{hook['id']}/").raise_for_status()
    number = answer(person, studio_id, "8", "9")
    assert sweep(place) == 1
    apply_received(place.database, FORMS)
    assert text(place, document_id) == "9"
    found = person.get(f"/api/annotations/{number}/").raise_for_status().json()
    edited = {"result": retype({"9": "7"})(found["result"])}
    person.patch(f"/api/annotations/{number}/", json=edited).raise_for_status()
    assert sweep(place) == 1
    apply_received(place.database, FORMS)
    assert text(place, document_id) == "7"
    person.delete(f"/api/annotations/{number}/").raise_for_status()
    assert sweep(place) == 1
    apply_received(place.database, FORMS)
    assert state(place, task_id) == ReviewState.PUSHED
    assert sweep(place) == 0


def test_task_and_project_deleted_by_hand_are_made_again(
    place: ReviewPlace, person: httpx.Client
) -> None:
    document_id, task_id, studio_id = ask(place, "gone.pdf")
    person.delete(f"/api/tasks/{studio_id}/").raise_for_status()
    assert check_tasks(place, Rounds({})) == 1
    assert push_due_tasks(place) >= 1
    with place.database.read() as session:
        row = find_row(session, task_id)
    # On SQLite it may have been given the number of the one that was deleted.
    assert row.label_studio_task_id is not None and row.project_id is not None
    person.delete(f"/api/projects/{row.project_id}/").raise_for_status()
    assert not told(place, sweep)
    keep_projects(place)
    assert push_due_tasks(place) >= 1
    with place.database.read() as session:
        again = find_row(session, task_id)
    assert again.project_id != row.project_id and again.label_studio_task_id is not None
    answer(person, again.label_studio_task_id, "8", "9")
    sweep(place)
    apply_received(place.database, FORMS)
    with place.database.read() as session:
        assert find_row(session, task_id).state == ReviewState.SETTLED
    assert text(place, document_id) == "9"
    clear_abandoned(place)


def test_killed_in_the_middle_nothing_is_lost(
    place: ReviewPlace, person: httpx.Client, studio: RunningStudio
) -> None:
    document_id, task_id, studio_id = ask(place, "killed.pdf")
    answer(person, studio_id, "8", "9")
    studio.kill()
    assert not told(place, sweep)
    with pytest.raises(StudioGone):
        push_due_tasks_of_one_more(place)
    with place.database.read() as session:
        assert "start it" in str(find_review_problem(session))
    studio.start()
    studio.wait()
    assert told(place, sweep)
    apply_received(place.database, FORMS)
    assert text(place, document_id) == "9"
    assert state(place, task_id) == ReviewState.SETTLED
    with place.database.read() as session:
        assert find_review_problem(session) is None
    assert push_due_tasks(place, utc_now().replace(year=2100)) == 1


def push_due_tasks_of_one_more(place: ReviewPlace) -> None:
    with place.database.write() as session:
        add_reviewed(session, "waits.pdf", "buyer")
    push_due_tasks(place)
