"""Synthetic forms: the same seed gives the same form, and its truth is what it prints."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.synthesis.forms import PrintedForm, draw_form, form_kinds, make_form
from models.synthesis.placed import PlacedPage
from models.synthesis.placement import form_to_pages
from models.synthesis.specification import KEY, OTHER, FormSpec
from models.synthesis.styling import draw_style
from models.synthesis.truth import form_to_truth
from models.synthesis.wordings import Split

SPLITS: tuple[Split, ...] = ("train", "test")
RENDERED = ("project_self_evaluation", "project_performance_target", "invoice", "catalogue")


@pytest.fixture(scope="module")
def printed() -> list[PrintedForm]:
    return [make_form(3, "train", kind, dpi=72) for kind in RENDERED]


@pytest.fixture(scope="module")
def placed() -> list[tuple[FormSpec, tuple[PlacedPage, ...]]]:
    """Forms of every kind, set on pages but not drawn, which is quick."""
    drawn = [draw_form(seed, "train") for seed in range(30)]
    drawn += [draw_form(7, "test", kind) for kind in form_kinds()]
    return [(form, form_to_pages(form)) for form in drawn]


def bare(text: str) -> str:
    return "".join(text.split())


def test_a_seed_gives_the_same_form_twice() -> None:
    first, second = (make_form(5, "train", dpi=60) for _ in range(2))
    assert first.truth == second.truth
    assert all(
        np.array_equal(a.image, b.image) for a, b in zip(first.pages, second.pages, strict=True)
    )


def test_train_and_test_differ_in_face() -> None:
    faces = {
        split: {draw_style(np.random.default_rng(seed), split).face for seed in range(40)}
        for split in SPLITS
    }
    assert not faces["train"] & faces["test"]


Placed = list[tuple[FormSpec, tuple[PlacedPage, ...]]]


def test_cells_tile_the_smallest_grid(placed: Placed) -> None:
    for form, pages in placed:
        for table in form_to_truth(form, pages).tables:
            covered = Counter(
                (row, column)
                for cell in table.cells
                for row in range(cell.row, cell.row + cell.rowspan)
                for column in range(cell.column, cell.column + cell.colspan)
            )
            assert set(covered.values()) == {1}
            assert len(covered) == table.rows * table.columns
            assert {cell.row for cell in table.cells} == set(range(table.rows))
            assert {cell.column for cell in table.cells} == set(range(table.columns))


def test_lines_of_a_cell_join_to_its_text(placed: Placed) -> None:
    for _, pages in placed:
        for page in pages:
            texts = [""] * len(page.cells)
            for line in page.texts:
                if line.cell is not None:
                    texts[line.cell] += line.text
                    assert line.label == page.cells[line.cell].label
            assert [bare(t) for t in texts] == [bare(cell.text) for cell in page.cells]


def test_what_is_true_is_printed_under_its_label(placed: Placed) -> None:
    for form, pages in placed:
        shown: dict[str, str] = {}
        for line in (line for page in pages for line in page.texts):
            shown[line.label] = shown.get(line.label, "") + bare(line.text)
        for name, text in form.fields.items():
            assert bare(text) in shown.get(name, "")
        for group, rows in form.groups.items():
            for column in rows[0]:
                wanted = "".join(bare(row.get(column, "")) for row in rows)
                assert set(shown.get(f"{group}.{column}", "")) == set(wanted)


def test_every_label_has_a_truth(placed: Placed) -> None:
    for form, pages in placed:
        labels = {line.label for page in pages for line in page.texts} - {KEY, OTHER}
        columns = {
            f"{group}.{column}"
            for group, rows in form.groups.items()
            for row in rows
            for column in row
        }
        assert labels <= set(form.fields) | columns


def test_a_cut_cell_continues_on_the_next_page(placed: Placed) -> None:
    many = [pages for _, pages in placed if len(pages) > 1 and all(p.cells for p in pages[:2])]
    assert many
    assert any(cell.continues for pages in many for cell in pages[1].cells)
    assert not any(cell.continues for pages in many for cell in pages[0].cells)


def test_lines_and_edges_lie_on_the_page(printed: list[PrintedForm]) -> None:
    for form in printed:
        for page in form.pages:
            height, width = page.image.shape[:2]
            for line in page.lines:
                assert line.box.top >= 0 and line.box.bottom <= height
                assert line.box.x0 >= 0 and line.box.x1 <= width * 1.01
            for edge in page.edges:
                limit = width if edge.axis == "horizontal" else height
                assert 0 <= edge.start < edge.end <= limit


def test_edges_are_drawn(printed: list[PrintedForm]) -> None:
    for form in printed:
        for page in form.pages:
            ink = page.image.min(axis=2)
            for edge in page.edges:
                across = ink if edge.axis == "horizontal" else ink.T
                at = int(edge.at)
                strip = across[max(0, at - 1) : at + 2, int(edge.start) + 1 : int(edge.end) - 1]
                assert strip.min(axis=0).mean() < 250
