"""What the queue asks of a road, asked of the real one and of the one the tests play."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from extraction.errors import InputError
from extraction.pages.sources import SourceFile
from extraction.pipeline import extract_document
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.record_json import record_to_json
from tests.workers.fake_road import FakeRoad, fake_file, file_to_source
from workers.road import ROAD_VARIABLE, Road, StationsRoad, build_road
from workers.stations import build_stations


@dataclass(frozen=True)
class Walk:
    """A road, a good file of one page, and a file that is none."""

    road: Road
    good: SourceFile
    broken: SourceFile


@pytest.fixture(scope="module")
def real(samples: Path) -> Walk:
    pdf = (samples / "pdf" / "seed_000.pdf").read_bytes()
    road = StationsRoad(build_stations(threads=1))
    return Walk(road, file_to_source(pdf), file_to_source(pdf[: len(pdf) // 2], "cut.pdf"))


@pytest.fixture(params=["real", "fake"])
def walk(request: pytest.FixtureRequest) -> Walk:
    if request.param == "real":
        found: Walk = request.getfixturevalue("real")
        return found
    return Walk(FakeRoad(), file_to_source(fake_file(1)), file_to_source(b"{", "cut.pdf"))


def test_page_is_read_with_its_picture(walk: Walk) -> None:
    assert walk.road.count(walk.good) == 1
    page = walk.road.read(walk.good, 1)
    reading = page.reading
    assert reading.number == 1
    assert page.image.dtype == np.uint8
    assert page.image.shape == (reading.height, reading.width, 3)
    assert reading.grids or reading.loose_words


def test_page_that_is_not_there_cannot_be_read(walk: Walk) -> None:
    for number in (0, 2):
        with pytest.raises(InputError) as caught:
            walk.road.read(walk.good, number)
        assert caught.value.page == number


def test_broken_file_is_refused_when_its_pages_are_counted(walk: Walk) -> None:
    with pytest.raises(InputError) as caught:
        walk.road.count(walk.broken)
    assert caught.value.reason


def test_record_is_made_of_stored_readings_and_no_bytes(walk: Walk) -> None:
    read = walk.road.read(walk.good, 1).reading
    stored = reading_from_json(reading_to_json(read))
    source = replace(walk.good, data=b"")
    record = walk.road.assemble(source, [stored], None)
    assert (record.name, record.sha256) == (walk.good.name, walk.good.sha256)
    assert [page.number for page in record.pages] == [1]
    assert dict(record.producer) == dict(walk.road.producer)
    again = walk.road.assemble(source, [read], None)
    assert without_times(again) == without_times(record)


def test_producer_names_its_versions(walk: Walk) -> None:
    assert set(walk.road.producer) == {"ocr", "labeller", "calibration", "formloop"}
    assert all(walk.road.producer.values())


def test_page_by_page_gives_the_record_of_the_whole_file(real: Walk) -> None:
    assert isinstance(real.road, StationsRoad)
    whole = extract_document(real.good, real.road.stations).record
    reading = real.road.read(real.good, 1).reading
    assert without_times(real.road.assemble(real.good, [reading], None)) == without_times(whole)


def test_road_of_the_setting_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROAD_VARIABLE, "tests.workers.fake_road:build")
    assert isinstance(build_road(), FakeRoad)


def without_times(record) -> object:  # type: ignore[no-untyped-def]
    pages = tuple(replace(page, elapsed_ms={}) for page in record.pages)
    return record_to_json(replace(record, pages=pages))
