"""What ``annotation.client`` promises, held by the real Label Studio and by the stand-in that
other tests use."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import httpx
import pytest

from annotation.client import LabelStudioClient
from annotation.errors import StudioMissing
from annotation.studio_json import StudioTask
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import FakeStudio
from tests.annotation.studio import RunningStudio

CONFIG = """<View>
  <Image name="page" valueList="$pages"/>
  <RectangleLabels name="label" toName="page">{labels}</RectangleLabels>
  <TextArea name="text" toName="page" perRegion="true" editable="true" maxSubmissions="1"/>
</View>"""
_numbers = itertools.count(1)


def config(*labels: str) -> str:
    return CONFIG.format(labels="".join(f'<Label value="{label}"/>' for label in labels))


def region(region_id: str, label: str, text: str) -> list[JsonObject]:
    place: JsonObject = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 5.0, "rotation": 0}
    common: JsonObject = {
        "id": region_id,
        "to_name": "page",
        "item_index": 0,
        "original_width": 1000,
        "original_height": 1400,
    }
    return [
        {
            **common,
            "from_name": "label",
            "type": "rectanglelabels",
            "value": {**place, "rectanglelabels": [label]},
        },
        {**common, "from_name": "text", "type": "textarea", "value": {**place, "text": [text]}},
    ]


def task(task_id: str, worth: float = 0.5) -> JsonObject:
    prediction: JsonObject = {
        "model_version": "formloop",
        "score": 0.5,
        "result": list(region("r1", "金额", "60.00")),
    }
    data: JsonObject = {"pages": ["http://127.0.0.1/1.png"], "task_id": task_id, "worth": worth}
    return {"data": data, "predictions": [prediction]}


@dataclass
class Place:
    """A client, and a person who answers behind its back: ``answer`` is given Label Studio's
    id of a task, ours, and a text, and returns the annotation's id."""

    client: LabelStudioClient
    answer: Callable[[int, str, str], int]
    edit: Callable[[int, str], None]
    delete: Callable[[int], None]


def real_place(studio: RunningStudio) -> Place:
    person = httpx.Client(
        base_url=studio.url, headers={"Authorization": f"Token {studio.account.token}"}
    )

    def answer(task_id: int, _ours: str, text: str) -> int:
        body = {"result": region("r1", "金额", text), "lead_time": 3.5}
        made = person.post(f"/api/tasks/{task_id}/annotations/", json=body).raise_for_status()
        return int(made.json()["id"])

    def edit(annotation_id: int, text: str) -> None:
        body = {"result": region("r1", "金额", text)}
        person.patch(f"/api/annotations/{annotation_id}/", json=body).raise_for_status()

    def delete(annotation_id: int) -> None:
        person.delete(f"/api/annotations/{annotation_id}/").raise_for_status()

    return Place(LabelStudioClient(studio.url, studio.account.token), answer, edit, delete)


def fake_place() -> Place:
    fake = FakeStudio()

    def answer(_task_id: int, ours: str, text: str) -> int:
        return fake.answer(ours, lambda _: region("r1", "金额", text))

    def edit(annotation_id: int, text: str) -> None:
        fake.edit(annotation_id, lambda _: region("r1", "金额", text))

    return Place(cast(LabelStudioClient, fake), answer, edit, fake.delete_annotation)


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.slow), "fake"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "fake":
        return fake_place()
    return real_place(request.getfixturevalue("studio"))


@pytest.fixture
def project(place: Place) -> int:
    title = f"合同 {next(_numbers)} {time.time_ns()}"
    return place.client.ensure_project(title, "formloop", config("金额", "年度"), None)


def test_it_knows_who_asks(place: Place) -> None:
    state = place.client.check()
    assert state.version and "@" in state.user


def test_a_project_is_made_once(place: Place, project: int) -> None:
    found = place.client.find_project(project)
    assert found is not None and found.project_id == project
    again = place.client.ensure_project(found.title, found.description, found.config, None)
    assert again == project, "as after a crash before its id was kept"
    wider = config("金额", "年度", "电话")
    assert place.client.ensure_project(found.title, found.description, wider, project) == project
    now = place.client.find_project(project)
    assert now is not None and "电话" in now.config


def test_a_form_may_have_a_short_name(place: Place) -> None:
    assert place.client.ensure_project("发票", "formloop", config("金额"), None) > 0


