"""Decoding of the recogniser's output."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.ocr.ctc import Reading, find_alphabet, merge_readings, output_to_reading

CHARACTERS = "项項一二0lT7，"
ALPHABET = find_alphabet(CHARACTERS)
BLANK, SPACE = 0, len(CHARACTERS) + 1


def output(*steps: dict[int, float]) -> np.ndarray:
    """Rows of probabilities, zero where a step does not name a class."""
    rows = np.zeros((len(steps), len(CHARACTERS) + 2), dtype=np.float32)
    for row, step in zip(rows, steps, strict=True):
        for number, probability in step.items():
            row[number] = probability
    return rows


def number(character: str) -> int:
    return CHARACTERS.index(character) + 1


def test_repeats_are_one_character_unless_a_blank_parts_them() -> None:
    zero = number("0")
    reading = output_to_reading(
        output({zero: 0.9}, {zero: 0.8}, {BLANK: 1.0}, {zero: 0.7}), ALPHABET
    )
    assert reading.text == "00"
    np.testing.assert_allclose(reading.probabilities, [0.9, 0.7], rtol=1e-6)


def test_simplified_form_wins_over_the_traditional_one_unless_that_is_clear() -> None:
    close = output({number("項"): 0.6, number("项"): 0.3})
    clear = output({number("項"): 0.99, number("项"): 0.001})
    assert output_to_reading(close, ALPHABET).text == "项"
    assert output_to_reading(clear, ALPHABET).text == "項"


def test_nothing_read_scores_nothing() -> None:
    reading = output_to_reading(output({BLANK: 1.0}), ALPHABET)
    assert (reading.text, reading.score, reading.weakest) == ("", 0.0, 0.0)


def test_after_drops_what_stands_in_the_context() -> None:
    reading = output_to_reading(
        output({number("一"): 1.0}, {BLANK: 1.0}, {BLANK: 1.0}, {number("二"): 0.8}),
        ALPHABET,
    )
    assert reading.after(0.5).text == "二"
    assert reading.after(0.5).score == np.float32(0.8)


@given(st.lists(st.integers(0, SPACE), min_size=1, max_size=30))
def test_positions_rise_and_every_character_has_its_probability(classes: list[int]) -> None:
    reading = output_to_reading(output(*({number: 0.9} for number in classes)), ALPHABET)
    assert len(reading.text) == len(reading.probabilities) == len(reading.positions)
    assert list(reading.positions) == sorted(reading.positions)
    assert all(0 <= position <= 1 for position in reading.positions)


def reading(text: str, *probabilities: float) -> Reading:
    positions = tuple((index + 0.5) / len(text) for index in range(len(text)))
    return Reading(text, probabilities or (1.0,) * len(text), positions)


def test_the_more_probable_of_two_readings_takes_the_sign_that_it_skipped() -> None:
    first = reading("低于9%。", 1.0, 1.0, 1.0, 1.0, 0.76)
    assert merge_readings(first, reading("低于9%")).text == "低于9%。"
    assert merge_readings(reading("政局", 1.0, 0.5), reading("，政局")).text == "，政局"


def test_space_in_place_of_a_sign_is_no_text() -> None:
    assert (
        merge_readings(reading(" 沟通"), reading("，沟通", 0.9, 0.9, 0.9)).text.strip() == "，沟通"
    )


def test_text_that_only_the_less_probable_reading_holds_is_dropped() -> None:
    assert merge_readings(reading("率1", 0.9, 0.5), reading("率")).text == "率"
    assert merge_readings(reading("率"), reading("率1")).text == "率"


def test_lone_letter_that_may_be_a_digit_is_one() -> None:
    step = output({number("T"): 0.95, number("7"): 0.04})
    assert output_to_reading(step, ALPHABET).text == "7"
    sure = output_to_reading(output({number("T"): 0.98}), ALPHABET)
    assert sure.text == "T"
    np.testing.assert_allclose(sure.score, 0.49, rtol=1e-6)


def test_letter_beside_letters_stays() -> None:
    steps = output({number("T"): 0.9, number("7"): 0.1}, {number("l"): 0.9}, {number("0"): 0.9})
    assert output_to_reading(steps, ALPHABET).text == "Tl0"


def test_a_sign_that_reads_as_blank_is_remembered() -> None:
    comma = number("，")
    passed_over = output({number("项"): 1.0}, {BLANK: 0.7, comma: 0.3}, {number("二"): 1.0})
    reading = output_to_reading(passed_over, ALPHABET)
    assert (reading.text, reading.overlooked) == ("项二", pytest.approx(0.3))


def test_the_end_of_a_sign_is_no_second_one() -> None:
    comma = number("，")
    fading = output({number("项"): 1.0}, {comma: 0.9}, {BLANK: 0.7, comma: 0.3})
    assert output_to_reading(fading, ALPHABET).overlooked == 0.0


def test_a_second_look_that_shows_nothing_clears_the_first() -> None:
    suspected = replace(reading("低于九成"), overlooked=0.3)
    assert merge_readings(suspected, reading("低于九成")).overlooked == 0.0


def test_signs_before_the_first_character_are_left_out_with_their_probabilities() -> None:
    reading = Reading("。高。", (0.6, 0.9, 0.8), (0.1, 0.4, 0.7), 0.01)
    assert reading.without_first("。，") == Reading("高。", (0.9, 0.8), (0.4, 0.7), 0.01)
    assert Reading("。", (0.6,), (0.1,)).without_first("。，") == Reading("。", (0.6,), (0.1,))


def test_a_mark_that_one_reading_sees_twice_stays_one() -> None:
    """60.000000 became 60.,000000: the tail of the point was a comma in the wider cut."""
    places = tuple(k / 10 for k in range(6))
    first = Reading("60.,00", (1.0, 1.0, 0.66, 0.52, 1.0, 1.0), places)
    second = Reading("60.00", (1.0, 1.0, 0.89, 1.0, 1.0), places[:5])
    assert merge_readings(first, second).text == "60.00"
    lacking = Reading("6000", (1.0, 1.0, 1.0, 1.0), places[:4])
    assert (
        merge_readings(lacking, Reading("60,00", (1.0, 1.0, 0.9, 1.0, 1.0), places[:5])).text
        == "60,00"
    )


SIGNS = find_alphabet("0235678≥%，")


def sure_but_for(text: str, place: int, sign: str, thought: float) -> np.ndarray:
    """``text`` read surely, with ``thought`` of ``sign`` at one place."""
    rows = np.zeros((2 * len(text), len(SIGNS.characters) + 2), dtype=np.float32)
    for index, character in enumerate(text):
        rows[2 * index, SIGNS.characters.index(character) + 1] = 0.97
        rows[2 * index + 1, BLANK] = 1.0
    rows[2 * place, SIGNS.characters.index(sign) + 1] = thought
    return rows


@pytest.mark.parametrize(
    ("text", "place", "sign", "thought", "read"),
    [
        ("858", 2, "%", 0.01, "85%"),
        ("≥858", 3, "%", 0.01, "≥85%"),
        ("858", 2, "%", 0.0003, "858"),
        # Not at the end: nothing is known of those.
        ("885", 1, "%", 0.01, "885"),
        ("260%", 0, "≥", 0.01, "≥60%"),
        ("260%", 0, "≥", 0.0003, "260%"),
        ("2", 0, "≥", 0.01, "2"),
        ("8，260", 2, "≥", 0.01, "8，260"),
    ],
)
def test_a_bold_sign_that_looks_like_a_digit_is_told_by_what_else_was_thought_of(
    text: str, place: int, sign: str, thought: float, read: str
) -> None:
    reading = output_to_reading(sure_but_for(text, place, sign, thought), SIGNS)
    assert reading.text == read
    assert (reading.weakest < 0.9) == (read != text)
