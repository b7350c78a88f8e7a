"""CSV, HTML and terminal tables: nothing gets lost, and no text becomes markup or a formula."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from rich.console import Console

from extraction.declarations import load_declarations
from extraction.exports.csv import record_to_csv, without_formula
from extraction.exports.html import image_to_jpeg, record_to_html, record_to_marks
from extraction.exports.naming import find_titles, record_to_named_fields
from extraction.exports.tables import record_to_tables
from tests.extraction.export_samples import awkward_record, truth_to_record

VOID = {"meta", "img", "input", "rect"}


class _Reading(HTMLParser):
    """Text, marks and unclosed tags of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.scripts = 0
        self.outside: list[str] = []
        self.marks: dict[str, list[str]] = {"rect": [], "other": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        address = given.get("src") or given.get("href") or ""
        if not address.startswith(("data:", "#")) and address:
            self.outside.append(address)
        if given.get("data-mark"):
            self.marks["rect" if tag == "rect" else "other"].append(given["data-mark"] or "")
        if tag not in VOID or tag == "rect":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(page: bytes) -> _Reading:
    reading = _Reading()
    reading.feed(page.decode("utf-8"))
    reading.close()
    return reading


@pytest.fixture(scope="module")
def record(samples: Path):
    return truth_to_record(samples / "truth" / "seed_001.json")


def test_csv_holds_every_field_with_its_place(record) -> None:
    content = record_to_csv(record)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    named = list(record_to_named_fields(record))
    assert [row["field"] for row in rows] == [item.path for item in named]
    assert [row["text"] for row in rows] == [item.field.text for item in named]
    assert rows[2]["page"] == "1" and len(rows[2]["box"].split()) == 4


@given(st.text())
def test_csv_gives_back_any_text(text: str) -> None:
    content = record_to_csv(awkward_record(text)).decode("utf-8-sig", "surrogatepass")
    first = next(csv.DictReader(io.StringIO(content, newline="")))
    assert first["text"].removeprefix("'") == text.removeprefix("'")


@pytest.mark.parametrize("text", ["-", "-3.5", "+12%", "85.50%", "2,926.00", ""])
def test_signs_and_numbers_are_no_formulas(text: str) -> None:
    assert without_formula(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd|' /C calc'!A0", "@A1", "\t=1"])
def test_formulas_are_kept_from_running(text: str) -> None:
    assert without_formula(text) == "'" + text


def test_page_shows_every_text_and_joins_every_box_with_its_field(record, samples: Path) -> None:
    titles = find_titles(record.form_type, load_declarations())
    image = np.full((1754, 1240, 3), 255, np.uint8)
    reading = read_page(record_to_html(record, [image, image], titles))
    assert not reading.open and not reading.outside and reading.scripts == 1
    text = "".join(reading.text)
    for named in record_to_named_fields(record):
        assert named.field.text in text
    assert titles.of_field("leader") in text
    assert set(reading.marks["other"]) == set(reading.marks["rect"])
    assert len(reading.marks["rect"]) == len(set(reading.marks["rect"]))


@given(st.text(alphabet="<>&\"'`/\\{}%#= aé表\n"))
def test_page_escapes_any_text(text: str) -> None:
    reading = read_page(record_to_html(awkward_record(text)))
    assert not reading.open and reading.scripts == 1
    assert text in "".join(reading.text)


def test_a_box_takes_the_worst_level_of_its_fields(record) -> None:
    marks = {mark.caption.split("：")[0]: mark.level for mark in record_to_marks(record)}
    assert marks["leader"] == "review"
    assert marks["phone"] == "accept"
    assert "wrong" in marks.values()


def test_pictures_fit_their_limit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 700, 3), dtype=np.uint8)
    content = image_to_jpeg(noise, most_bytes=40_000)
    assert len(content) <= 40_000
    width, height = Picture.open(io.BytesIO(content)).size
    assert abs(width / height - 700 / 900) < 0.01


def test_terminal_tables_name_fields_and_checks(record) -> None:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(record_to_tables(record, find_titles(record.form_type, load_declarations())))
    shown = console.export_text()
    assert "项目名称" in shown and record.fields["project_name"].text in shown
    assert "✗ 得分 2.7 高于分值 2" in shown


@given(st.text(max_size=30))
def test_terminal_tables_take_any_text(text: str) -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(record_to_tables(awkward_record("[red]" + text)))
    assert "[red]" in console.file.getvalue()
