"""A page's reading crosses processes unchanged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.errors import InputError
from extraction.reading_json import reading_from_json, reading_to_json
from extraction.values import Box, Cell, Grid, PageReading, Word

numbers = st.floats(allow_nan=False, allow_infinity=False)
places = st.integers(0, 10_000)
boxes = st.builds(Box, numbers, numbers, numbers, numbers)
words = st.builds(Word, st.text(), boxes, numbers, numbers, places)
cells = st.builds(
    Cell,
    *(places,) * 4,
    boxes,
    places,
    st.lists(words, max_size=3).map(tuple),
    numbers,
    st.booleans(),
)
grids = st.builds(
    Grid,
    places,
    places,
    st.lists(cells, max_size=4).map(tuple),
    st.booleans(),
    st.none() | st.text(),
)
readings = st.builds(
    PageReading,
    *(places,) * 3,
    numbers,
    st.sampled_from(["ocr", "text_layer"]),
    st.lists(grids, max_size=3).map(tuple),
    st.lists(words, max_size=3).map(tuple),
    st.dictionaries(st.text(), numbers, max_size=3),
)


@given(readings)
def test_a_reading_comes_back_exactly(reading: PageReading) -> None:
    stored = json.dumps(reading_to_json(reading), allow_nan=False)
    assert reading_from_json(json.loads(stored)) == reading


def test_numbers_of_numpy_become_plain_ones() -> None:
    word = Word("王", Box(*np.array([1, 2, 3, 4], np.float32)), np.float32(0.5), np.float32(0.1), 1)
    reading = PageReading(1, 10, 10, 200.0, "ocr", (), (word,), {"ocr": np.float64(1.5)})
    assert reading_from_json(json.loads(json.dumps(reading_to_json(reading)))) == reading


def test_what_is_no_reading_is_an_input_error() -> None:
    good = reading_to_json(PageReading(1, 10, 10, 200.0, "ocr", (), ()))
    for change in (
        {"schema": "formloop.record/1"},
        {"number": "1"},
        {"source": "guess"},
        {"grids": None},
        {"loose_words": [["a", 1, 2]]},
        {"dpi": True},
    ):
        with pytest.raises(InputError):
            reading_from_json({**good, **change})
    with pytest.raises(InputError):
        reading_from_json({})
