"""Training examples: what people said of a document, as labels of words and texts of regions.

Nothing that no person saw passes as truth. A word that lies in a region that was confirmed,
retyped, moved or drawn bears that field's label; printed exactly like a declared key, in a
cell of its own, it bears the key's; in a document of which every field was answered, the
rest belong to no field. All other words are unknown: they have no label here, and a
training masks them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from annotation.paths import path_to_place, record_fields
from annotation.values import Correction, Stand, Verdict
from extraction.declarations import KEY_LABEL, OTHER_LABEL, FormDeclaration
from extraction.fields.key_match import CHOICE, KeyIndex, declared_keys
from extraction.values import Box, Cell, PageReading, Record, Word
from models.windows import readings_to_words

SAYS_WHERE: Final = frozenset(
    {
        Verdict.CONFIRMED,
        Verdict.RETYPED,
        Verdict.MOVED,
        Verdict.RENAMED,
        Verdict.DRAWN,
        Verdict.ROW_ADDED,
        Verdict.ILLEGIBLE,
    }
)
"""Verdicts after which it is certain which field stands in a place."""
LEAST_INSIDE: Final = 0.6
"""Share of a word's box that must lie in a region for the word to be the region's."""


@dataclass(frozen=True, slots=True)
class ReviewedText:
    """A region that a person saw: what stands there, and the words it was read as.

    ``words`` are indices into the example's words, ``read`` is what the record said.
    """

    name: str
    page: int
    box: Box
    text: str
    read: str
    words: tuple[int, ...]
    audit: bool


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A corrected document: its words as they were read, and what is known of them.

    Words are numbered in reading order (``models.windows.readings_to_words``). ``labels``
    has the label of each word that is certain; a word that is not in it is unknown.
    ``layout`` is the same for documents whose printed keys follow each other alike.
    ``revision`` is the corrected record's number; ``is_whole`` says that every field was
    answered, so that no word is unknown but those that two fields share.
    """

    document_id: str
    form_type: str
    revision: int
    layout: str
    readings: tuple[PageReading, ...]
    labels: Mapping[int, str]
    texts: tuple[ReviewedText, ...]
    is_whole: bool

    @property
    def words(self) -> tuple[Word, ...]:
        return readings_to_words(self.readings)[1]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A document as the archive remembers it.

    ``record`` is the one that was shown, ``corrections`` those that stand, ``open_paths``
    those that people still disagree on, ``settled`` the texts that an engineer chose.
    """

    document_id: str
    revision: int
    record: Record
    readings: tuple[PageReading, ...]
    corrections: tuple[Correction, ...]
    open_paths: frozenset[str] = frozenset()
    settled: Mapping[str, str] | None = None


def reviewed_to_example(reviewed: Reviewed, declaration: FormDeclaration) -> TrainingExample:
    """All that the answers make certain. The declaration is that of the record's form type."""
    _, words = readings_to_words(reviewed.readings)
    answers = dict(_answers(reviewed))
    texts = tuple(_texts(answers, words))
    is_whole = _is_whole(reviewed, answers)
    claims = _claims(reviewed.record, answers, words)
    labels = {word: label for word, label in claims.items() if label is not None}
    for word in _key_words(reviewed.readings, declared_keys(declaration), words):
        if word not in claims:
            labels[word] = KEY_LABEL
    if is_whole:
        rest = set(range(len(words))) - claims.keys() - labels.keys()
        labels |= dict.fromkeys(rest, OTHER_LABEL)
    return TrainingExample(
        document_id=reviewed.document_id,
        form_type=declaration.name,
        revision=reviewed.revision,
        layout=layout_digest(reviewed.readings, declaration),
        readings=reviewed.readings,
        labels=dict(sorted(labels.items())),
        texts=texts,
        is_whole=is_whole,
    )


def example_labels(example: TrainingExample) -> tuple[str | None, ...]:
    """One for each word in reading order; None where nobody said anything."""
    return tuple(example.labels.get(number) for number in range(len(example.words)))


def layout_digest(readings: Sequence[PageReading], declaration: FormDeclaration) -> str:
    """Eight hexadecimal digits that tell apart forms whose keys follow each other otherwise."""
    keys = declared_keys(declaration)
    seen: dict[str, None] = {}
    for cell in (cell for reading in readings for grid in reading.grids for cell in grid.cells):
        targets = [m.target for m in keys.find(cell.text) if not m.target.startswith(CHOICE)]
        if targets:
            seen.setdefault("/".join(sorted(targets)))
    told = "\n".join((declaration.name, *seen))
    return hashlib.sha256(told.encode("utf-8")).hexdigest()[:8]


# --- what was answered -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answered:
    """What stands of the answers to one path. ``stand`` None: no such field is there.

    ``is_text_sure`` is whether the text may be trusted as well as the place.
    """

    stand: Stand | None
    read: str
    is_text_sure: bool
    audit: bool


