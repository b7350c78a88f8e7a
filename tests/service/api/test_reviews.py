"""The review over the API: what is asked, what was said, who settles it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from annotation.policy import USUAL_POLICY
from archive.audit import find_audit
from archive.kept_settings import find_review_policy
from archive.tables import Role
from tests.annotation.fake_studio import FakeStudio, retype
from tests.archive.review_rows import FORMS, add_reviewed
from tests.service.worlds import World, running_world
from workers.review_apply import apply_received
from workers.review_place import ReviewPlace
from workers.review_projects import keep_projects
from workers.review_push import push_due_tasks
from workers.review_sweep import sweep

STUDIO_URL = "https://studio.example/review"
FORM = "project_performance_target"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("reviews")) as world:
        settings = replace(world.service.settings, label_studio_public_url=STUDIO_URL)
        declarations = (*world.service.declarations, *FORMS.values())
        world.app.state.service = replace(
            world.service, settings=settings, declarations=declarations
        )
        yield replace(world, service=world.app.state.service)


@pytest.fixture
def disputed(world: World, request: pytest.FixtureRequest) -> tuple[str, FakeStudio]:
    """A document on whose amount two people disagree."""
    studio, service = FakeStudio(), world.service
    with service.database.write() as session:
        document, task_id = add_reviewed(
            session, f"{request.node.name}.pdf", "buyer", "items[0].amount"
        )
    secret = service.settings.secret_key
    place = ReviewPlace(service.database, studio, FORMS, "http://testserver", secret)
    keep_projects(place)
    push_due_tasks(place)
    studio.answer(task_id, retype({"8": "9"}), author=1)
    studio.answer(task_id, retype({"8": "7"}), author=2)
    sweep(place)
    apply_received(service.database, FORMS)
    return document.id, studio


def ask(world: World, path: str, role: Role = Role.ANNOTATOR) -> dict:  # type: ignore[type-arg]
    answer = world.client.get(f"/api/{path}", headers=world.bearer(role))
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def test_document_leads_to_its_task_and_to_what_was_said(
    world: World, disputed: tuple[str, FakeStudio]
) -> None:
    document_id, studio = disputed
    told = ask(world, f"documents/{document_id}/review")
    (task,) = studio.tasks.values()
    assert told["task"]["state"] == "answered"
    assert told["task"]["url"] == f"{STUDIO_URL}/projects/1/data?task={task.task_id}"
    said = {(one["path"], one["author"]): one for one in told["corrections"]}
    mine = said["items[0].amount", "annotator1@example.com"]
    assert (mine["before"]["text"], mine["after"]["text"]) == ("8", "9")
    assert mine["annotation_id"] in studio.annotations
    (dispute,) = told["disagreements"]
    assert dispute["texts"] == {"annotator1@example.com": "9", "annotator2@example.com": "7"}
    # What is only looked at to measure must not be told to who may be asked.
    assert "audit" not in str(told)


def test_engineer_settles_and_annotator_does_not(
    world: World, disputed: tuple[str, FakeStudio]
) -> None:
    document_id, _ = disputed
    (dispute,) = ask(world, f"documents/{document_id}/review")["disagreements"]
    path = f"/api/disagreements/{dispute['id']}/settle"
    refused = world.client.post(path, json={"text": "7"}, headers=world.bearer(Role.ANNOTATOR))
    assert refused.status_code == 403
    answer = world.client.post(path, json={"text": "7"}, headers=world.bearer(Role.ENGINEER))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["task"]["state"] == "settled"
    assert [one["settled_by"] for one in told["disagreements"]] == ["choice"]
    assert ask(world, f"documents/{document_id}")["state"] == "done"
    record = ask(world, f"documents/{document_id}/record")
    assert "7" in str(record["groups"]["items"][0]["amount"])
    history = ask(world, f"documents/{document_id}/history")["events"]
    assert {"disagreed", "settled", "corrected"} <= {event["kind"] for event in history}
    with world.service.database.read() as session:
        entries = find_audit(session, subject=f"document:{document_id}").entries
        assert any(entry.detail.get("chosen") == "7" for entry in entries)


def test_a_document_without_a_task_has_nothing_to_tell(world: World) -> None:
    _, [document_id] = world.upload(("x.pdf", b"%PDF-1.7 x"))
    told = ask(world, f"documents/{document_id}/review")
    assert told == {"task": None, "corrections": [], "disagreements": []}
    gone = world.client.get("/api/documents/none/review", headers=world.bearer())
    assert gone.status_code == 404


def test_standing_of_the_whole_review(world: World, disputed: tuple[str, FakeStudio]) -> None:
    told = ask(world, "review")
    assert told["problem"] is None and told["answered"] >= 1
    urls = {one["form_type"]: one["url"] for one in told["projects"]}
    assert urls == {"order": f"{STUDIO_URL}/projects/1/data"}


def test_policy_is_set_per_form_type(world: World) -> None:
    path = f"review-policies/{FORM}"
    form = next(one for one in world.service.declarations if one.name == FORM)
    assert ask(world, path, Role.ENGINEER)["threshold"] == USUAL_POLICY.threshold
    wanted = {
        "threshold": 0.8,
        "always_review": [form.fields[0].name],
        "audit_documents": 0.5,
        "audit_fields": 0.1,
    }
    headers = world.bearer(Role.ENGINEER)
    assert world.client.put(f"/api/{path}", json=wanted, headers=headers).json() == wanted
    assert ask(world, path, Role.ENGINEER) == wanted
    with world.service.database.read() as session:
        assert find_review_policy(session, FORM).audited_share == pytest.approx(0.05)
        assert find_review_policy(session, "order").threshold == USUAL_POLICY.threshold


@pytest.mark.parametrize(
    ("form", "wrong", "status"),
    [
        ("no_such_form", {}, 404),
        (FORM, {"threshold": 1.5}, 422),
        (FORM, {"audit_fields": "many"}, 422),
        (FORM, {"always_review": ["no_such_field"]}, 422),
    ],
)
def test_a_wrong_policy_is_refused(world: World, form: str, wrong: object, status: int) -> None:
    headers = world.bearer(Role.ENGINEER)
    answer = world.client.put(f"/api/review-policies/{form}", json=wrong, headers=headers)
    assert answer.status_code == status


def test_the_secret_of_the_audit_is_told_to_engineers_only(world: World) -> None:
    for role, status in ((Role.ANNOTATOR, 403), (Role.ENGINEER, 200)):
        path = f"/api/review-policies/{FORM}"
        assert world.client.get(path, headers=world.bearer(role)).status_code == status
