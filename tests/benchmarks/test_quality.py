from __future__ import annotations

from benchmarks.measures import measure_record
from benchmarks.quality import (
    ASKED,
    BORN_DIGITAL,
    Measured,
    level_row,
    samples_by_level,
    synthetic_section,
    without_shared,
    wrong_lines,
)
from benchmarks.truth import Truth
from tests.benchmarks.records import make_record, table_of

CELLS = table_of(["a|b", "c|d"])
TRUTH = Truth("some_form", {"title": "自评表", "year": "2021"}, {}, CELLS)


def measured(title: str, level: str, *, declared: bool = True) -> Measured:
    record = make_record({"title": title}, cells=CELLS)
    return Measured("doc", level, declared, measure_record(record, TRUTH))


def test_every_sample_of_every_level_is_there() -> None:
    found = list(samples_by_level())
    assert len(found) == 3 * len(ASKED)
    assert all(path.is_file() and truth.is_file() for _, path, truth in found)


def test_a_level_says_what_was_asked_beside_what_was_measured() -> None:
    row = level_row("photo", [measured("自评表", "photo")], ASKED["photo"])
    assert row[:6] == ("photo", "1", "1.00", "2", "0.5000", "≥ 0.95")
    assert level_row(BORN_DIGITAL, [], ASKED[BORN_DIGITAL])[5] == "1.00"


def test_wrong_fields_are_listed_with_what_is_printed_and_read() -> None:
    assert list(wrong_lines([measured("自许表", "photo")])) == [
        "doc  title  printed '自评表'  read '自许表'",
        "doc  year  printed '2021'  missing",
    ]


def test_long_texts_are_cut_to_the_part_that_differs() -> None:
    shown = without_shared("0123456789-ab,cdefghijklmnop", "0123456789-abcdefghijklmnop")
    assert shown == ("…789-ab,cdefgh…", "…789-abcdefgh…")
    assert without_shared("aaa", "aa") == ("aaa", "aa")


def test_other_kinds_of_forms_stand_apart_from_declared_ones() -> None:
    section = synthetic_section(
        [measured("自评表", "photo"), measured("", "fax200", declared=False)]
    )
    assert "Forms of other kinds" in section.body
    assert "0 of 1" in section.body
