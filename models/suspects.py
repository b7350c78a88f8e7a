"""Corrections that nobody else agrees with: neither the base nor other documents like them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from extraction.declarations import KEY_LABEL, OTHER_LABEL
from extraction.normalise import plain
from models.evaluate import Predict
from models.labelled_forms import LabelledForm
from models.training_set import MISSING, CorrectedForm
from models.windows import PlacedWord

SURE = 0.9
"""The base contradicts a label when it is this sure of another one."""
LEAST_VOTES = 2
SUSPECT_SHARE = 0.08
SUSPECT_WORDS = 3
GRID = 50
"""Words of one layout whose cells begin in the same square of so many thousandths are alike."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A document whose labels are contradicted; ``words`` of ``asked`` are."""

    document_id: str
    words: int
    asked: int
    examples: tuple[str, ...]
    """``text: label, but rather other``"""


_Place = tuple[str, str]


def find_suspects(
    forms: Sequence[CorrectedForm], labels: Sequence[str], predict: Predict
) -> tuple[tuple[CorrectedForm, ...], tuple[Suspect, ...]]:
    """The forms without the labels that all contradict, and the documents that had many.

    A label goes when the base is sure of another one, and so are most other documents of
    the layout, or there is none to ask.
    """
    votes = _count_votes(forms)
    kept, suspects = [], []
    for form in forms:
        wrong = _contradicted(form, labels, predict, votes)
        cleaned = tuple(
            MISSING if number in wrong and wrong[number][1] else label
            for number, label in enumerate(form.form.labels)
        )
        kept.append(replace(form, form=replace(form.form, labels=cleaned)))
        asked = sum(label != MISSING for label in form.form.labels)
        if len(wrong) >= max(SUSPECT_WORDS, SUSPECT_SHARE * asked):
            suspects.append(_to_suspect(form, asked, wrong))
    return tuple(kept), tuple(suspects)


def _contradicted(
    form: CorrectedForm,
    labels: Sequence[str],
    predict: Predict,
    votes: Mapping[_Place, Counter[str]],
) -> dict[int, tuple[str, bool]]:
    """Word → what it should rather be, and whether other documents say so too."""
    found: dict[int, tuple[str, bool]] = {}
    chances = predict(form.form.words)
    for number, (word, label) in enumerate(zip(form.form.words, form.form.labels, strict=True)):
        if label == MISSING:
            continue
        own = Counter({label: 1})
        others = votes[_place(form.form, word)] - own
        rival, count = next(iter(others.most_common(1)), ("", 0))
        agreed = others[label]
        is_outvoted = rival != label and count >= LEAST_VOTES and count > 2 * agreed
        best = labels[int(chances[number].argmax())]
        is_sure = best != label and label in labels and chances[number].max() >= SURE
        # Of a word of no field nobody said whether it is a key.
        is_sure = is_sure and (label, best) != (OTHER_LABEL, KEY_LABEL)
        if is_sure and is_outvoted and best == rival:
            found[number] = best, True
        elif is_outvoted and not agreed:
            found[number] = rival, True
        elif is_sure and not agreed:
            found[number] = best, False
    return found


def _count_votes(forms: Sequence[CorrectedForm]) -> Mapping[_Place, Counter[str]]:
    votes: dict[_Place, Counter[str]] = defaultdict(Counter)
    for form in forms:
        for word, label in zip(form.form.words, form.form.labels, strict=True):
            if label != MISSING:
                votes[_place(form.form, word)][label] += 1
    return votes


def _place(form: LabelledForm, word: PlacedWord) -> _Place:
    """A printed wording of a layout, or where a value that differs from form to form stands."""
    text = plain(word.text)
    if any(character.isdigit() for character in text) or len(text) > 12:
        text = f"{word.page}:{word.area[0] // GRID}:{word.area[1] // GRID}"
    return form.family, text


def _to_suspect(form: CorrectedForm, asked: int, wrong: Mapping[int, tuple[str, bool]]) -> Suspect:
    said = tuple(
        f"{form.form.words[number].text}: {form.form.labels[number]}, but rather {rival}"
        for number, (rival, _) in list(wrong.items())[:5]
    )
    return Suspect(form.document_id, len(wrong), asked, said)
