from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.synthetic import (
    UnseenForm,
    find_new_tables,
    print_form,
    printed_truth,
    unseen_forms,
)
from benchmarks.truth import (
    JsonCell,
    JsonTable,
    TableText,
    cells_by_page,
    join_tables,
    read_truth,
    truth_from_json,
)

TRUTHS = sorted((Path(__file__).parents[2] / "samples" / "truth").glob("*.json"))


def json_table(page: int, rows: list[list[tuple[float, float, str]]]) -> JsonTable:
    """Rows of cells (x0, x1, text), each in the column of its place in the row."""
    cells: list[JsonCell] = [
        {"row": j, "col": i, "rowspan": 1, "colspan": 1, "text": text, "bbox": [x0, j, x1, j + 1]}
        for j, row in enumerate(rows)
        for i, (x0, x1, text) in enumerate(row)
    ]
    return {"page": page, "n_rows": len(rows), "cells": cells}


FIRST = json_table(1, [[(0, 50, "a"), (50, 100, "b")]])
SECOND = json_table(2, [[(0, 25, "c"), (25, 50.5, "d"), (50.5, 100, "e")], [(0, 100, "f")]])


def test_tables_of_two_pages_join_over_the_union_of_their_lines() -> None:
    joined = {
        c.text: (c.table, c.row, c.column, c.colspan, c.page) for c in join_tables([FIRST, SECOND])
    }
    assert joined == {
        "a": (0, 0, 0, 2, 1),
        "b": (0, 0, 2, 1, 1),
        "c": (0, 1, 0, 1, 2),
        "d": (0, 1, 1, 1, 2),
        "e": (0, 1, 2, 1, 2),
        "f": (0, 2, 0, 3, 2),
    }


def test_a_new_table_a_second_of_the_page_and_one_after_a_gap_stand_for_themselves() -> None:
    assert {c.table for c in join_tables([FIRST, SECOND], frozenset({1}))} == {0, 1}
    assert {c.table for c in join_tables([FIRST, FIRST])} == {0, 1}
    later: JsonTable = {**SECOND, "page": 3}
    assert {c.table for c in join_tables([FIRST, later])} == {0, 1}


def test_taking_pages_apart_gives_their_own_smallest_grids_back() -> None:
    pages = cells_by_page(join_tables([FIRST, SECOND]))
    assert [(c.row, c.column, c.colspan) for c in pages[1]] == [(0, 0, 1), (0, 1, 1)]
    assert [(c.row, c.column, c.colspan) for c in pages[2]] == [
        *((0, 0, 1), (0, 1, 1), (0, 2, 1)),
        (1, 0, 3),
    ]


def test_rows_of_groups_become_paths() -> None:
    rows = [{"item": "x", "amount": ""}, {"item": "y", "amount": "2"}]
    data = {"form_type": "t", "fields": {"title": "T"}, "funds": rows, "tables": []}
    truth = truth_from_json(data)
    assert truth.groups == {"funds": 2}
    assert truth.fields["funds[1].amount"] == "2"
    assert truth.fields["title"] == "T"


@pytest.mark.parametrize("path", TRUTHS, ids=lambda path: path.stem)
def test_the_samples_cells_tile_their_tables(path: Path) -> None:
    assert tiles(read_truth(path).cells)


@pytest.mark.parametrize("seed", range(900_000, 900_008))
def test_synthetic_truth_tiles_its_tables_and_carries_the_fields(seed: int) -> None:
    form = UnseenForm(seed, "office200")
    printed = print_form(form, dpi=36)
    truth = printed_truth(printed, form)
    assert truth.form_type == printed.form_type
    assert tiles(truth.cells)
    assert set(printed.truth.fields) <= set(truth.fields)


def test_a_table_that_runs_over_pages_is_one_and_a_first_one_is_new() -> None:
    form = UnseenForm(900_003, "office200")
    printed = print_form(form, dpi=36)
    assert len(printed.truth.tables) > 1
    assert find_new_tables(printed, form) == frozenset({0})


def test_every_level_gets_declared_forms_and_others_and_no_seed_twice() -> None:
    forms = list(unseen_forms(3))
    assert len({form.seed for form in forms}) == len(forms)
    assert min(form.seed for form in forms) >= 900_000
    for level in {form.level for form in forms}:
        assert len({form.kind for form in forms if form.level == level}) == 3


def tiles(cells: tuple[TableText, ...]) -> bool:
    """Whether every place of every table lies in exactly one cell."""
    for table in {c.table for c in cells}:
        mine = [c for c in cells if c.table == table]
        places = [
            (row, column)
            for c in mine
            for row in range(c.row, c.row + c.rowspan)
            for column in range(c.column, c.column + c.colspan)
        ]
        rows, columns = (max(place[k] for place in places) + 1 for k in (0, 1))
        if len(places) != len(set(places)) or len(places) != rows * columns:
            return False
    return True
