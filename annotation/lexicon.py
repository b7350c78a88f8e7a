"""What people said that forms print, as a lexicon and as counts of what is misread as what.

A text gets in when enough documents print it by the word of enough different people, so that
nobody alone can make the reader write what is not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from extraction.declarations import ColumnDeclaration, FieldDeclaration, FormDeclaration
from extraction.lexicon import CLOSED_KINDS, Confusions, Lexicon, Vocabulary, find_edits
from extraction.normalise import compact_text, says_nothing

MOST_MISREAD = 1 / 3
"""A text of which more differs from what was read was read elsewhere, not misread."""

EntryKey = tuple[str, str, str]
"""Form type, declared name and text."""


@dataclass(frozen=True, slots=True)
class SeenText:
    """A text that a person saw on the paper. ``read`` is what was read there, before any
    repair; ``repaired`` what the lexicon had made of it, if anything."""

    form_type: str
    name: str
    document_id: str
    author: str
    text: str
    read: str | None = None
    repaired: str | None = None


@dataclass(frozen=True, slots=True)
class LexiconSettings:
    """A name without declared choices is closed where ``least_texts`` texts of documents are
    known and at most ``most_unseen`` of its texts are ones that nobody saw before. What was
    undone ``most_undone`` times, and more often than it was confirmed, is used no more."""

    least_documents: int = 3
    least_people: int = 2
    least_texts: int = 12
    most_unseen: float = 0.2
    most_undone: int = 2


@dataclass(frozen=True, slots=True)
class LearntEntry:
    """``confirmed`` and ``undone`` count the repairs to it that people looked at."""

    form_type: str
    name: str
    text: str
    documents: int
    people: int
    declared: bool
    confirmed: int
    undone: int
    removed: bool
    used: bool

    @property
    def key(self) -> EntryKey:
        return self.form_type, self.name, self.text


@dataclass(frozen=True, slots=True)
class CountedConfusion:
    """``printed`` was read as ``read`` so many times; "" stands for nothing."""

    printed: str
    read: str
    times: int
    documents: int
    people: int
    used: bool


@dataclass(frozen=True, slots=True)
class Learnt:
    """All that was seen, and the lexicon of what of it may be used."""

    entries: tuple[LearntEntry, ...]
    confusions: tuple[CountedConfusion, ...]
    lexicon: Lexicon


def learn_lexicon(
    seen: Iterable[SeenText],
    declarations: Sequence[FormDeclaration],
    settings: LexiconSettings | None = None,
    removed: Set[EntryKey] = frozenset(),
) -> Learnt:
    """The same for the same texts in any order; its version is left open."""
    settings = settings or LexiconSettings()
    texts = tuple(item for item in seen if not says_nothing(item.text))
    confusions = _count_confusions(texts, settings)
    by_name: dict[tuple[str, str], list[SeenText]] = defaultdict(list)
    for item in texts:
        by_name[item.form_type, item.name].append(item)
    entries: list[LearntEntry] = []
    vocabularies: list[Vocabulary] = []
    for form_type, name, declared in _closed_kinds(declarations):
        mine = by_name.get((form_type, name), [])
        unseen = _unseen_share(mine)
        found = tuple(_entries((form_type, name), mine, declared.choices, settings, removed))
        entries += found
        used = {entry.text: entry.documents for entry in found if entry.used}
        if used and (declared.choices or _is_closed(mine, unseen, settings)):
            vocabularies.append(Vocabulary(form_type, name, used, unseen))
    counts = Confusions({(c.printed, c.read): c.times for c in confusions if c.used})
    return Learnt(tuple(entries), confusions, Lexicon(tuple(vocabularies), counts))


def _closed_kinds(
    declarations: Sequence[FormDeclaration],
) -> Iterator[tuple[str, str, FieldDeclaration | ColumnDeclaration]]:
    """Form type and name of all that may be repaired at all."""
    for declaration in declarations:
        for item in declaration.fields:
            if item.kind in CLOSED_KINDS:
                yield declaration.name, item.name, item
        for group in declaration.groups:
            for column in group.columns:
                if column.kind in CLOSED_KINDS:
                    yield declaration.name, f"{group.name}.{column.name}", column


@dataclass(slots=True)
class _Tally:
    """What vouches for one text; ``spellings`` count how it is written."""

    spellings: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    documents: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    confirmed: int = 0
    undone: int = 0
    declared: bool = False

    @property
    def text(self) -> str:
        return max(self.spellings.items(), key=lambda item: (item[1], item[0]))[0]


def _entries(
    place: tuple[str, str],
    seen: Sequence[SeenText],
    choices: Sequence[str],
    settings: LexiconSettings,
    removed: Set[EntryKey],
) -> Iterator[LearntEntry]:
    for _, tally in sorted(_tally(seen, choices).items()):
        key = (*place, tally.text)
        enough = (
            len(tally.documents) >= settings.least_documents
            and len(tally.people) >= settings.least_people
        )
        bad = tally.undone >= settings.most_undone and tally.undone > tally.confirmed
        yield LearntEntry(
            *key,
            documents=len(tally.documents),
            people=len(tally.people),
            declared=tally.declared,
            confirmed=tally.confirmed,
            undone=tally.undone,
            removed=key in removed,
            used=(tally.declared or enough) and not bad and key not in removed,
        )


def _tally(seen: Sequence[SeenText], choices: Sequence[str]) -> Mapping[str, _Tally]:
    """By the comparable form of the text."""
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for choice in choices:
        tally = tallies[compact_text(choice)]
        tally.declared = True
        tally.spellings[choice] += 1
    for item in seen:
        text = " ".join(item.text.split())
        tally = tallies[compact_text(text)]
        tally.spellings[text] += 1
        tally.documents.add(item.document_id)
        tally.people.add(item.author)
        if item.repaired is not None:
            kept = compact_text(item.repaired) == compact_text(item.text)
            tally.confirmed += kept
            if not kept:
                tallies[compact_text(item.repaired)].undone += 1
    return {text: tally for text, tally in tallies.items() if tally.spellings}


def _unseen_share(seen: Sequence[SeenText]) -> float:
    """Good and Turing's estimate that the next document prints a text that none printed."""
    documents: dict[str, set[str]] = defaultdict(set)
    for item in seen:
        documents[compact_text(item.text)].add(item.document_id)
    once = sum(len(one) == 1 for one in documents.values())
    total = sum(len(one) for one in documents.values())
    return (once + 1) / (total + 2)


