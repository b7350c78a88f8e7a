"""Readings of pages to JSON and back, so that a page can be read in one process and its
document put together in another.

Nothing is rounded: what comes back equals what went in. A word is a list
``[text, x0, top, x1, bottom, score, weakest, page, overlooked]``, the last left out where it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from extraction.errors import InputError
from extraction.json_values import (
    Json,
    JsonObject,
    as_integer,
    as_list,
    as_number,
    as_object,
)
from extraction.values import Box, Cell, Grid, PageReading, PageSource, Word

SCHEMA: Final = "formloop.reading/1"


def reading_to_json(reading: PageReading) -> JsonObject:
    """The reading as what ``json.dumps`` takes."""
    return {
        "schema": SCHEMA,
        "number": reading.number,
        "width": reading.width,
        "height": reading.height,
        "dpi": float(reading.dpi),
        "source": reading.source,
        "grids": [_grid_to_json(grid) for grid in reading.grids],
        "loose_words": [_word_to_json(word) for word in reading.loose_words],
        "elapsed_ms": {name: float(ms) for name, ms in reading.elapsed_ms.items()},
    }


def reading_from_json(stored: Mapping[str, Json]) -> PageReading:
    """The reading made by ``reading_to_json``; InputError for anything else."""
    if stored.get("schema") != SCHEMA:
        raise InputError(f"is no reading: schema is {stored.get('schema')!r}, not {SCHEMA!r}")
    try:
        return PageReading(
            number=as_integer(stored["number"]),
            width=as_integer(stored["width"]),
            height=as_integer(stored["height"]),
            dpi=as_number(stored["dpi"]),
            source=_source(stored["source"]),
            grids=tuple(_to_grid(as_object(grid)) for grid in as_list(stored["grids"])),
            loose_words=tuple(_to_word(word) for word in as_list(stored["loose_words"])),
            elapsed_ms={
                name: as_number(ms) for name, ms in as_object(stored["elapsed_ms"]).items()
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"is a damaged reading: {error!r}") from error


def _grid_to_json(grid: Grid) -> JsonObject:
    return {
        "rows": grid.rows,
        "columns": grid.columns,
        "ruled": grid.ruled,
        "joined_because": grid.joined_because,
        "cells": [_cell_to_json(cell) for cell in grid.cells],
    }


def _cell_to_json(cell: Cell) -> JsonObject:
    return {
        "row": cell.row,
        "column": cell.column,
        "rowspan": cell.rowspan,
        "colspan": cell.colspan,
        "box": [float(side) for side in cell.box],
        "page": cell.page,
        "words": [_word_to_json(word) for word in cell.words],
        "quality": float(cell.quality),
        "continues": cell.continues,
    }


def _word_to_json(word: Word) -> list[Json]:
    numbers = (*word.box, word.score, word.weakest)
    stored: list[Json] = [word.text, *(float(number) for number in numbers), word.page]
    return [*stored, round(word.overlooked, 4)] if word.overlooked else stored


def _to_grid(stored: JsonObject) -> Grid:
    reason = stored["joined_because"]
    return Grid(
        rows=as_integer(stored["rows"]),
        columns=as_integer(stored["columns"]),
        cells=tuple(_to_cell(as_object(cell)) for cell in as_list(stored["cells"])),
        ruled=bool(stored["ruled"]),
        joined_because=None if reason is None else str(reason),
    )


def _to_cell(stored: JsonObject) -> Cell:
    return Cell(
        row=as_integer(stored["row"]),
        column=as_integer(stored["column"]),
        rowspan=as_integer(stored["rowspan"]),
        colspan=as_integer(stored["colspan"]),
        box=Box(*(as_number(side) for side in as_list(stored["box"]))),
        page=as_integer(stored["page"]),
        words=tuple(_to_word(word) for word in as_list(stored["words"])),
        quality=as_number(stored["quality"]),
        continues=bool(stored["continues"]),
    )


def _to_word(stored: Json) -> Word:
    text, x0, top, x1, bottom, score, weakest, page, *overlooked = as_list(stored)
    if not isinstance(text, str):
        raise ValueError(f"expected text, found {text!r}")
    return Word(
        text=text,
        box=Box(as_number(x0), as_number(top), as_number(x1), as_number(bottom)),
        score=as_number(score),
        weakest=as_number(weakest),
        page=as_integer(page),
        overlooked=as_number(overlooked[0]) if overlooked else 0.0,
    )


def _source(stored: Json) -> PageSource:
    if stored not in ("ocr", "text_layer"):
        raise ValueError(f"{stored!r} is no source of a page")
    return cast(PageSource, stored)
