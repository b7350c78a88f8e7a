"""Key–value pairs of a form of no declared type: what its layout and labels show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extraction.confidence import Calibrator
from extraction.declarations import KEY_LABEL, OTHER_LABEL
from extraction.fields.drafts import cell_source, words_source
from extraction.fields.key_match import KeyIndex, comparable
from extraction.fields.label_evidence import Labelled, find_label_evidence
from extraction.fields.printed_lines import PrintedLine, find_lines
from extraction.fields.table_view import TableView, cell_text, view_tables
from extraction.normalise import plain
from extraction.values import Cell, Grid, KeyValue, Source, Word

_LONGEST_KEY = 14
_SURE_LABEL = 0.5
_KEY_TEXT = re.compile(r"[^0-9]*[一-鿿A-Za-z][^0-9]*")
_INLINE = re.compile(r"(?P<key>[^:：。，；0-9]{2,14})[:：](?P<value>.+)")
_TRUST_WITHOUT_LABEL = 0.6
_NO_KEYS = frozenset({"其中", "注", "说明如下", "如下"})


@dataclass(frozen=True, slots=True)
class _Pair:
    key: str
    value: str
    words: tuple[Word, ...]
    quality: float
    source: Source
    certain: bool


def find_key_values(
    grids: Sequence[Grid], loose: Sequence[Word], labelled: Labelled, calibrator: Calibrator
) -> tuple[KeyValue, ...]:
    """Pairs in print order: from lines of text, then from the cells of tables."""
    pairs = [pair for line in find_lines(loose) for pair in _line_pairs(line)]
    for view in view_tables(grids, KeyIndex({})):
        pairs += _cell_pairs(view, labelled)
    return tuple(
        KeyValue(pair.key, pair.value, _confidence(pair, calibrator), pair.source) for pair in pairs
    )


def _confidence(pair: _Pair, calibrator: Calibrator) -> float:
    text = calibrator.cell_confidence(pair.words, pair.quality)
    return text if pair.certain else text * _TRUST_WITHOUT_LABEL


def _line_pairs(line: PrintedLine) -> Iterator[_Pair]:
    for word in line.words:
        found = _INLINE.fullmatch(word.text.strip())
        if found is not None and found["key"] not in _NO_KEYS and found["value"].strip():
            yield _Pair(
                found["key"].strip(),
                found["value"].strip(),
                (word,),
                1.0,
                words_source((word,)),
                True,
            )


def _cell_pairs(view: TableView, labelled: Labelled) -> Iterator[_Pair]:
    keys = _key_places(view, labelled)
    for cell in sorted(view.grid.cells, key=lambda cell: (cell.row, cell.column)):
        inline = _INLINE.fullmatch(plain(cell.text)) if cell.words else None
        if inline is not None and inline["key"] not in _NO_KEYS and len(cell.words) == 1:
            source = cell_source(view, cell_text(view, cell))
            parts = inline["key"], inline["value"]
            yield _Pair(*parts, cell.words, cell.quality, source, True)
        elif (cell.row, cell.column) in keys:
            value = _value_of(view, cell, keys)
            if value is not None and value.words:
                printed = cell_text(view, value)
                yield _Pair(
                    cell_text(view, cell).text,
                    printed.text,
                    printed.words,
                    min(cell.quality, value.quality),
                    cell_source(view, printed),
                    keys[cell.row, cell.column],
                )


def _key_places(view: TableView, labelled: Labelled) -> Mapping[tuple[int, int], bool]:
    """Places of key cells; True where labels or a closing colon say so.

    Without either, short texts at the even places of a row of two or four cells count.
    """
    keys: dict[tuple[int, int], bool] = {}
    for row in range(view.grid.rows):
        cells = view.covering(row, range(view.grid.columns))
        own = [cell for cell in cells if cell.row == row and cell.words]
        for cell in own:
            if _says_key(cell, labelled):
                keys[row, cell.column] = True
        guessed = cells[::2] if len(cells) in (2, 4) and len(own) == len(cells) else []
        if all(_could_be_key(cell, labelled) for cell in guessed):
            for cell in guessed:
                keys.setdefault((row, cell.column), False)
    return _without_headers(view, keys)


def _without_headers(
    view: TableView, keys: dict[tuple[int, int], bool]
) -> Mapping[tuple[int, int], bool]:
    """Leave out rows of column headers: three keys or more, and none with a value beside."""
    kept = dict(keys)
    for row in {row for row, _ in keys}:
        cells = view.covering(row, range(view.grid.columns))
        filled = [cell for cell in cells if cell.words and cell.row == row]
        in_row = [cell for cell in filled if (row, cell.column) in keys]
        guessed = not any(keys[row, cell.column] for cell in in_row)
        headers = len(in_row) >= 3 and len(in_row) >= len(filled) - 1
        if headers or (guessed and len(cells) == 4 and _heads_a_list(view, cells)):
            for cell in in_row:
                kept.pop((row, cell.column), None)
    return kept


def _heads_a_list(view: TableView, cells: Sequence[Cell]) -> bool:
    """Texts above cells of the same columns that say numbers: headers, not pairs."""
    below = [view.below(cell) for cell in cells]
    return all(
        cell.colspan == 1 and other is not None and other.columns == cell.columns
        for cell, other in zip(cells, below, strict=True)
    ) and any(
        other is not None and other.words and not _KEY_TEXT.fullmatch(plain(other.text))
        for other in below[::2]
    )


def _value_of(view: TableView, key: Cell, keys: Mapping[tuple[int, int], bool]) -> Cell | None:
    value = view.right_of(key)
    if value is None or value.continues or (value.row, value.column) in keys:
        return None
    return value if value.row == key.row and value.rowspan == key.rowspan else None


def _says_key(cell: Cell, labelled: Labelled) -> bool:
    if len(comparable(cell.text)) > _LONGEST_KEY:
        return False
    if cell.text.rstrip().endswith((":", "：")):
        return True
    return find_label_evidence(cell.words, labelled, KEY_LABEL).probability > _SURE_LABEL


def _could_be_key(cell: Cell, labelled: Labelled) -> bool:
    text = comparable(cell.text)
    if not 2 <= len(text) <= _LONGEST_KEY or not _KEY_TEXT.fullmatch(text):
        return False
    return find_label_evidence(cell.words, labelled, OTHER_LABEL).probability < 0.9
