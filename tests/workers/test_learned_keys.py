"""Keys that corrected documents print reach a road between two steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from annotation.learned_keys import KeyUse
from archive.blobs import Blobs
from archive.clock import utc_now
from archive.database import Database
from archive.errors import DatabaseGone
from archive.learned_keys import change_refusal, find_learned
from extraction.fields.key_match import comparable
from extraction.limits import Limits
from extraction.pipeline import Stations
from tests.annotation.small_form import DECLARATION
from tests.archive.review_rows import add_reviewed
from tests.archive.saying import say
from tests.workers.fake_road import build as build_fake_road
from tests.workers.test_training_examples import keep_reading
from workers.extract_process import renew_learned
from workers.learned_keys import learn_keys_due, read_declarations
from workers.road import StationsRoad

_ITEMS = DECLARATION.group("items")
_LIMIT = _ITEMS.column("limit").model_copy(update={"title": "额度", "keys": ()})
_COLUMNS = tuple(_LIMIT if item.name == "limit" else item for item in _ITEMS.columns)
BARE = DECLARATION.model_copy(update={"groups": (_ITEMS.model_copy(update={"columns": _COLUMNS}),)})
"""It calls a column otherwise than the small form does."""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    found = Database(f"sqlite:///{tmp_path / 'test.db'}")
    found.migrate()
    return found


def bare_road() -> StationsRoad:
    """The real road without an engine."""
    nothing = cast(Any, None)
    return StationsRoad(Stations(nothing, nothing, nothing, (BARE,), nothing, Limits(), 0.9))


def correct_two(database: Database, blobs: Blobs) -> None:
    for number, name in enumerate(("a.pdf", "b.pdf"), start=1):
        with database.write() as session:
            document, task_id = add_reviewed(session, name, "items[0].limit")
            keep_reading(session, blobs, document)
            say(session, task_id, number)


def known_keys(road: StationsRoad) -> tuple[str, ...]:
    return road.stations.declarations[0].group("items").column("limit").keys


def test_two_corrected_documents_teach_the_road_a_key(database: Database, tmp_path: Path) -> None:
    blobs, road = Blobs(str(tmp_path / "blobs")), bare_road()
    assert not learn_keys_due(database, blobs, (BARE,)), "nobody said anything yet"
    assert not renew_learned(road, database, (BARE,))
    correct_two(database, blobs)
    assert learn_keys_due(database, blobs, (BARE,))
    assert not learn_keys_due(database, blobs, (BARE,))
    assert renew_learned(road, database, (BARE,))
    assert known_keys(road) == ("限额",)
    assert road.keys == "1" and not renew_learned(road, database, (BARE,))
    assert read_declarations(database, (BARE,)) == road.stations.declarations
    assert not renew_learned(build_fake_road(), database, (BARE,))


def test_refused_key_is_taken_out_again(database: Database, tmp_path: Path) -> None:
    blobs, road = Blobs(str(tmp_path / "blobs")), bare_road()
    correct_two(database, blobs)
    learn_keys_due(database, blobs, (BARE,))
    renew_learned(road, database, (BARE,))
    place = (KeyUse.KEY, "items.limit", comparable("限额"))
    with database.write() as session:
        assert place in {key.place for key in find_learned(session)["order"]}
        change_refusal(session, "order", place, refused=True, now=utc_now())
    assert renew_learned(road, database, (BARE,))
    assert known_keys(road) == () and road.keys == "2"


def test_road_keeps_its_keys_while_the_database_is_gone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise DatabaseGone("the database does not answer")

    monkeypatch.setattr(database, "read", gone)
    road = bare_road()
    assert not renew_learned(road, database, (BARE,)) and known_keys(road) == ()
