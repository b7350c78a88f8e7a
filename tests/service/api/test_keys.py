"""The keys learnt from corrections, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotation.learned_keys import KeyUse, LearnedKey
from archive.audit import Action, find_audit
from archive.clock import utc_now
from archive.learned_keys import find_learned, write_learned
from archive.tables import Role
from service.api.openapi import app_to_openapi
from tests.service.worlds import World, running_world

API = "/api/keys"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    with running_world(tmp_path) as made:
        yield made


def teach(world: World) -> dict[str, str]:
    """One learnt key, as the addresses name it."""
    declaration = world.service.declarations[0]
    key = LearnedKey(KeyUse.KEY, declaration.fields[0].name, "采购单位：", 4)
    with world.service.database.write() as session:
        write_learned(session, {declaration.name: (key,)}, utc_now())
    return {"form_type": declaration.name, "use": "key", "name": key.name, "text": key.text}


def test_keys_are_told_refused_and_allowed_again(fresh: World) -> None:
    told = fresh.client.get(API, headers=fresh.bearer(Role.VIEWER)).json()
    assert told == {"version": 0, "keys": []}
    place = teach(fresh)
    told = fresh.client.get(API, headers=fresh.bearer(Role.VIEWER)).json()
    assert told == {"version": 1, "keys": [{**place, "documents": 4, "refused": False}]}
    engineer = fresh.bearer(Role.ENGINEER)
    told = fresh.client.post(f"{API}/refuse", json=place, headers=engineer).json()
    assert told == {"version": 2, "keys": [{**place, "documents": 4, "refused": True}]}
    with fresh.service.database.read() as session:
        [[kept]] = find_learned(session).values()
        assert kept.refused
        [entry, *_] = find_audit(session, action=Action.CHANGED).entries
    assert (entry.username, entry.subject) == ("engineer", f"keys:{place['form_type']}")
    assert entry.detail == {"name": place["name"], "text": place["text"], "refused": "true"}
    told = fresh.client.post(f"{API}/allow", json=place, headers=engineer).json()
    assert (told["version"], told["keys"][0]["refused"]) == (3, False)


def test_a_key_that_was_not_learnt_is_not_found(fresh: World) -> None:
    place = teach(fresh)
    for wrong in ({"text": "没有这条"}, {"use": "title"}, {"form_type": "none"}, {"name": "none"}):
        answer = fresh.client.post(f"{API}/refuse", json={**place, **wrong}, headers=fresh.bearer())
        assert answer.status_code == 404, wrong
    answer = fresh.client.post(f"{API}/refuse", json={**place, "use": "?"}, headers=fresh.bearer())
    assert answer.status_code == 422


def test_who_may_not_train_changes_nothing(fresh: World) -> None:
    place = teach(fresh)
    for act in ("refuse", "allow"):
        answer = fresh.client.post(f"{API}/{act}", json=place, headers=fresh.bearer(Role.ANNOTATOR))
        assert answer.status_code == 403


def test_the_description_has_an_example(fresh: World) -> None:
    document = app_to_openapi(fresh.app)
    assert {"/api/keys", "/api/keys/refuse", "/api/keys/allow"} <= set(document["paths"])
    for name in ("KeysShape", "KeyShape", "KeyPlaceShape"):
        assert "example" in document["components"]["schemas"][name]
