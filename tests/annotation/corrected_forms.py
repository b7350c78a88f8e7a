"""The small form as it was read, and what is remembered of it after people answered."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.correction import fold
from annotation.examples import Reviewed
from annotation.values import Answer, ReviewTask
from extraction.values import Box, Cell, Grid, PageReading, Record, Word
from tests.annotation.small_form import DECLARATION, HEIGHT, WIDTH, small_record

KEYS = {
    "货架": Box(100, 250, 200, 300),
    "品名": Box(200, 250, 500, 300),
    "限额": Box(500, 250, 700, 300),
    "数量": Box(700, 250, 900, 300),
}
BUYER_KEY = Box(100, 100, 300, 140)


def small_reading(record: Record | None = None) -> PageReading:
    """Page 1 of the record as words in cells, keys beside them, and a line of a stamp."""
    record = record or small_record()
    cells = [
        _cell(cell.row, cell.column, cell.rowspan, cell.text, cell.box)
        for cell in record.tables[0].cells
    ]
    head = [_cell(0, column, 1, *item) for column, item in enumerate(KEYS.items())]
    buyer = record.fields["buyer"]
    assert buyer.source is not None
    loose = (
        word("购货单位", BUYER_KEY),
        word(buyer.text, buyer.source.box),
        word("收讫", Box(600, 1200, 700, 1240)),
    )
    return PageReading(1, WIDTH, HEIGHT, 100.0, "ocr", (Grid(6, 4, (*head, *cells)),), loose, {})


def word(text: str, box: Box) -> Word:
    """Its ink, a little inside of ``box``."""
    return Word(text, box.padded(-4), 0.98, 0.9, 1)


def reviewed(task: ReviewTask, answers: Sequence[Answer], record: Record) -> Reviewed:
    folded = fold(task, record, answers, DECLARATION)
    return Reviewed(
        document_id="01DOCUMENT",
        revision=2,
        record=record,
        readings=(small_reading(record),),
        corrections=folded.corrections,
        open_paths=frozenset(item.path for item in folded.disagreements),
    )


def _cell(row: int, column: int, rowspan: int, text: str, box: Box) -> Cell:
    words = (word(text, box),) if text else ()
    return Cell(row, column, rowspan, 1, box, 1, words)
