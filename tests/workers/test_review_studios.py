"""The review loop over a Label Studio as others run it: on PostgreSQL, under a path of a proxy,
with legacy and personal tokens, and with a thousand tasks at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest
from sqlalchemy import func, select

from annotation.client import LabelStudioClient
from annotation.errors import StudioRefused
from annotation.task import MODEL_VERSION
from archive.clock import utc_now
from archive.tables import ReviewState, ReviewTaskRow
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import retype
from tests.annotation.proxy import Passed, proxied
from tests.annotation.studio import RunningStudio, running_studio_on_postgres
from tests.archive.postgres import running_postgres
from tests.archive.review_rows import FORMS, add_reviewed
from tests.service.annotator import Annotator
from tests.service.chromium import open_browser
from tests.service.servers import free_port
from tests.service.worlds import World, running_world
from tests.workers.review_rig import review_place
from tests.workers.test_review_real import answer, ask, state, text, wait_for
from workers.review_apply import apply_received
from workers.review_place import ReviewPlace
from workers.review_projects import keep_projects
from workers.review_push import MOST_TASKS, push_due_tasks
from workers.review_sweep import sweep

pytestmark = pytest.mark.slow

PATH = "/tools/ls"
WORDS = """<View><Text name="words" value="$title"/>
  <TextArea name="text" toName="words"/></View>"""
THOUSAND = 1000


@dataclass(frozen=True)
class Proxied:
    """A Label Studio, its address for all others, and what was asked of it there."""

    studio: RunningStudio
    url: str
    passed: Passed

    def person(self, token: str) -> httpx.Client:
        headers = {"Authorization": token}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    own_port, port = free_port(), free_port()
    folder = tmp_path_factory.mktemp("studio")
    with (
        running_postgres() as postgres,
        proxied(f"http://127.0.0.1:{own_port}", PATH, port) as (url, passed),
        running_studio_on_postgres(folder, postgres, own_port, url) as studio,
    ):
        yield Proxied(studio, url, passed)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("elsewhere")) as world:
        yield world


@pytest.fixture
def place(world: World, elsewhere: Proxied) -> Iterator[ReviewPlace]:
    with review_place(world, elsewhere.url, elsewhere.studio.account.token) as place:
        yield place


@pytest.fixture(scope="module")
def personal_token(elsewhere: Proxied) -> str:
    """As its page Account & Settings gives it: a JWT that access tokens are got by."""
    with elsewhere.person(f"Token {elsewhere.studio.account.token}") as person:
        wanted = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}
        person.post("/api/jwt/settings", json=wanted).raise_for_status()
        return str(person.post("/api/token/", json={}).raise_for_status().json()["token"])


def round_trip(place: ReviewPlace, elsewhere: Proxied, name: str) -> None:
    """Asked, answered, told by webhook, edited, found by a sweep, deleted."""
    keep_projects(place)
    document_id, task_id, studio_id = ask(place, name)
    with elsewhere.person(f"Token {elsewhere.studio.account.token}") as person:
        number = answer(person, studio_id, "8", "9")
        wait_for(lambda: apply_received(place.database, FORMS))
        assert text(place, document_id) == "9"
        assert sweep(place) == 0, "webhook and sweep say the same of the same version"
        for hook in person.get("/api/webhooks/").raise_for_status().json():
            person.delete(f"/api/webhooks/{hook['id']}/").raise_for_status()
        found = person.get(f"/api/annotations/{number}/").raise_for_status().json()
        edited = {"result": retype({"9": "7"})(found["result"])}
        person.patch(f"/api/annotations/{number}/", json=edited).raise_for_status()
        assert sweep(place) == 1
        apply_received(place.database, FORMS)
        assert text(place, document_id) == "7"
        person.delete(f"/api/annotations/{number}/").raise_for_status()
    assert sweep(place) == 1
    apply_received(place.database, FORMS)
    assert text(place, document_id) == "8"
    assert state(place, task_id) == ReviewState.PUSHED


def test_on_postgresql_under_a_path_with_a_legacy_token(
    place: ReviewPlace, elsewhere: Proxied
) -> None:
    assert place.studio.check().version.startswith("1.23")
    round_trip(place, elsewhere, "legacy.pdf")


def test_on_postgresql_under_a_path_with_a_personal_token(
    place: ReviewPlace, elsewhere: Proxied, personal_token: str
) -> None:
    assert personal_token.count(".") == 2
    client = LabelStudioClient(elsewhere.url, personal_token)
    assert client.check().user == elsewhere.studio.account.username
    round_trip(replace(place, studio=client), elsewhere, "personal.pdf")
    client.close()


def test_a_legacy_token_that_is_switched_off_says_what_to_do(
    elsewhere: Proxied, personal_token: str
) -> None:
    exchanged = httpx.post(f"{elsewhere.url}/api/token/refresh/", json={"refresh": personal_token})
    with elsewhere.person(f"Bearer {exchanged.json()['access']}") as person:
        settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": False}
        person.post("/api/jwt/settings", json=settings).raise_for_status()
        try:
            legacy = LabelStudioClient(elsewhere.url, elsewhere.studio.account.token)
            with pytest.raises(StudioRefused, match="FORMLOOP_LABEL_STUDIO_TOKEN"):
                legacy.check()
            assert LabelStudioClient(elsewhere.url, personal_token).check().version
        finally:
            settings["legacy_api_tokens_enabled"] = True
            person.post("/api/jwt/settings", json=settings).raise_for_status()


def test_its_page_under_a_path_shows_and_takes_the_task(
    place: ReviewPlace, elsewhere: Proxied
) -> None:
    keep_projects(place)
    document_id, task_id, _ = ask(place, "page.pdf")
    with place.database.read() as session:
        project = session.get_one(ReviewTaskRow, task_id).project_id
    assert project is not None
    with open_browser() as browser:
        window = browser.new_page(locale="zh-CN", viewport={"width": 1600, "height": 1000})
        person = Annotator(window, elsewhere.url)
        account = elsewhere.studio.account
        person.log_in(account.username, account.password)
        window.goto(f"{elsewhere.url}/projects/{project}/data?task={studio_id_of(place, task_id)}")
        window.locator(".lsf-outliner-item").first.wait_for()
        assert person.shown_titles()
        person.submit()
    wait_for(lambda: sweep(place) + apply_received(place.database, FORMS))
    assert state(place, task_id) == ReviewState.SETTLED
    assert text(place, document_id) == "8"


def test_label_all_tasks_hands_out_what_is_worth_most_first(
    place: ReviewPlace, elsewhere: Proxied
) -> None:
    client = place.studio
    project = client.ensure_project("the order of tasks", "formloop · order", WORDS, None)
    worths = (0.02, 0.5, 0.1)
    client.push_tasks(project, [worth_to_task(worth) for worth in worths])
    with elsewhere.person(f"Token {elsewhere.studio.account.token}") as person:
        handed = []
        for _ in worths:
            # As its button asks for the next.
            address = f"/api/dm/actions?id=next_task&project={project}"
            task = person.post(address, json={}).raise_for_status().json()
            handed.append(task["data"]["worth"])
            address = f"/api/tasks/{task['id']}/annotations/"
            person.post(address, json={"result": []}).raise_for_status()
    assert handed == sorted(worths, reverse=True)


def worth_to_task(worth: float) -> JsonObject:
    data: JsonObject = {"task_id": f"worth {worth}", "pages": [], "worth": worth, "title": "A"}
    scored: JsonObject = {"model_version": MODEL_VERSION, "score": 1 / (1 + worth), "result": []}
    return {"data": data, "predictions": [scored]}


def studio_id_of(place: ReviewPlace, task_id: str) -> int | None:
    with place.database.read() as session:
        return session.get_one(ReviewTaskRow, task_id).label_studio_task_id


@pytest.mark.soak
def test_thousand_tasks_are_put_before_people_and_none_is_refused(
    place: ReviewPlace, elsewhere: Proxied
) -> None:
    keep_projects(place)
    for start in range(0, THOUSAND, MOST_TASKS):
        with place.database.write() as session:
            for number in range(start, start + MOST_TASKS):
                add_reviewed(session, f"{number}.pdf", "buyer")
    elsewhere.passed.answers.clear()
    begun, pushed, imports = time.monotonic(), 0, 0
    while pushed < THOUSAND:
        some = push_due_tasks(place, utc_now())
        pushed, imports = pushed + some, imports + bool(some)
        assert time.monotonic() - begun < 1200
        time.sleep(1.0)
    taken = time.monotonic() - begun
    asked = elsewhere.passed.answers.total()
    swept_at = time.monotonic()
    assert sweep(place) == 0
    sweep_s = time.monotonic() - swept_at
    told = dict(elsewhere.passed.answers)
    print(  # noqa: T201
        f"\n{pushed} tasks in {imports} batches, {asked} requests, {taken:.0f} s; one sweep over"
        f" them: {elsewhere.passed.answers.total() - asked} requests, {sweep_s:.1f} s; {told}"
    )
    assert pushed == THOUSAND
    assert elsewhere.passed.refused == 0
    with place.database.read() as session:
        query = select(func.count()).where(ReviewTaskRow.state == ReviewState.PUSHED)
        assert (session.scalar(query) or 0) >= THOUSAND
