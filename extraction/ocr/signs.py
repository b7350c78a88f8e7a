"""Signs and letters that print alike, and which of them a Chinese form means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from extraction.values import Word

SAME_SIGN = {
    "⩾": "≥",
    "≧": "≥",
    "⩽": "≤",
    "≦": "≤",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "―": "—",
    "─": "—",
    "━": "—",
    "〜": "～",
    "∼": "～",
    "∶": "：",
    "⋯": "…",
    "•": "·",
    "・": "·",
    "･": "·",
    "‧": "·",
}
"""The sign that is meant, by the sign that was read; the forms' own texts use no other."""

CLOSING = {"(": ")", "（": "）", "[": "]", "［": "］", "〔": "〕", "【": "】", "《": "》"}
ENDING = frozenset(CLOSING.values())
NEVER_FIRST = ".。，、；：·,;:"
LEAST_OF_BRACKET, LOST_BRACKET_DOUBT = 0.003, 0.5
"""Of the probability of a sign behind an open bracket, which hardly any text leaves open; and
what is thought of one that is closed for it."""
SQUARE = frozenset("]］〕】")
ROUND = frozenset("0OoC°。○.")
"""What the recogniser makes of a full stop that stands alone."""
FULL_STOPS = frozenset("。○")
"""What it makes of a nought that stands alone."""

_NUMBER_IN_BRACKETS = re.compile(r"[（(]\d[\d.]*[分%]?$", re.ASCII)
_ONE_IN_LATIN = re.compile(r"(?<=[A-Za-z])1(?=[a-z])")
_COMMA_FOR_POINT = re.compile(r"^(\d[\d,]*),(\d{4,})$")
_POINT_AS_COMMA = re.compile(r"(?<=\d{4}),(?=\d{1,2}(?!\d))", re.ASCII)
_DUST_BEHIND_NUMBER = re.compile(r"^([≥≤＞＜><=]?\d[\d.,]*%?)[、·.]$")
_RING_OF_PER_CENT = re.compile(r"^([≥≤＞＜><=]?\d[\d.,]*%)\d$", re.ASCII)
_COMMA_IN_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff）》”〕%])[.．](?=[\u4e00-\u9fff（《“\d])")
_NOUGHT_BEHIND_PERCENT = re.compile(r"(?<=%)[0oO°](?!\d)")
_TABLE = str.maketrans(SAME_SIGN)


def same_signs(text: str) -> str:
    """``text`` with each sign as forms mean it; as long as before.

    Four digits or more never follow the comma of a number, they follow its point; nor do one or
    two where four stand before it. Between
    hanzi there are no points, but commas whose tails are worn off. Nor does a digit follow a
    per cent sign, but a full stop.
    """
    text = _NOUGHT_BEHIND_PERCENT.sub("。", text)
    text = _COMMA_IN_CHINESE.sub("，", text)
    text = _ONE_IN_LATIN.sub("l", text.translate(_TABLE))
    return _POINT_AS_COMMA.sub(".", _COMMA_FOR_POINT.sub(r"\1.\2", text))


def without_dust(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words of one cell without the dust that reads as a sign.

    No text begins with a sign that ends or parts, and no number ends with one. No digit follows
    a per cent sign: the recogniser sees it in the sign's second ring, where a fax filled that.
    """
    if len(words) == 1:
        text = _DUST_BEHIND_NUMBER.sub(r"\1", words[0].text)
        text = _RING_OF_PER_CENT.sub(r"\1", text)
        text = text.lstrip(NEVER_FIRST) or text
        return (replace(words[0], text=text),)
    for index, word in enumerate(words):
        text = word.text.lstrip(NEVER_FIRST)
        if text:
            return (replace(word, text=text), *words[index + 1 :])
    return tuple(words)


def close_brackets(words: Iterable[Word]) -> tuple[Word, ...]:
    """Words of one cell, with each square bracket closed by the kind that opened it.

    ``〕`` and ``]`` look alike in small print, and the opening one is read more surely. One at
    the end of a row may be seen as a pair: its own partner, further on, tells.
    """
    words = tuple(words)
    open_brackets: list[str] = []
    closed = []
    for index, word in enumerate(words):
        text = ""
        for character in _without_echo(words, index):
            if character in CLOSING:
                open_brackets.append(character)
            elif open_brackets and character in CLOSING.values():
                expected = CLOSING[open_brackets[-1]]
                if character in SQUARE and expected in SQUARE:
                    character = expected
                if character == expected:
                    open_brackets.pop()
            text += character
        closed.append(word if text == word.text else replace(word, text=text))
    if closed and len(open_brackets) == 1:
        closed[-1] = _with_lost_bracket(closed, open_brackets[0])
    return tuple(closed)


def _with_lost_bracket(words: Sequence[Word], opened: str) -> Word:
    """The last word, with the bracket behind a number that a fax left little of: something was
    overlooked there."""
    last = words[-1]
    is_number = _NUMBER_IN_BRACKETS.search("".join(word.text for word in words))
    if not is_number or last.overlooked < LEAST_OF_BRACKET:
        return last
    return replace(
        last, text=last.text + CLOSING[opened], weakest=min(last.weakest, LOST_BRACKET_DOUBT)
    )


def _without_echo(words: Sequence[Word], index: int) -> str:
    """The text of a word without the second of a pair of brackets at its end, where all words
    close one bracket more than they open, further on."""
    text = words[index].text
    if text[-1:] not in ENDING or _left_open(text[:-1]) < 1:
        return text
    every, after = ("".join(word.text for word in part) for part in (words, words[index + 1 :]))
    return text[:-1] if _left_open(every) < 0 and _left_open(after) < 0 else text


def _left_open(text: str) -> int:
    """How many brackets ``text`` leaves open; below 0 where it closes one that it did not open."""
    still_open = 0
    for character in text:
        still_open += (character in CLOSING) - (character in ENDING)
        if still_open < 0:
            break
    return still_open
