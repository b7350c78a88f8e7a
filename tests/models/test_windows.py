from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extraction.normalise import plain
from models.tokens import (
    GAP_ID,
    PAD_ID,
    UNKNOWN_ID,
    PieceSettings,
    text_to_pieces,
    texts_to_vocabulary,
)
from models.windows import (
    PlacedWord,
    WindowSettings,
    merge_windows,
    readings_to_words,
    windows_to_batch,
    words_to_windows,
)
from tests.models.examples import VOCABULARY, make_reading

SMALL = WindowSettings(length=48, overlap=12, context=8)

texts = st.text(alphabet="项目名称指标0123456789。（鑫", max_size=40)
placed_words = st.lists(
    st.builds(
        PlacedWord,
        texts,
        st.just((10, 10, 20, 20)),
        st.just((5, 5, 30, 30)),
        st.integers(0, 9),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=120,
)


def test_full_width_and_half_width_texts_give_the_same_pieces() -> None:
    pieces = [text_to_pieces(t, 0, VOCABULARY, PieceSettings()) for t in ("１０．５", "10.5 ")]
    assert pieces[0] == pieces[1]


def test_a_long_word_keeps_its_start_and_its_end() -> None:
    pieces = text_to_pieces("项目名称" * 5 + "10", 0, VOCABULARY, PieceSettings())
    ids = [number for piece in pieces for number in piece]
    expected = [*VOCABULARY.encode("项目名称项目名"), GAP_ID, *VOCABULARY.encode("名称10")]
    assert ids == expected


def test_later_lines_of_a_cell_give_one_piece() -> None:
    assert len(text_to_pieces("项目名称" * 9, 3, VOCABULARY, PieceSettings())) == 1


def test_a_word_without_text_is_still_a_token() -> None:
    assert text_to_pieces("  ", 0, VOCABULARY, PieceSettings()) == [(PAD_ID,) * 4]


def test_rare_characters_stay_unknown() -> None:
    vocabulary = texts_to_vocabulary(["项项项鑫"], minimum=3)
    assert vocabulary.encode("项鑫") == [3, UNKNOWN_ID]


def test_words_come_row_by_row_with_loose_words_between() -> None:
    rows = [[["项目"], ["名称"]], [["1", "2"], ["3"]]]
    placed, words = readings_to_words([make_reading(rows, loose="题")])
    assert [word.text for word in words] == ["题", "项目", "名称", "1", "2", "3"]
    assert [word.line for word in placed] == [0, 0, 0, 0, 1, 0]
    assert [word.in_cell for word in placed] == [False, True, True, True, True, True]


def test_ragged_tops_of_one_row_do_not_change_the_order() -> None:
    reading = make_reading([[["项"], ["目"], ["名"]]])
    cells = list(reading.grids[0].cells)
    # The last cell reaches ten pixels higher than its row.
    cells[2] = type(cells[2])(
        **{
            **{name: getattr(cells[2], name) for name in cells[2].__slots__},
            "box": cells[2].box._replace(top=cells[2].box.top - 10),
        }
    )
    grid = type(reading.grids[0])(1, 3, tuple(cells))
    ragged = type(reading)(1, 1000, 1000, 200, "ocr", (grid,), ())
    _, words = readings_to_words([ragged])
    assert [word.text for word in words] == ["项", "目", "名"]


def test_boxes_are_thousandths_of_the_page_and_stay_inside() -> None:
    placed, _ = readings_to_words([make_reading([[["项目" * 60]]])])
    assert placed[0].box[2] == 1000
    assert placed[0].area == (50, 100, 250, 160)


@settings(max_examples=60, deadline=None)
@given(placed_words)
def test_every_word_stands_whole_in_some_window(words: list[PlacedWord]) -> None:
    windows = words_to_windows(words, VOCABULARY, SMALL)
    found = {int(word) for window in windows for word in window.words}
    assert found - {-1} == set(range(len(words)))
    assert all(len(window) <= SMALL.length for window in windows)


@settings(max_examples=60, deadline=None)
@given(placed_words)
def test_merging_gives_every_word_one_distribution(words: list[PlacedWord]) -> None:
    windows = words_to_windows(words, VOCABULARY, SMALL)
    rng = np.random.default_rng(0)
    logits = [rng.normal(size=(len(window), 5)).astype(np.float32) for window in windows]
    merged = merge_windows(windows, logits, len(words))
    assert merged.shape == (len(words), 5)
    assert np.allclose(merged.sum(axis=1), 1)


def test_a_word_of_two_windows_is_taken_where_it_has_most_context() -> None:
    words = [PlacedWord("项", (0, n, 5, n + 5), (0, n, 9, n + 5), 0, 0) for n in range(60)]
    windows = words_to_windows(words, VOCABULARY, SMALL)
    first, second = windows[0], windows[1]
    logits = [np.zeros((len(window), 2), dtype=np.float32) for window in windows]
    logits[0][:, 0], logits[1][:, 1] = 9, 9
    shared = sorted(set(first.words.tolist()) & set(second.words.tolist()) - {-1})
    merged = merge_windows(windows, logits, len(words))
    assert len(shared) >= 4
    assert merged[shared[0]].argmax() == 0
    assert merged[shared[-1]].argmax() == 1


def test_a_later_window_begins_with_wordings_that_may_head_its_columns() -> None:
    head = [PlacedWord("指标", (0, 0, 9, 9), (0, 0, 99, 9), 0, 0)]
    numbers = [PlacedWord("10.5", (0, n, 5, n + 5), (0, n, 9, n + 5), 0, 1) for n in range(90)]
    windows = words_to_windows(head + numbers, VOCABULARY, SMALL)
    assert len(windows) > 1
    assert windows[-1].words[0] == -1
    assert windows[-1].pieces[0].tolist() == [*VOCABULARY.encode("指标"), PAD_ID, PAD_ID]


def test_a_batch_pads_and_masks() -> None:
    placed, _ = readings_to_words([make_reading([[["项目"], ["10"]]])])
    windows = words_to_windows(placed, VOCABULARY, WindowSettings())
    short = words_to_windows(placed[:1], VOCABULARY, WindowSettings())
    batch = windows_to_batch([*windows, *short], multiple=8)
    assert batch.pieces.shape == (2, 8, 4)
    assert batch.mask.sum(axis=1).tolist() == [2, 1]


def test_settings_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        WindowSettings(length=64, overlap=40, context=20)


def test_white_space_never_counts() -> None:
    assert plain("项 目\n 名　称") == "项目名称"
