"""What the rest of a form says of each of its fields: its column, its cell and its page.

A text can be read without a doubt and yet be wrong: a name that a page break cut off, a
blank where all others of its column print something, a mark behind a number. Each is a
number here, evidence for the confidence beside what speaks from the field itself.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from extraction.declarations import FormDeclaration
from extraction.fields.drafts import Drafts, FieldDraft, path_to_name
from extraction.fields.key_match import bare, edit_distance
from extraction.normalise import compact_text
from extraction.odds import logit
from extraction.values import Box, Grid, Source, Word, boxes_union

SURROUNDING_FEATURES = (
    "doubt",
    "column_filled",
    "blank_in_filled",
    "blank_alone",
    "shape_shared",
    "shape_alone",
    "cell_shared",
    "blank_shared",
    "page_score",
    "page_weakest",
    "page_unsure",
    "text_twice",
    "text_longer",
    "text_usual",
    "choice_exact",
    "choice_near",
    "choice_none",
    "mark_only",
    "sign_doubled",
    "bracket_open",
    "edge_mark",
    "stray_end",
    "at_edge",
    "off_middle",
    "number_blank",
    "column_blank",
    "decimals_odd",
)

_LONG_TEXT = 8
_UNSURE = 0.5
_NEITHER = 0.5
"""What stands for a share where there is nothing to share with."""
_SMALL_FRACTION, _FEWEST_TO_AGREE = 3, 2
"""Decimals, and how many other numbers are needed to tell what is usual."""
_NEAR = 3
"""A text is near another one when less than one in so many of its characters differs."""
_TOUCHING, _FAR, _MOST_OFF = 0.3, 1.5, 3.0
"""In heights of a word."""
_SAYING_NOTHING = frozenset({"-", "--", "—", "——", "/", "\\"})
_STRAY_END = re.compile(r"[%。][0-9A-Za-z]$")
_DECIMALS = re.compile(r"-?[\d,]+\.(\d+)$")
_PAIRS = (("(", ")"), ("“", "”"), ("《", "》"))
_FIRST_MARKS = "。,、;:%)"
_LAST_MARKS = "。%);!”》-/"

Around = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Printed:
    """A draft that the form prints; ``name`` is the declared one."""

    path: str
    name: str
    in_group: bool
    draft: FieldDraft
    source: Source

    @property
    def text(self) -> str:
        return compact_text(self.draft.text)


def find_surroundings(
    declaration: FormDeclaration, grids: Sequence[Grid], drafts: Drafts
) -> Mapping[str, Around]:
    """Path → ``SURROUNDING_FEATURES`` of each field that the form prints."""
    printed = tuple(_printed(drafts))
    doubts = [grid_doubt(grid) for grid in grids]
    pages = _page_evidence(printed)
    cells = Counter((item.name, item.source) for item in printed)
    places: dict[str, set[Source]] = {}
    for item in printed:
        places.setdefault(item.text, set()).add(item.source)
    columns = {name: _Column(items) for name, items in _by_name(printed).items()}
    choices, numbers = _choices(declaration), _number_names(declaration)
    decimals = _count_decimals(printed)
    found = {}
    for item in printed:
        source, is_blank = item.source, not item.text
        shared = cells[item.name, source]
        found[item.path] = {
            "doubt": 0.0 if source.table is None else doubts[source.table],
            "cell_shared": math.log(shared),
            "number_blank": float(is_blank and item.name in numbers),
            "blank_shared": float(is_blank and shared > 1),
            "text_twice": float(len(item.text) > _LONG_TEXT and len(places[item.text]) > 1),
            "decimals_odd": _decimals_odd(item, decimals),
            **columns[item.name].evidence(item),
            **pages.get(source.page, _NO_PAGE),
            **_choice_evidence(item.text, choices.get(item.name, ())),
            **_sign_evidence(item.text),
            **_place_evidence(item.draft.words, source.box),
        }
    return found


def grid_doubt(grid: Grid) -> float:
    """How many cells of a table may have a side too many or too few, as a logarithm.

    One such side moves the rows or columns of many cells that look perfect themselves.
    """
    return math.log1p(sum(1.0 - cell.quality for cell in grid.cells))


def text_shape(text: str) -> str:
    """Runs of digits, Latin and other letters as one sign each, marks as they are."""
    shape = ""
    for sign in text:
        kind = sign
        if sign.isdigit():
            kind = "9"
        elif sign.isalpha():
            kind = "a" if sign.isascii() else "字"
        if not (shape.endswith(kind) and kind in "9a字"):
            shape += kind
    return shape


class _Column:
    """All fields of one declared name."""

    def __init__(self, items: Sequence[_Printed]) -> None:
        filled = [item for item in items if item.text]
        self._others = len(items) - 1
        self._filled = len(filled)
        self._shapes = Counter(text_shape(item.text) for item in filled)
        self._texts = Counter(item.text for item in filled)
        lengths = [math.log1p(len(item.text)) for item in filled]
        self._length = float(np.median(lengths)) if lengths else 0.0

    def evidence(self, item: _Printed) -> Around:
        text, in_group = item.text, item.in_group
        filled = _NEITHER
        if self._others:
            filled = (self._filled - bool(text)) / self._others
        shared = _NEITHER
        if text and self._filled > 1:
            shared = (self._shapes[text_shape(text)] - 1) / (self._filled - 1)
        return {
            "column_filled": filled,
            "blank_in_filled": 0.0 if text else filled,
            "blank_alone": float(not text and not in_group),
            "column_blank": float(not text and in_group and not self._filled),
            "shape_shared": shared,
            "shape_alone": float(shared == 0 and in_group),
            "text_longer": math.log1p(len(text)) - self._length if text else 0.0,
            "text_usual": float(bool(text) and self._texts[text] > 1),
        }


_NO_PAGE: Around = {"page_score": 0.0, "page_weakest": 0.0, "page_unsure": 0.0}


def _page_evidence(printed: Sequence[_Printed]) -> Mapping[int, Around]:
    """How well the words of a page can be read; a poor scan shows in all of them."""
    pages: dict[int, list[Word]] = {}
    for item in printed:
        for word in item.draft.words:
            pages.setdefault(word.page, []).append(word)
    return {
        page: {
            "page_score": _mean(logit(word.score) for word in words),
            "page_weakest": _mean(logit(word.weakest) for word in words),
            "page_unsure": _mean(float(word.weakest < _UNSURE) for word in words),
        }
        for page, words in pages.items()
    }


def _choice_evidence(text: str, choices: Sequence[str]) -> Around:
    """A text that is almost one of those usual there is rather a misread one than another."""
    is_exact = bool({text, bare(text)} & {*choices}) if text else False
    is_near = not is_exact and bool(text) and any(_is_near(text, choice) for choice in choices)
    return {
        "choice_exact": float(is_exact),
        "choice_near": float(is_near),
        "choice_none": float(bool(choices and text) and not is_exact and not is_near),
    }


def _is_near(text: str, choice: str) -> bool:
    limit = max(len(text), len(choice)) // _NEAR
    return edit_distance(text, choice, limit) <= limit


def _sign_evidence(text: str) -> Around:
    has_letters = any(sign.isalnum() for sign in text)
    is_pair = any(a == b and a.isalpha() and not a.isascii() for a, b in pairwise(text))
    first, last = text[:1], text[-1:]
    return {
        "mark_only": float(bool(text) and not has_letters and text not in _SAYING_NOTHING),
        "sign_doubled": float(is_pair),
        "bracket_open": float(any(text.count(a) != text.count(b) for a, b in _PAIRS)),
        "edge_mark": float(
            bool(text) and (first in _FIRST_MARKS or not (last.isalnum() or last in _LAST_MARKS))
        ),
        "stray_end": float(_STRAY_END.search(text) is not None),
    }


def _place_evidence(words: Sequence[Word], cell: Box) -> Around:
    """Print keeps off the sides of its cell and stands in its middle: words that touch a side
    far from the other, or hang high or low, are a part of what is printed."""
    if not words:
        return {"at_edge": 0.0, "off_middle": 0.0}
    union = boxes_union(word.box for word in words)
    height = max(1.0, _mean(word.box.height for word in words))
    left, right = (union.x0 - cell.x0) / height, (cell.x1 - union.x1) / height
    above, below = (union.top - cell.top) / height, (cell.bottom - union.bottom) / height
    touches = min(left, right) < _TOUCHING and max(left, right) > _FAR
    return {
        "at_edge": float(touches),
        "off_middle": min(abs(above - below), _MOST_OFF),
    }


def _choices(declaration: FormDeclaration) -> Mapping[str, tuple[str, ...]]:
    """Declared name → the texts that are usual there, compacted."""
    declared = {item.name: item.choices for item in declaration.fields}
    for group in declaration.groups:
        declared |= {f"{group.name}.{column.name}": column.choices for column in group.columns}
    return {name: tuple(map(compact_text, choices)) for name, choices in declared.items()}


def _number_names(declaration: FormDeclaration) -> frozenset[str]:
    """Declared names of numbers: a form that has a place for one mostly prints one."""
    columns = {
        f"{group.name}.{column.name}": column.kind
        for group in declaration.groups
        for column in group.columns
    }
    kinds = {**{item.name: item.kind for item in declaration.fields}, **columns}
    return frozenset(name for name, kind in kinds.items() if kind in ("number", "percent"))


def _count_decimals(printed: Sequence[_Printed]) -> Mapping[str, Counter[int]]:
    """How often numbers that belong together show how many decimals; whole ones do not count."""
    found: dict[str, Counter[int]] = {}
    for item in printed:
        if shown := _decimals(item.text):
            found.setdefault(_alike(item, shown), Counter())[shown] += 1
    return found


def _alike(item: _Printed, shown: int) -> str:
    """What numbers are printed alike with this one: a spreadsheet shows all amounts of a group
    to the same small fraction; shares and scores are alike in their column alone."""
    return item.name.partition(".")[0] if shown >= _SMALL_FRACTION else item.name


def _decimals_odd(item: _Printed, decimals: Mapping[str, Counter[int]]) -> float:
    """How far numbers that belong together agree on decimals that this one does not show: a
    nought at the end is easily lost.

    The square of the share of the commonest, so that mixed numbers say little.
    """
    shown = _decimals(item.text)
    if not shown:
        return 0.0
    others = decimals[_alike(item, shown)] - Counter([shown])
    if others.total() < _FEWEST_TO_AGREE:
        return 0.0
    count = max(others.values())
    return 0.0 if others[shown] == count else (count / others.total()) ** 2


def _decimals(text: str) -> int:
    found = _DECIMALS.match(text)
    return len(found[1]) if found else 0


def _printed(drafts: Drafts) -> Iterator[_Printed]:
    for path, draft in drafts.paths():
        if draft.source is not None:
            yield _Printed(path, path_to_name(path), "[" in path, draft, draft.source)


def _by_name(items: Iterable[_Printed]) -> Mapping[str, list[_Printed]]:
    names: dict[str, list[_Printed]] = {}
    for item in items:
        names.setdefault(item.name, []).append(item)
    return names


def _mean(numbers: Iterable[float]) -> float:
    given = list(numbers)
    return sum(given) / len(given) if given else 0.0
