"""Corrected documents printed again with other values: their layout is learnt, not their texts.

All happens at the level of words. Keys and all that belongs to no field stay; a value gives
way to one of another document, to other digits, or to another text of about its length; rows
of a group fall away and what stands below moves up; then the measured noise of reading is
put on. A few documents become as many as a training needs to see their layout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.labelled_forms import LabelledForm, number_lines
from models.training_set import MISSING
from models.windows import PlacedWord, ThousandthsBox
from models.word_noise import WordNoise, add_noise

NOT_VALUES: Final = ("other", "key", MISSING)


@dataclass(frozen=True, slots=True)
class ReprintSettings:
    """Rates 0..1 of values, but ``cut_rows`` of forms; ``noise`` is the highest strength of
    the noise that is added to what was misread already."""

    other_document: float = 0.45
    other_text: float = 0.35
    blank: float = 0.03
    cut_rows: float = 0.5
    noise: float = 1.0


@dataclass(frozen=True, slots=True)
class Values:
    """Texts to print: those of each field in any document, and texts of any kind."""

    by_label: Mapping[str, tuple[str, ...]]
    any_text: str


_Cell = tuple[int, ThousandthsBox, str]
"""Page, area and label: the words of one value."""


def reprint_forms(
    forms: Sequence[LabelledForm],
    wanted: int,
    seed: int,
    noise: WordNoise,
    lexicon: Sequence[str] = (),
    settings: ReprintSettings | None = None,
) -> list[LabelledForm]:
    """``wanted`` forms, each like one of ``forms`` in turn; the same seed gives the same.

    ``lexicon`` are texts that may stand for those that nobody has seen yet.
    """
    if not forms:
        return []
    chosen = settings or ReprintSettings()
    values = find_values(forms, lexicon)
    return [
        reprint_form(forms[n % len(forms)], values, np.random.default_rng((seed, n)), noise, chosen)
        for n in range(wanted)
    ]


def reprint_form(
    form: LabelledForm,
    values: Values,
    rng: np.random.Generator,
    noise: WordNoise,
    settings: ReprintSettings,
) -> LabelledForm:
    cut = cut_rows(form, rng) if rng.random() < settings.cut_rows else form
    cells = _value_cells(cut)
    words: list[PlacedWord] = []
    labels: list[str] = []
    done: set[_Cell] = set()
    for word, label in zip(cut.words, cut.labels, strict=True):
        cell = _cell_of(word, label)
        if label in NOT_VALUES:
            words.append(word)
            labels.append(label)
        elif cell not in done:
            done.add(cell)
            lines = cells[cell]
            text = _draw_text("".join(line.text for line in lines), label, values, rng, settings)
            new = lay_text(text, lines)
            words += new
            labels += [label] * len(new)
    printed = replace(cut, words=number_lines(words), labels=tuple(labels))
    return add_noise(printed, noise, rng, float(rng.uniform(0, settings.noise)))


def find_values(forms: Sequence[LabelledForm], lexicon: Sequence[str] = ()) -> Values:
    found: dict[str, list[str]] = defaultdict(list)
    for form in forms:
        for (_, _, label), words in _value_cells(form).items():
            found[label].append("".join(word.text for word in words))
    texts = [text for own in found.values() for text in own if _is_wording(text)]
    return Values({label: tuple(own) for label, own in found.items()}, "".join((*texts, *lexicon)))


def lay_text(text: str, lines: Sequence[PlacedWord]) -> list[PlacedWord]:
    """The text in the place of ``lines``, as wide as they are and in no more of them than the
    cell has room for; a longer text is cut."""
    first = lines[0]
    longest = max(lines, key=lambda line: len(line.text))
    per_line = max(len(longest.text), 1)
    height = max(first.box[3] - first.box[1], 1)
    room = max(len(lines), (first.area[3] - first.area[1]) // height)
    pieces = [text[at : at + per_line] for at in range(0, len(text), per_line)][:room]
    width = (longest.box[2] - longest.box[0]) / per_line
    middle = (min(line.box[1] for line in lines) + max(line.box[3] for line in lines)) / 2
    top = max(first.area[1], round(middle - height * len(pieces) / 2))
    laid = []
    for number, piece in enumerate(pieces):
        bottom = min(top + height * (number + 1), max(first.area[3], top + height))
        right = round(first.box[0] + width * len(piece))
        box = (first.box[0], top + height * number, max(right, first.box[0] + 1), bottom)
        laid.append(replace(first, text=piece, box=box, area=first.area if first.in_cell else box))
    return laid


def cut_rows(form: LabelledForm, rng: np.random.Generator) -> LabelledForm:
    """Without some rows of one group on one page; what stands below them moves up."""
    tops = _row_tops(form)
    places = sorted(place for place, found in tops.items() if len(found) > 2)
    if not places:
        return form
    page, group = places[int(rng.integers(len(places)))]
    rows = tops[page, group]
    start = int(rng.integers(1, len(rows) - 1))
    stop = int(rng.integers(start + 1, len(rows)))
    return _without(form, page, rows[start], rows[stop])


def _without(form: LabelledForm, page: int, top: int, bottom: int) -> LabelledForm:
    """Without all cells between two heights of a page; those that reach over are shortened."""
    by = bottom - top

    def moved(y: int) -> int:
        return y if y <= top else max(top, y - by)

    words, labels = [], []
    for word, label in zip(form.words, form.labels, strict=True):
        if word.page != page:
            words.append(word)
        elif top <= word.area[1] and word.area[3] <= bottom:
            continue
        else:
            height = word.box[3] - word.box[1]
            y = moved(word.box[1])
            box = (word.box[0], y, word.box[2], y + height)
            area = (word.area[0], moved(word.area[1]), word.area[2], moved(word.area[3]))
            words.append(replace(word, box=box, area=area if word.in_cell else box))
        labels.append(label)
    return replace(form, words=tuple(words), labels=tuple(labels))


def _row_tops(form: LabelledForm) -> dict[tuple[int, str], list[int]]:
    """(page, group) → the upper sides of its rows, from the top."""
    tops: dict[tuple[int, str], set[int]] = defaultdict(set)
    for word, label in zip(form.words, form.labels, strict=True):
        group, _, column = label.partition(".")
        if column and word.in_cell:
            tops[word.page, group].add(word.area[1])
    return {place: _apart(sorted(found)) for place, found in tops.items()}


def _apart(tops: Sequence[int], least: int = 4) -> list[int]:
    """One of those that all but coincide."""
    kept: list[int] = []
    for top in tops:
        if not kept or top - kept[-1] >= least:
            kept.append(top)
    return kept


def _value_cells(form: LabelledForm) -> dict[_Cell, list[PlacedWord]]:
    cells: dict[_Cell, list[PlacedWord]] = defaultdict(list)
    for word, label in zip(form.words, form.labels, strict=True):
        if label not in NOT_VALUES:
            cells[_cell_of(word, label)].append(word)
    return dict(cells)


def _cell_of(word: PlacedWord, label: str) -> _Cell:
    return word.page, word.area, label


def _draw_text(
    text: str,
    label: str,
    values: Values,
    rng: np.random.Generator,
    settings: ReprintSettings,
) -> str:
    """A text of the same kind; "" for a value that is left blank."""
    if rng.random() < settings.blank:
        return ""
    known = values.by_label.get(label, ())
    draw = rng.random()
    if known and draw < settings.other_document:
        text = known[int(rng.integers(len(known)))]
    elif _is_wording(text) and draw < settings.other_document + settings.other_text:
        text = _any_text(values.any_text, len(text), rng) or text
    return other_digits(text, rng)


def _any_text(texts: str, length: int, rng: np.random.Generator) -> str:
    """A stretch of about so many characters out of ``texts``."""
    wanted = max(2, round(length * float(rng.uniform(0.6, 1.6))))
    if len(texts) <= wanted:
        return ""
    start = int(rng.integers(len(texts) - wanted))
    return texts[start : start + wanted]


def other_digits(text: str, rng: np.random.Generator) -> str:
    """Each digit another; a number still does not begin with 0."""
    written = ""
    for character in text:
        if not ("0" <= character <= "9"):
            written += character
            continue
        lowest = 0 if written[-1:].isdigit() or character == "0" else 1
        written += str(int(rng.integers(lowest, 10)))
    return written


def _is_wording(text: str) -> bool:
    """Mostly letters: not a number, a date or a sign."""
    return 2 * sum(character.isalpha() for character in text) > len(text) > 1
