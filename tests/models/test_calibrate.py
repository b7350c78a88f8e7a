"""What is right and what is wrong is judged by the printed text and place alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.values import Box, Cell, Grid, Image, PageReading, Word
from models.calibrate import (
    Observed,
    ObservedField,
    calibration_error,
    figures_of,
    fit_in_parts,
    observe_cells,
    observed_to_simulated,
    read_form,
)
from models.simulated_fields import read_simulated, write_simulated
from models.synthesis.forms import draw_form, make_form
from models.synthesis.placement import form_to_pages


def test_cells_read_as_printed_are_right_and_others_wrong() -> None:
    form = make_form(5, "test", "project_self_evaluation", dpi=100)
    (table,) = [table for table in form.truth.tables if table.page == 1]
    cells = []
    for printed in table.cells:
        text = "错" if (printed.row, printed.column) == (0, 0) else printed.text
        words = (Word(text, Box(1, 1, 9, 9), 0.9, 0.8, 1),) if text else ()
        cells.append(
            Cell(
                printed.row,
                printed.column,
                printed.rowspan,
                printed.colspan,
                Box(0, 0, 10, 10),
                1,
                words,
            )
        )
    grid = Grid(table.rows, table.columns, tuple(cells))
    reading = PageReading(1, 100, 100, 100, "ocr", (grid,), ())
    judged = [right for _, right in observe_cells([reading], form.truth.tables)]
    assert judged.count(False) == 1 and len(judged) == len(table.cells)


def test_pages_of_a_form_are_read_under_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """All were once page 1: no table ran on over a page break, and what such forms print in
    merged cells over the break was judged wrong."""

    def read(number: int, image: Image, dpi: float) -> tuple[None, PageReading]:
        height, width = image.shape[:2]
        return None, PageReading(number, width, height, dpi, "ocr", (), ())

    monkeypatch.setattr("models.calibrate.read_picture", read)
    seed = next(seed for seed in range(50) if len(form_to_pages(draw_form(seed, "test"))) > 1)
    form = make_form(seed, "test", dpi=60)
    readings = read_form(form, "clean300")
    assert [reading.number for reading in readings] == [1, 2, *range(3, len(form.pages) + 1)]


@given(st.lists(st.floats(0, 1), min_size=30, max_size=200))
def test_the_calibration_error_is_a_share(chances: list[float]) -> None:
    right = np.random.default_rng(0).random(len(chances)) < np.array(chances)
    assert 0.0 <= calibration_error(np.array(chances), right) <= 1.0


def test_honest_chances_have_a_small_calibration_error() -> None:
    rng = np.random.default_rng(1)
    chances = rng.random(20_000)
    assert calibration_error(chances, rng.random(20_000) < chances) < 0.02
    assert calibration_error(np.full(1000, 0.9), np.zeros(1000, bool)) == pytest.approx(0.9)


def test_a_fit_gives_evidence_its_weight() -> None:
    rng = np.random.default_rng(2)
    documents = []
    for _ in range(40):
        evidence = rng.normal(size=50)
        documents.append(
            [({"sign": float(x)}, bool(rng.random() < 1 / (1 + np.exp(-3 * x)))) for x in evidence]
        )
    model, chances = fit_in_parts(("sign",), documents)
    assert model.coefficients[0] == pytest.approx(3, rel=0.2)
    assert [len(one) for one in chances] == [50] * 40
    assert "calibration error" in figures_of(documents, chances)


def test_no_document_is_judged_by_a_fit_that_saw_it() -> None:
    """One document whose labels are all turned round would else be believed a little."""
    rng = np.random.default_rng(3)
    documents = [[({"sign": float(x)}, x > 0) for x in rng.normal(size=30)] for _ in range(12)]
    turned = [*documents[:-1], [(evidence, not right) for evidence, right in documents[-1]]]
    _, chances = fit_in_parts(("sign",), documents)
    _, others = fit_in_parts(("sign",), turned)
    assert np.allclose(chances[-1], others[-1])


def test_simulated_fields_are_kept_and_read_back(tmp_path: Path) -> None:
    fields = (
        ObservedField("text", {}, True, True),
        ObservedField("number", {}, False, False),
    )
    documents = observed_to_simulated([Observed(7, "photo", fields, ())], [np.array([0.75, 0.999])])
    write_simulated(documents, tmp_path / "simulated.json")
    (found,) = read_simulated(tmp_path / "simulated.json")
    assert (found.document_id, found.level) == ("photo-7", "photo")
    assert [field.confidence for field in found.fields] == pytest.approx([0.75, 0.999])
    assert [(field.kind, field.right, field.acceptable) for field in found.fields] == [
        ("text", True, True),
        ("number", False, False),
    ]
