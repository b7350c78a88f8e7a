from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measures import (
    JudgedField,
    automation_at_error,
    judge_fields,
    measure_record,
    pair_tables,
)
from benchmarks.table_tree import table_similarity
from benchmarks.truth import TableText, Truth
from extraction.normalise import plain
from tests.benchmarks.records import make_record, table_of

CELLS = table_of(["甲|乙|丙", "1|2|", "-|3|4"])
FUNDS = [{"item": "合计", "amount": "10.00"}, {"item": "其中", "amount": ""}]
TRUTH = Truth(
    "some_form",
    {
        "title": "自评表",
        "phone": "",
        "funds[0].item": "合计",
        "funds[0].amount": "10.00",
        "funds[1].item": "其中",
        "funds[1].amount": "",
    },
    {"funds": 2},
    CELLS,
)


def perfect() -> dict[str, object]:
    return {"fields": {"title": "自评表", "phone": ""}, "groups": {"funds": FUNDS}, "cells": CELLS}


def test_a_perfect_record_is_perfect_in_every_measure() -> None:
    counts = measure_record(make_record(**perfect()), TRUTH)  # type: ignore[arg-type]
    assert counts.field_accuracy == counts.cell_f1 == counts.structure_f1 == 1.0
    assert counts.mean_teds == counts.mean_teds_structure == counts.form_type_accuracy == 1.0
    assert counts.cer == 0.0
    assert len(counts.judged) == 4  # empty fields do not count


def test_texts_compare_without_white_space_and_width() -> None:
    assert plain("１０．５ %\n（年）") == plain("10.5%(年)")


def test_a_missing_row_and_an_extra_one_count_all_their_fields_wrong() -> None:
    short = make_record({"title": "自评表"}, {"funds": FUNDS[:1]}, CELLS)
    assert [f.path for f in judge_fields(short, TRUTH) if not f.right] == ["funds[1].item"]
    long = make_record({"title": "自评表"}, {"funds": [*FUNDS, {"item": "虚", "amount": "1"}]})
    wrong = [f for f in judge_fields(long, TRUTH) if not f.right]
    assert [f.path for f in wrong] == ["funds[2].item", "funds[2].amount"]
    assert measure_record(long, TRUTH).field_accuracy == pytest.approx(4 / 6)


def test_a_field_that_is_printed_blank_may_say_anything_but_an_empty_reading_is_wrong() -> None:
    record = make_record({"title": "", "phone": "1"}, {"funds": FUNDS})
    assert [f.path for f in judge_fields(record, TRUTH) if not f.right] == ["title"]


def test_a_wrong_text_spoils_the_cell_but_not_the_structure() -> None:
    cells = (replace(CELLS[0], text="申"), *CELLS[1:])
    counts = measure_record(make_record(cells=cells), TRUTH)
    assert counts.cell_f1 == pytest.approx(8 / 9)
    assert counts.structure_f1 == 1.0
    assert counts.cer == pytest.approx(1 / 8)


def test_one_table_too_many_costs_its_own_cells_and_no_others() -> None:
    cells = (*table_of(["单位：元"], 0), *table_of(["甲|乙|丙", "1|2|", "-|3|4"], 1))
    counts = measure_record(make_record(cells=cells), TRUTH)
    assert counts.cell_f1 == pytest.approx(2 * 9 / (9 + 10))
    assert counts.teds == (1.0, 0.0)


def test_tables_pair_with_those_that_they_agree_with() -> None:
    true = (*table_of(["a|b"], 0), *table_of(["c|d", "e|f"], 1))
    found = (*table_of(["c|d", "e|f"], 0), *table_of(["a|b"], 1))
    assert set(pair_tables(found, true)) == set(true)
    assert pair_tables((), true) == ()
    assert {c.table for c in pair_tables(found, ())} == {0, 1}


def test_a_record_invented_for_a_form_of_no_declared_type_is_counted() -> None:
    truth = Truth("unknown", {}, {}, CELLS)
    assert measure_record(make_record(form_type="unknown"), truth).records_invented == 0
    assert measure_record(make_record(form_type="some_form"), truth).records_invented == 1
    told = make_record({"title": "x"}, form_type="unknown")
    assert measure_record(told, truth).records_invented == 1


def test_an_empty_record_scores_nothing_and_does_not_fail() -> None:
    counts = measure_record(make_record(form_type="unknown"), TRUTH)
    assert counts.field_accuracy == counts.cell_f1 == counts.mean_teds == 0.0
    assert counts.cer == 1.0


def test_teds_counts_a_changed_span_as_one_node_and_a_text_by_its_share() -> None:
    # 4 cells in 2 rows: 6 nodes below the root.
    true = table_of(["ab|cd", "ef|gh"])
    text = (replace(true[0], text="ax"), *true[1:])
    assert table_similarity(text, true, texts=True) == pytest.approx(1 - 0.5 / 6)
    assert table_similarity(text, true, texts=False) == 1.0
    spanned = (replace(true[0], rowspan=2), *true[1:])
    assert table_similarity(spanned, true, texts=False) == pytest.approx(1 - 1 / 6)
    row_lost = true[:2]
    assert table_similarity(row_lost, true, texts=False) == pytest.approx(1 - 3 / 6)


def judged(confidence: float, right: bool) -> JudgedField:
    return JudgedField("x", "1", "1" if right else "2", confidence)


def test_automation_takes_the_largest_share_whose_error_is_small_enough() -> None:
    fields = [judged(0.9, True), judged(0.8, False), judged(0.7, True), judged(0.6, True)]
    assert automation_at_error(fields, 0.0) == 0.25
    assert automation_at_error(fields, 0.25) == 1.0
    assert automation_at_error([], 0.01) == 1.0


def test_automation_cannot_cut_between_equal_confidences_nor_accept_what_is_missing() -> None:
    assert automation_at_error([judged(0.9, True), judged(0.9, False)], 0.1) == 0.0
    missing = JudgedField("x", "1", None, -1.0)
    assert automation_at_error([judged(0.9, True), missing], 1.0) == 0.5


cells_of_a_table = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.text("甲乙1-", max_size=3)),
    unique_by=lambda cell: cell[:2],
    max_size=12,
).map(lambda found: tuple(TableText(0, row, column, 1, 1, text) for row, column, text in found))


@given(cells_of_a_table, cells_of_a_table)
def test_measures_stay_between_0_and_1_and_are_symmetric(
    one: tuple[TableText, ...], other: tuple[TableText, ...]
) -> None:
    def measured(found: tuple[TableText, ...], true: tuple[TableText, ...]) -> tuple[float, ...]:
        counts = measure_record(make_record(cells=found), Truth("some_form", {}, {}, true))
        return counts.cell_f1, counts.structure_f1, counts.mean_teds, counts.mean_teds_structure

    assert measured(one, other) == pytest.approx(measured(other, one))
    assert all(0.0 <= value <= 1.0 for value in measured(one, other))
    assert measured(one, one) == (1.0, 1.0, 1.0, 1.0)
