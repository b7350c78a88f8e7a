"""What a word list tells of neighbours."""

from __future__ import annotations

import numpy as np

from extraction.ocr.word_pairs import load_word_pairs
from models.word_pairs import count_pairs, read_word_list, weigh_pairs


def test_pairs_are_counted_inside_words_only_and_of_hanzi_only() -> None:
    pairs = count_pairs([("废物", 3), ("废物箱", 2), ("T恤衫", 5), ("人", 9)])
    assert pairs == {"废物": 5, "物箱": 2, "恤衫": 5}


def test_a_pair_weighs_more_the_more_it_exceeds_chance_and_a_rare_one_nothing() -> None:
    words = [("凤凰", 400), ("的人", 40), ("的是", 900), ("大人", 900), ("甲乙", 2)]
    pairs = weigh_pairs(count_pairs(words))
    assert pairs.log_odds("凤", "凰") > pairs.log_odds("的", "人")
    assert pairs.log_odds("甲", "乙") == pairs.log_odds("凰", "凤") == 0.0
    assert (np.diff(pairs.keys.astype(np.int64)) > 0).all()


def test_the_shipped_pairs_are_those_of_the_word_list() -> None:
    made, shipped = weigh_pairs(count_pairs(read_word_list())), load_word_pairs()
    assert np.array_equal(made.keys, shipped.keys)
    assert np.array_equal(made.weights, shipped.weights)