def _answers(reviewed: Reviewed) -> Iterator[tuple[str, _Answered]]:
    """Each path that was answered and that people do not disagree on."""
    by_path: dict[str, list[Correction]] = defaultdict(list)
    for correction in reviewed.corrections:
        by_path[correction.path].append(correction)
    settled = reviewed.settled or {}
    for path, corrections in by_path.items():
        if path in reviewed.open_paths:
            continue
        chosen = _find_standing(corrections, settled.get(path))
        if chosen is not None:
            yield path, _to_answered(chosen)


def _find_standing(corrections: Sequence[Correction], settled: str | None) -> Correction | None:
    """The newest of those that say what most people say; None where no side has most."""
    newest = sorted(corrections, key=lambda item: (item.at, item.annotation_id), reverse=True)
    if settled is not None:
        return next((item for item in newest if _said(item) == (True, settled)), None)
    counts = Counter(map(_said, newest)).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return None
    return next(item for item in newest if _said(item) == counts[0][0])


def _said(correction: Correction) -> tuple[bool, str]:
    """Whether the field is there, and its text."""
    after = correction.after
    return after is not None, "" if after is None else after.text


def _to_answered(correction: Correction) -> _Answered:
    is_there = correction.verdict in SAYS_WHERE
    stand = correction.after or (
        correction.before if correction.verdict is Verdict.ILLEGIBLE else None
    )
    return _Answered(
        stand=stand if is_there else None,
        read=correction.before.text if correction.before is not None else "",
        is_text_sure=correction.verdict is not Verdict.ILLEGIBLE,
        audit=correction.audit,
    )


def _is_whole(reviewed: Reviewed, answers: Mapping[str, _Answered]) -> bool:
    """Every field was answered, blank ones too: a value that the reader missed would else
    pass as belonging to no field."""
    return all(item.path in answers for item in record_fields(reviewed.record)) and bool(answers)


# --- words of regions --------------------------------------------------------------------


def _texts(answers: Mapping[str, _Answered], words: Sequence[Word]) -> Iterator[ReviewedText]:
    """Each place once: rows that share a merged cell share its region."""
    seen = set()
    for path, answer in answers.items():
        stand = answer.stand
        if stand is None or stand.page is None or stand.box is None or not answer.is_text_sure:
            continue
        name = path_to_place(path).name
        if (place := (name, stand.page, stand.box)) in seen:
            continue
        seen.add(place)
        inside = words_inside(words, stand.page, stand.box)
        yield ReviewedText(
            name, stand.page, stand.box, stand.text, answer.read, inside, answer.audit
        )


def words_inside(words: Sequence[Word], page: int, box: Box) -> tuple[int, ...]:
    """The words of which most lies in ``box``."""
    return tuple(
        number
        for number, word in enumerate(words)
        if word.page == page and _shared(word.box, box) >= LEAST_INSIDE * max(word.box.area, 1.0)
    )


def _shared(one: Box, other: Box) -> float:
    shared = one.intersection(other)
    return shared.area if shared.width > 0 and shared.height > 0 else 0.0


def _claims(
    record: Record, answers: Mapping[str, _Answered], words: Sequence[Word]
) -> dict[int, str | None]:
    """Word → its label, or None where it is unknown whose it is: two fields share it, or a
    field that nobody was asked about stands there."""
    answered: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for path, answer in answers.items():
        if (stand := answer.stand) is not None and stand.page and stand.box is not None:
            for word in words_inside(words, stand.page, stand.box):
                answered[word] |= {
                    (path_to_place(path).name, said) for said in (stand.text, answer.read)
                }
    claims: dict[int, str | None] = {}
    for word, said in answered.items():
        names = {name for name, _ in said}
        claims[word] = names.pop() if len(names) == 1 else None
    for item in record_fields(record):
        source = item.field.source
        if item.path in answers or source is None:
            continue
        own = (item.name, item.field.text)
        for word in words_inside(words, source.page, source.box):
            if word not in answered or _shares(answered[word], own):
                claims[word] = None
    return claims


def _shares(answered: set[tuple[str, str]], other: tuple[str, str]) -> bool:
    """Whether a field that was not shown has a part of the place for itself: one with the
    very text of the answered region was only taken for the wrong field."""
    name, text = other
    if not text or any(name == known for known, _ in answered):
        return False
    return all(text != said for _, said in answered)


def _key_words(
    readings: Sequence[PageReading], keys: KeyIndex, words: Sequence[Word]
) -> Iterator[int]:
    """Words of cells that print a declared key to the letter and can be no value."""
    numbers: dict[Word, int] = {word: number for number, word in enumerate(words)}
    for reading in readings:
        for grid in reading.grids:
            for cell in grid.cells:
                if _is_key(cell, keys):
                    yield from (numbers[word] for word in cell.words if word in numbers)


def _is_key(cell: Cell, keys: KeyIndex) -> bool:
    matches = keys.find(cell.text) if cell.words else ()
    return bool(matches) and all(
        match.similarity == 1.0 and not match.target.startswith(CHOICE) for match in matches
    )
