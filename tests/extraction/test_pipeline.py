"""The whole road on the project's samples: files in, records out."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.measures import measure_record
from benchmarks.truth import read_truth
from extraction.errors import BlankPage
from extraction.pages.read import read_pages
from extraction.pages.sources import SourceFile
from extraction.pipeline import Stations, extract_document
from extraction.values import RawPage
from workers.stations import build_stations

SAMPLES = Path(__file__).parents[2] / "samples"
DOCUMENTS = ("seed_000", "seed_001", "seed_004")


@pytest.fixture(scope="module")
def stations() -> Stations:
    return build_stations(threads=1)


def source_of(data: bytes, name: str) -> SourceFile:
    return SourceFile(name, Path(name).stem, data, hashlib.sha256(data).hexdigest())


def sample(path: str) -> SourceFile:
    return source_of((SAMPLES / path).read_bytes(), Path(path).name)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_born_digital_form_comes_out_exactly(stations: Stations, document: str) -> None:
    record = extract_document(sample(f"pdf/{document}.pdf"), stations).record
    counts = measure_record(record, read_truth(SAMPLES / f"truth/{document}.json"), teds=False)
    assert (counts.field_accuracy, counts.cell_f1) == (1.0, 1.0)
    assert {page.source for page in record.pages} == {"text_layer"}


def test_a_table_over_two_pages_is_one_with_the_reason(stations: Stations) -> None:
    record = extract_document(sample("pdf/seed_001.pdf"), stations).record
    (table,) = record.tables
    assert table.pages == (1, 2) and table.joined_because
    assert any(cell.continues and cell.page == 2 for cell in table.cells)


def test_a_planted_slip_fails_its_check_and_changes_no_text(stations: Stations) -> None:
    record = extract_document(sample("pdf/seed_004.pdf"), stations).record
    failed = [check for check in record.checks if check.passed is False]
    assert len(failed) == 1
    (path,) = [path for path in failed[0].fields if path.endswith(".score")]
    number = int(path.split("[")[1].split("]")[0])
    score = record.groups["indicators"][number]["score"]
    assert score.text == "2.7" and score.route == "review"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "fields", "cells"),
    [
        ("clean300", 0.99, 0.99),
        ("office200", 0.99, 0.99),
        ("stamped200", 0.97, 0.97),
        ("fax200", 0.95, 0.95),
        ("archive150", 0.95, 0.95),
        ("photo", 0.95, 0.95),
    ],
)
def test_scans_come_out_as_printed(
    stations: Stations, level: str, fields: float, cells: float
) -> None:
    record = extract_document(sample(f"scans/seed_000_{level}.pdf"), stations).record
    counts = measure_record(record, read_truth(SAMPLES / "truth/seed_000.json"), teds=False)
    assert record.form_type == "project_self_evaluation"
    assert counts.field_accuracy >= fields
    assert counts.cell_f1 >= cells


@pytest.mark.slow
def test_every_field_points_to_its_place_on_the_page(stations: Stations) -> None:
    extraction = extract_document(sample("scans/seed_000_office200.pdf"), stations)
    (page,) = extraction.record.pages
    fields = [field for field in extraction.record.fields.values() if field.text]
    assert len(fields) >= 9
    for field in fields:
        assert field.source is not None and field.confidence is not None
        box = field.source.box
        assert 0 <= box.x0 < box.x1 <= page.width and 0 <= box.top < box.bottom <= page.height
        inside = extraction.images[0][int(box.top) : int(box.bottom), int(box.x0) : int(box.x1)]
        assert inside.min() < 128, "no ink where the field is said to stand"


@pytest.mark.slow
def test_a_page_on_its_head_reads_the_same(stations: Stations) -> None:
    """Pages are put into the scanner the wrong way round."""
    (raw,) = read_pages((SAMPLES / "scans/seed_000_office200.pdf").read_bytes(), "upright")
    assert isinstance(raw, RawPage)
    buffer = io.BytesIO()
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(raw.image, 2)))
    turned.save(buffer, "PNG", dpi=(raw.dpi, raw.dpi))
    record = extract_document(source_of(buffer.getvalue(), "turned.png"), stations).record
    counts = measure_record(record, read_truth(SAMPLES / "truth/seed_000.json"), teds=False)
    assert counts.field_accuracy >= 0.98


@pytest.mark.slow
def test_a_blank_page_leaves_the_others_readable(stations: Stations) -> None:
    (raw,) = read_pages((SAMPLES / "scans/seed_000_archive150.pdf").read_bytes(), "page")
    assert isinstance(raw, RawPage)
    first, blank = Image.fromarray(raw.image), Image.new("RGB", (1240, 1754), "white")
    buffer = io.BytesIO()
    first.save(buffer, "TIFF", save_all=True, append_images=[blank], dpi=(150, 150))
    extraction = extract_document(source_of(buffer.getvalue(), "two.tiff"), stations)
    assert [page.number for page in extraction.record.pages] == [1]
    (error,) = extraction.errors
    assert isinstance(error, BlankPage) and error.page == 2
