"""The page of learnt keys, and what stands in the way of the review where people see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.learned_keys import KeyUse, LearnedKey
from archive.clock import utc_now
from archive.kept_settings import REVIEW_PROBLEM, write_setting
from archive.learned_keys import find_learned, write_learned
from archive.tables import Role
from tests.service.worlds import SCRIPT, World, running_world

PROBLEM = "Label Studio at http://studio.example does not answer; start it"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path) as made:
        yield made


def teach(world: World, text: str = "采购单位") -> LearnedKey:
    declaration = world.service.declarations[0]
    key = LearnedKey(KeyUse.KEY, declaration.fields[0].name, text, 4)
    with world.service.database.write() as session:
        write_learned(session, {declaration.name: (key,)}, utc_now())
    return key


def send(world: World, key: LearnedKey, role: Role, **more: str) -> tuple[int, str]:
    form = {
        "form_type": world.service.declarations[0].name,
        "use": str(key.use),
        "name": key.name,
        "text": key.text,
        **more,
    }
    answer = world.client.post(
        "/keys", data=form, headers=world.browser(role), follow_redirects=False
    )
    return answer.status_code, answer.headers.get("location", "")


def refused(world: World) -> list[bool]:
    with world.service.database.read() as session:
        return [key.refused for keys in find_learned(session).values() for key in keys]


def test_key_is_shown_refused_and_allowed_again(fresh: World) -> None:
    assert "还没有学到新的栏目名称" in fresh.client.get("/keys", headers=fresh.browser()).text
    key = teach(fresh)
    html = fresh.client.get("/keys", headers=fresh.browser()).text
    declaration = fresh.service.declarations[0]
    assert 'data-key="采购单位"' in html and declaration.fields[0].title in html
    assert send(fresh, key, Role.ENGINEER, refused="true") == (303, "/keys?said=key_changed")
    assert refused(fresh) == [True]
    assert "恢复" in fresh.client.get("/keys", headers=fresh.browser()).text
    assert send(fresh, key, Role.ENGINEER) == (303, "/keys?said=key_changed")
    assert refused(fresh) == [False]
    unknown = LearnedKey(key.use, key.name, "没有这条", 1)
    assert send(fresh, unknown, Role.ENGINEER, refused="true") == (303, "/keys?said=key_unknown")


def test_only_who_may_train_changes_keys(fresh: World) -> None:
    key = teach(fresh)
    html = fresh.client.get("/keys", headers=fresh.browser(Role.ANNOTATOR)).text
    assert 'data-key="采购单位"' in html and 'action="/keys"' not in html
    assert send(fresh, key, Role.ANNOTATOR, refused="true")[0] == 403
    assert refused(fresh) == [False]


def test_texts_of_documents_are_shown_as_texts(fresh: World) -> None:
    teach(fresh, SCRIPT)
    html = fresh.client.get("/keys", headers=fresh.browser()).text
    assert SCRIPT not in html and "&lt;script" in html


def test_problem_of_the_review_is_shown_to_who_can_do_something(fresh: World) -> None:
    def shown(address: str, role: Role) -> bool:
        answer = fresh.client.get(address, headers=fresh.browser(role))
        assert answer.status_code == 200
        return PROBLEM in answer.text

    assert not shown("/", Role.ENGINEER)
    with fresh.service.database.write() as session:
        write_setting(session, REVIEW_PROBLEM, {"text": PROBLEM})
    assert shown("/", Role.ENGINEER) and shown("/reviews/figures", Role.ENGINEER)
    assert not shown("/", Role.ANNOTATOR)
    metrics = fresh.client.get("/metrics", headers=fresh.bearer()).text
    assert "formloop_review_stands 1.0" in metrics
    assert 'formloop_review_tasks{state="waiting"} 0.0' in metrics
