"""What reading does to printed words, measured on scans and played back on print.

Recognition of a page takes a second and synthesis of its words a few milliseconds; so a
part of the training forms is really read, and the rest gets the same mistakes at the
same rates.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np

from extraction.normalise import plain
from models.labelled_forms import LabelledForm, find_printed, number_lines, overlap_shares
from models.windows import BOX_SCALE, PlacedWord, ThousandthsBox

SHIPPED_NOISE = Path(__file__).parent / "weights" / "word_noise.json"
KEPT_CONFUSIONS = 3
"""Replacements kept for each character."""
MOST_OF_IT = 0.6


@dataclass(frozen=True, slots=True)
class WordNoise:
    """Rates 0..1 of what goes wrong, each per character, word or cell as said.

    ``jitter`` is the standard deviation of the sides of a box in thousandths of the page,
    ``shift`` their mean way outwards. ``confusions`` maps a character to replacements
    with their probabilities; other characters are replaced at the rate ``substitution``.
    """

    substitution: float = 0.0
    deletion: float = 0.0
    end_sign_lost: float = 0.0
    """Of words that end in a sign such as a full stop."""
    lone_sign_lost: float = 0.0
    """Of words that are one sign."""
    word_lost: float = 0.0
    """Of all other words."""
    split: float = 0.0
    merged: float = 0.0
    """Of pairs of words of one cell."""
    loose: float = 0.0
    """Of words in cells, that come out of none."""
    cells_merged: float = 0.0
    """Of cells, that come out as one with their right or lower neighbour."""
    jitter: float = 0.0
    shift: float = 0.0
    pairs: int = 0
    """Printed words that this was measured on."""
    confusions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def write_noise(path: Path, noise: WordNoise) -> None:
    text = json.dumps(asdict(noise), ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


def read_noise(path: Path = SHIPPED_NOISE) -> WordNoise:
    return WordNoise(**json.loads(path.read_text(encoding="utf-8")))


def is_sign(text: str) -> bool:
    """One character that is neither a letter nor a digit."""
    return len(text) == 1 and unicodedata.category(text)[0] in "PS"


# --- measuring ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Tally:
    """Counts of what could go wrong and of what did."""

    chances: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    replaced: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    sides: list[float] = field(default_factory=list)

    def rate(self, name: str) -> float:
        return round(self.events[name] / max(self.chances[name], 1), 6)


def measure_noise(pairs: Iterable[tuple[LabelledForm, LabelledForm]]) -> WordNoise:
    """Rates from (printed, read) forms whose boxes lie in the same coordinates."""
    tally = _Tally()
    count = 0
    for printed, read in pairs:
        _tally_form(tally, printed.words, read.words)
        count += len(printed.words)
    # Half a height of a box of one line is no jitter but another line.
    sides = np.array(tally.sides or [0.0])
    sides = sides[np.abs(sides) <= np.quantile(np.abs(sides), 0.98)]
    rates = {item.name: tally.rate(item.name) for item in fields(WordNoise)}
    rates |= {"jitter": round(float(sides.std()), 3), "shift": round(float(sides.mean()), 3)}
    return WordNoise(
        **{name: rates[name] for name in rates if name not in ("pairs", "confusions")},
        pairs=count,
        confusions=_confusions(tally),
    )


def _confusions(tally: _Tally) -> dict[str, dict[str, float]]:
    return {
        character: {
            other: round(count / tally.characters[character], 5)
            for other, count in others.most_common(KEPT_CONFUSIONS)
        }
        for character, others in sorted(tally.replaced.items())
        if others.total() >= 2
    }


def _tally_form(tally: _Tally, printed: Sequence[PlacedWord], read: Sequence[PlacedWord]) -> None:
    if not printed or not read:
        return
    owners = find_printed(printed, read)
    readings: dict[int, list[PlacedWord]] = defaultdict(list)
    for word, owner in zip(read, owners, strict=True):
        if owner is not None:
            readings[owner].append(word)
    covers = overlap_shares(printed, read) >= MOST_OF_IT
    for index, word in enumerate(printed):
        shared = [read[at] for at in np.flatnonzero(covers[index])]
        is_merged = any(covers[:, at].sum() > 1 for at in np.flatnonzero(covers[index]))
        _tally_word(tally, word, readings[index], is_merged=is_merged)
        if word.in_cell and shared:
            _tally_cell(tally, word, shared[0])


def _tally_word(
    tally: _Tally, printed: PlacedWord, read: Sequence[PlacedWord], *, is_merged: bool
) -> None:
    text = plain(printed.text)
    kind = "lone_sign_lost" if is_sign(text) else "word_lost"
    tally.chances.update((kind, "merged", "split"))
    tally.events["merged"] += is_merged
    if is_merged:
        return
    tally.events[kind] += not read
    tally.events["split"] += len(read) > 1
    if len(read) == 1:
        _tally_text(tally, text, plain(read[0].text))
        a, b = printed.box, read[0].box
        tally.sides += [a[0] - b[0], a[1] - b[1], b[2] - a[2], b[3] - a[3]]


def _tally_cell(tally: _Tally, printed: PlacedWord, read: PlacedWord) -> None:
    tally.chances.update(("loose", "cells_merged"))
    tally.events["loose"] += not read.in_cell
    (x0, top, x1, bottom), area = read.area, printed.area
    size = (x1 - x0) * (bottom - top)
    own = (area[2] - area[0]) * (area[3] - area[1])
    tally.events["cells_merged"] += read.in_cell and size > 1.5 * own


def _tally_text(tally: _Tally, printed: str, read: str) -> None:
    tally.characters.update(printed)
    tally.chances.update({"substitution": len(printed), "deletion": len(printed)})
    ends_in_sign = len(printed) > 1 and is_sign(printed[-1])
    tally.chances["end_sign_lost"] += ends_in_sign
    if ends_in_sign and read == printed[:-1]:
        tally.events["end_sign_lost"] += 1
        return
    matcher = SequenceMatcher(None, printed, read, autojunk=False)
    for kind, start, stop, read_start, read_stop in matcher.get_opcodes():
        if kind == "replace" and stop - start == read_stop - read_start:
            tally.events["substitution"] += stop - start
            for before, after in zip(printed[start:stop], read[read_start:read_stop], strict=True):
                tally.replaced[before][after] += 1
        elif kind in ("replace", "delete"):
            tally.events["deletion"] += stop - start


# --- playing back ------------------------------------------------------------------------


def add_noise(
    form: LabelledForm, noise: WordNoise, rng: np.random.Generator, strength: float = 1.0
) -> LabelledForm:
    """The form as it might have been read; ``strength`` multiplies all rates."""
    areas = _merge_areas(form.words, noise.cells_merged * strength, rng)
    words: list[PlacedWord] = []
    labels: list[str] = []
    for word, area, label in zip(form.words, areas, form.labels, strict=True):
        text = plain(word.text)
        lost = noise.lone_sign_lost if is_sign(text) else noise.word_lost
        if rng.random() < lost * strength:
            continue
        box = _jitter_box(word.box, noise, rng)
        is_loose = not word.in_cell or rng.random() < noise.loose * strength
        text = _misread(word.text, noise, strength, rng)
        if not text:
            continue
        noisy = replace(word, text=text, box=box, area=box if is_loose else area)
        if words and _joins(words[-1], noisy) and rng.random() < noise.merged * strength:
            words[-1] = _join(words[-1], noisy)
            continue
        parts = _split(noisy, rng) if rng.random() < noise.split * strength else (noisy,)
        words += parts
        labels += [label] * len(parts)
    return replace(form, words=number_lines(words), labels=tuple(labels))


def _merge_areas(
    words: Sequence[PlacedWord], rate: float, rng: np.random.Generator
) -> list[ThousandthsBox]:
    """The cell of each word, some of them united with that of the cell read next."""
    cells = list(dict.fromkeys((word.page, word.area) for word in words if word.in_cell))
    united: dict[tuple[int, ThousandthsBox], ThousandthsBox] = {}
    for (page, area), (other_page, other) in pairwise(cells):
        is_free = page == other_page and (page, area) not in united
        if is_free and _shares_a_side(area, other) and rng.random() < rate:
            united[page, area] = united[page, other] = _union(area, other)
    return [united.get((word.page, word.area), word.area) for word in words]


def _shares_a_side(a: ThousandthsBox, b: ThousandthsBox) -> bool:
    same_rows = abs(a[1] - b[1]) <= 2 and abs(a[3] - b[3]) <= 2 and abs(a[2] - b[0]) <= 3
    same_columns = abs(a[0] - b[0]) <= 2 and abs(a[2] - b[2]) <= 2 and abs(a[3] - b[1]) <= 3
    return same_rows or same_columns


def _union(a: ThousandthsBox, b: ThousandthsBox) -> ThousandthsBox:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _joins(last: PlacedWord, word: PlacedWord) -> bool:
    return word.in_cell and (last.page, last.area) == (word.page, word.area)


def _join(last: PlacedWord, word: PlacedWord) -> PlacedWord:
    return replace(last, text=last.text + word.text, box=_union(last.box, word.box))


def _split(word: PlacedWord, rng: np.random.Generator) -> tuple[PlacedWord, ...]:
    if len(word.text) < 2:
        return (word,)
    cut = int(rng.integers(1, len(word.text)))
    x0, top, x1, bottom = word.box
    middle = round(x0 + (x1 - x0) * cut / len(word.text))
    left, right = (x0, top, middle, bottom), (middle, top, x1, bottom)
    boxes = (word.area, word.area) if word.in_cell else (left, right)
    return (
        replace(word, text=word.text[:cut], box=left, area=boxes[0]),
        replace(word, text=word.text[cut:], box=right, area=boxes[1]),
    )


def _jitter_box(box: ThousandthsBox, noise: WordNoise, rng: np.random.Generator) -> ThousandthsBox:
    outwards = rng.normal(noise.shift, noise.jitter, size=4) * (-1, -1, 1, 1)
    moved = np.clip(np.rint(np.add(box, outwards)), 0, BOX_SCALE).astype(int).tolist()
    return moved[0], moved[1], max(moved[0], moved[2]), max(moved[1], moved[3])


def _misread(text: str, noise: WordNoise, strength: float, rng: np.random.Generator) -> str:
    ends_in_sign = len(text) > 1 and is_sign(plain(text[-1]))
    if ends_in_sign and rng.random() < noise.end_sign_lost * strength:
        text = text[:-1]
    draws = rng.random(len(text))
    if draws.min(initial=1.0) >= strength * _highest_rate(text, noise):
        return text
    characters = zip(text, draws / strength, strict=True)
    return "".join(_misread_character(c, draw, noise, rng) for c, draw in characters)


def _highest_rate(text: str, noise: WordNoise) -> float:
    known = (sum(noise.confusions[char].values()) for char in text if char in noise.confusions)
    return noise.deletion + max(known, default=0.0) + noise.substitution


def _misread_character(
    character: str, draw: float, noise: WordNoise, rng: np.random.Generator
) -> str:
    """``draw`` is uniform over 0..1/strength: the rates are laid end to end below it."""
    if draw < noise.deletion:
        return ""
    draw -= noise.deletion
    for other, rate in noise.confusions.get(character, {}).items():
        if draw < rate:
            return other
        draw -= rate
    if draw < noise.substitution and noise.confusions:
        known = sorted(noise.confusions)
        return known[int(rng.integers(len(known)))]
    return character