def test_a_project_that_is_gone_is_none(place: Place) -> None:
    assert place.client.find_project(987_654) is None
    with pytest.raises(StudioMissing):
        list(place.client.changed_tasks(987_654, None))


def test_tasks_are_pushed_once_and_in_order(place: Place, project: int) -> None:
    first = place.client.push_tasks(project, [task("A"), task("B")])
    again = place.client.push_tasks(project, [task("C"), task("B"), task("A")])
    assert again[1:] == (first[1], first[0])
    found = place.client.find_tasks(project, ["A", "C", "nothing"])
    assert found == {"A": first[0], "C": again[0]}
    assert len(list(place.client.changed_tasks(project, None))) == 3


def test_an_answer_an_edit_and_a_deletion_are_changes_of_the_task(
    place: Place, project: int
) -> None:
    (one, _) = place.client.push_tasks(project, [task("A"), task("B")])
    seen = [changed(place, project, None)["A"].updated_at]

    annotation = place.answer(one, "A", "61.00")
    answered = changed(place, project, seen[-1])["A"]
    (stands,) = answered.annotations
    assert (stands["id"], text_of(stands)) == (annotation, "61.00")
    assert [item["id"] for item in place.client.fetch_task_annotations(one)] == [annotation]
    seen.append(answered.updated_at)

    place.edit(annotation, "62.00")
    edited = changed(place, project, seen[-1])["A"]
    assert text_of(edited.annotations[0]) == "62.00"
    assert edited.annotations[0]["updated_at"] != stands["updated_at"]
    seen.append(edited.updated_at)

    place.delete(annotation)
    emptied = changed(place, project, seen[-1])["A"]
    assert emptied.annotations == ()
    assert seen == sorted(set(seen)) and emptied.updated_at > seen[-1]


def test_since_is_inclusive_and_nothing_else_comes(place: Place, project: int) -> None:
    ids = place.client.push_tasks(project, [task(f"T{number}") for number in range(5)])
    place.answer(ids[3], "T3", "1")
    place.answer(ids[1], "T1", "2")
    tasks = list(place.client.changed_tasks(project, None))
    assert [item.our_id for item in tasks][-2:] == ["T3", "T1"], "oldest change first"
    last = tasks[-1].updated_at
    assert [item.our_id for item in place.client.changed_tasks(project, last)] == ["T1"]
    assert not list(place.client.changed_tasks(project, last + timedelta(microseconds=1)))
    assert not list(place.client.changed_tasks(project, datetime.now(UTC) + timedelta(days=1)))


def test_more_tasks_than_a_page_each_come_once(place: Place, project: int) -> None:
    place.client.push_tasks(project, [task(f"T{number}") for number in range(120)])
    ids = [item.our_id for item in place.client.changed_tasks(project, None)]
    assert len(ids) == 120 == len(set(ids))


def test_annotations_outlast_a_new_config(place: Place, project: int) -> None:
    (one,) = place.client.push_tasks(project, [task("A")])
    annotation = place.answer(one, "A", "61.00")
    place.client.update_config(project, config("金额", "年度", "电话"))
    found = place.client.find_project(project)
    assert found is not None and "电话" in found.config
    (stands,) = place.client.fetch_task_annotations(one)
    assert (stands["id"], text_of(stands)) == (annotation, "61.00")
    with pytest.raises(StudioMissing):
        place.client.update_config(987_654, config("金额"))


def test_tasks_that_are_gone_may_be_deleted_again(place: Place, project: int) -> None:
    ids = place.client.push_tasks(project, [task("A"), task("B")])
    place.client.delete_tasks([ids[0]])
    place.client.delete_tasks(ids)
    assert place.client.find_tasks(project, ["A", "B"]) == {}
    with pytest.raises(StudioMissing):
        place.client.fetch_task_annotations(ids[0])


def changed(place: Place, project: int, since: datetime | None) -> dict[str, StudioTask]:
    return {item.our_id: item for item in place.client.changed_tasks(project, since)}


def text_of(annotation: JsonObject) -> str:
    results = cast(list[JsonObject], annotation["result"])
    value = next(item["value"] for item in results if item["type"] == "textarea")
    return str(cast(dict[str, list[str]], value)["text"][0])
