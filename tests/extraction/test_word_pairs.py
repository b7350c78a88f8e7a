"""Which of two hanzi that look alike makes a word with its neighbours."""

from __future__ import annotations

import math
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.errors import ModelError
from extraction.ocr.ctc import find_alphabet, output_to_reading
from extraction.ocr.word_pairs import Candidates, WordPairs, load_word_pairs, pair_key

PAIRS = load_word_pairs()
LETTERS = find_alphabet("处置危险度废物减碱少改遣造完宪成一二级指标余佘风凤凰置县A")


def read(*places: dict[str, float]) -> tuple[str, tuple[float, ...]]:
    """The text and probabilities of what is thought of at each place."""
    rows = np.zeros((2 * len(places), len(LETTERS.characters) + 2), dtype=np.float32)
    for number, thought in enumerate(places):
        for character, probability in thought.items():
            rows[2 * number, LETTERS.characters.index(character) + 1] = probability
        rows[2 * number + 1, 0] = 1.0
    reading = output_to_reading(rows, LETTERS)
    return reading.text, reading.probabilities


def sure(text: str) -> list[dict[str, float]]:
    return [{character: 0.999} for character in text]


@pytest.mark.parametrize(
    ("before", "thought", "after", "expected"),
    [
        ("危险", {"度": 0.60, "废": 0.39}, "物", "危险废物"),
        ("", {"碱": 0.35, "减": 0.18}, "少", "减少"),
        ("改", {"遣": 0.92, "造": 0.07}, "", "改造"),
        ("", {"宪": 0.51, "完": 0.45}, "成", "完成"),
    ],
)
def test_a_worn_character_is_the_one_that_makes_a_word(
    before: str, thought: dict[str, float], after: str, expected: str
) -> None:
    text, probabilities = read(*sure(before), thought, *sure(after))
    assert text == expected
    assert probabilities[len(before)] < 0.9


def test_two_worn_characters_beside_each_other_are_settled_together() -> None:
    text, _ = read({"风": 0.75, "凤": 0.2}, {"置": 0.5, "凰": 0.4}, *sure("县"))
    assert text == "凤凰县"


@pytest.mark.parametrize(
    "thought", [{"度": 0.998, "废": 0.002}, {"度": 0.99}, {"度": 0.99, "废": 0.001}]
)
def test_what_was_read_surely_or_alone_stays(thought: dict[str, float]) -> None:
    assert read(*sure("危险"), thought, *sure("物"))[0] == "危险度物"


def test_words_tell_nothing_of_numerals_and_names() -> None:
    assert read({"一": 0.44, "二": 0.4}, *sure("级指标"))[0] == "一级指标"
    assert read({"余": 0.6, "佘": 0.3}, *sure("A"))[0] == "余A"


def test_a_likely_character_keeps_its_probability() -> None:
    _, probabilities = read({"完": 0.6, "宪": 0.3}, *sure("成"))
    assert probabilities[0] == pytest.approx(0.6)


@given(
    places=st.lists(
        st.dictionaries(
            st.sampled_from("度废物减碱少完宪成A1"), st.floats(0.002, 1.0), min_size=1, max_size=3
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_likeliest_of_all_ways_is_found(places: list[dict[str, float]]) -> None:
    candidates: list[Candidates] = [
        [(character, math.log(p)) for character, p in place.items()] for place in places
    ]

    def total(way: tuple[int, ...]) -> float:
        chosen = [place[number] for place, number in zip(candidates, way, strict=True)]
        odds = sum(odds for _, odds in chosen)
        return odds + sum(PAIRS.log_odds(a[0], b[0]) for a, b in pairwise(chosen))

    ways = product(*(range(len(place)) for place in candidates))
    assert total(tuple(PAIRS.likeliest(candidates))) == pytest.approx(max(map(total, ways)))


def test_characters_beyond_the_basic_plane_make_no_pair() -> None:
    assert pair_key("𠮷", "野") == 0
    assert PAIRS.log_odds("𠮷", "野") == 0.0


def test_missing_word_pairs_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no usable word pairs"):
        load_word_pairs(tmp_path / "none.npz")


def test_no_pairs_tell_nothing() -> None:
    none = WordPairs(np.zeros(0, np.uint32), np.zeros(0, np.uint8))
    assert none.log_odds("废", "物") == 0.0
    assert none.likeliest([]) == []