def _is_closed(seen: Sequence[SeenText], unseen: float, settings: LexiconSettings) -> bool:
    texts = {(item.document_id, compact_text(item.text)) for item in seen}
    return len(texts) >= settings.least_texts and unseen <= settings.most_unseen


def _count_confusions(
    seen: Sequence[SeenText], settings: LexiconSettings
) -> tuple[CountedConfusion, ...]:
    """The most frequent first."""
    times: dict[tuple[str, str], int] = defaultdict(int)
    documents: dict[tuple[str, str], set[str]] = defaultdict(set)
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    counted: set[tuple[str, str, str, str]] = set()
    for item in seen:
        for place, printed, read in _misread(item):
            pair = printed, read
            if (told := (item.document_id, place, printed, read)) not in counted:
                counted.add(told)
                times[pair] += 1
            documents[pair].add(item.document_id)
            people[pair].add(item.author)
    ordered = sorted(times, key=lambda pair: (-times[pair], pair))
    return tuple(
        CountedConfusion(
            *pair,
            times=times[pair],
            documents=len(documents[pair]),
            people=len(people[pair]),
            used=len(documents[pair]) >= settings.least_documents
            and len(people[pair]) >= settings.least_people,
        )
        for pair in ordered
    )


def _misread(item: SeenText) -> Iterator[tuple[str, str, str]]:
    """Where, what was printed and what was read, if the text was misread and not replaced."""
    if item.read is None:
        return
    printed, read = compact_text(item.text), compact_text(item.read)
    if printed == read or not read:
        return
    edits = find_edits(printed, read)
    if len(edits) <= MOST_MISREAD * len(printed):
        for edit in edits:
            yield f"{item.name}\0{printed}\0{edit.place}", edit.printed, edit.read
