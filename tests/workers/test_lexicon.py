"""The lexicon and OCR versions reach a road between two steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from archive.clock import utc_now
from archive.database import Database
from archive.lexicon import find_rules, write_rules
from extraction.declarations import load_declarations
from extraction.lexicon import NO_LEXICON
from extraction.limits import Limits
from extraction.pipeline import Stations
from tests.workers.fake_road import build as build_fake_road
from workers.extract_process import renew_learned
from workers.lexicon import learn_due
from workers.road import StationsRoad


def bare_road() -> StationsRoad:
    """The real road without an engine."""
    nothing = cast(Any, None)
    stations = Stations(nothing, nothing, nothing, (), nothing, Limits(), 0.9)
    return StationsRoad(stations)


def test_road_takes_what_was_learnt_and_drops_it_when_it_is_switched_off(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.migrate()
    road, declarations = bare_road(), load_declarations()
    assert not renew_learned(road, database, declarations)
    assert learn_due(database, declarations)
    assert not learn_due(database, declarations)
    assert renew_learned(road, database, declarations)
    assert road.stations.lexicon.version == "1" and road.stations.lexicon.vocabularies
    assert not renew_learned(road, database, declarations)
    with database.write() as session:
        off = replace(find_rules(session), active=False)
        write_rules(session, off, declarations, utc_now())
    assert renew_learned(road, database, declarations)
    assert road.stations.lexicon == NO_LEXICON
    assert not renew_learned(build_fake_road(), database, declarations)
    database.close()
