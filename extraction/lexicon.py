"""Texts that people confirmed again and again repair a doubtful reading of such a text.

A noisy channel in log odds: was a known text printed and misread, or another text printed
that happens to differ from a known one by as little? Numbers are never touched, nor what was
read surely, nor what is a known text already. What was read stays with the field.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from extraction.declarations import ColumnDeclaration, FieldDeclaration, FormDeclaration
from extraction.fields.drafts import Drafts, FieldDraft
from extraction.normalise import compact_text, text_to_value
from extraction.values import Word

REPAIRED: Final = "repaired:"
"""Begins the reason of a field that was repaired; what was read follows."""
CLOSED_KINDS: Final = frozenset({"text", "choice"})

CONFIDENT: Final = 0.98
"""A word whose least probable character is at least as probable is left as it was read."""
LEAST_LENGTH: Final = 2
CHARACTERS_PER_EDIT: Final = 4
MOST_EDITS: Final = 3
LEAST_ODDS: Final = math.log(30)
LEAST_MARGIN: Final = math.log(20)
MOST_BY_COUNT: Final = math.log(10)
"""Of the margin, what may come of one entry being more frequent than another."""

_ANY_CHARACTER: Final = 1e-3
"""Chance of one certain character where any of those that print alike could stand."""
_CONFUSION_PRIOR: Final = 5.0
"""Counted confusions outweigh the uniform guess from here on."""
_KINDRED: Final = 0.1
"""Share of texts not yet known that are variants of a known one."""
_FURTHER_EDIT: Final = 0.1
_NUMERALS: Final = frozenset("0123456789%‰〇零一二三四五六七八九十百千万亿两≥≤><=+")
_OPTIONAL: Final = frozenset(":;,、()[]{}《》〈〉【】〔〕")
"""Signs that one form prints and another leaves out: a text without them is no misreading."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One character that was printed and the one it was read as; "" for none.

    ``place`` counts characters of what was read.
    """

    printed: str
    read: str
    place: int


@dataclass(frozen=True, slots=True)
class Repair:
    """``odds`` and ``margin`` are logarithms: against the reading, and the next best entry."""

    before: str
    after: str
    edits: tuple[Edit, ...]
    odds: float
    margin: float


@dataclass(frozen=True, slots=True)
class Confusions:
    """How often a printed character was read as another, by (printed, read)."""

    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        totals: dict[str, int] = {}
        for (printed, _), count in self.counts.items():
            totals[printed] = totals.get(printed, 0) + count
        object.__setattr__(self, "totals", totals)

    def chance(self, edit: Edit) -> float:
        """That a printed character which is misread is read as this one."""
        count = self.counts.get((edit.printed, edit.read), 0)
        total = self.totals.get(edit.printed, 0)
        return (count + _CONFUSION_PRIOR * _ANY_CHARACTER) / (total + _CONFUSION_PRIOR)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The texts of one field or column of a form type, by how many documents print them.

    ``unseen`` is the chance that the next document prints none of them.
    """

    form_type: str
    name: str
    entries: Mapping[str, int]
    unseen: float
    spellings: Mapping[str, str] = field(init=False)
    """Printed texts by their comparable form."""

    def __post_init__(self) -> None:
        by_count = sorted(self.entries.items(), key=lambda item: (item[1], item[0]))
        object.__setattr__(self, "spellings", {compact_text(text): text for text, _ in by_count})


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that was learnt; ``version`` is empty for the one that knows nothing."""

    vocabularies: tuple[Vocabulary, ...] = ()
    confusions: Confusions = field(default_factory=Confusions)
    version: str = ""

    def find(self, form_type: str, name: str) -> Vocabulary | None:
        return next(
            (one for one in self.vocabularies if (one.form_type, one.name) == (form_type, name)),
            None,
        )


NO_LEXICON: Final = Lexicon()


def repair_notes(reasons: Sequence[str]) -> tuple[str, ...]:
    """Those that say what was read before a repair; they are no cause for a review."""
    return tuple(reason for reason in reasons if reason.startswith(REPAIRED))


def read_as(reasons: Sequence[str]) -> str | None:
    """What was read of a field with these reasons, if it was repaired."""
    return next((note.removeprefix(REPAIRED) for note in repair_notes(reasons)), None)


def repair_drafts(
    drafts: Drafts, declaration: FormDeclaration, lexicon: Lexicon
) -> tuple[Drafts, Mapping[str, Repair]]:
    """The drafts with their doubtful texts repaired, and each repair by its field's path."""
    if not lexicon.vocabularies:
        return drafts, {}
    repairs: dict[str, Repair] = {}
    fields = {}
    for item in declaration.fields:
        if item.name in drafts.fields:
            draft = drafts.fields[item.name]
            vocabulary = lexicon.find(declaration.name, item.name)
            repair = _repair_draft(draft, item, vocabulary, lexicon.confusions)
            if repair is not None:
                repairs[item.name] = repair
            fields[item.name] = _repaired(draft, item, repair)
    groups = dict(drafts.groups)
    for group in declaration.groups:
        rows = [dict(row) for row in groups.get(group.name, ())]
        for column in group.columns:
            vocabulary = lexicon.find(declaration.name, f"{group.name}.{column.name}")
            for number, row in enumerate(rows):
                if vocabulary is None or column.name not in row:
                    continue
                repair = _repair_draft(row[column.name], column, vocabulary, lexicon.confusions)
                if repair is not None:
                    repairs[f"{group.name}[{number}].{column.name}"] = repair
                    row[column.name] = _repaired(row[column.name], column, repair)
        groups[group.name] = tuple(rows)
    return Drafts({**drafts.fields, **fields}, groups), repairs


def _repair_draft(
    draft: FieldDraft,
    declared: FieldDeclaration | ColumnDeclaration,
    vocabulary: Vocabulary | None,
    confusions: Confusions,
) -> Repair | None:
    if vocabulary is None or draft.source is None or declared.kind not in CLOSED_KINDS:
        return None
    return find_repair(draft.text, draft.words, vocabulary, confusions)


def _repaired(
    draft: FieldDraft, declared: FieldDeclaration | ColumnDeclaration, repair: Repair | None
) -> FieldDraft:
    if repair is None:
        return draft
    value = text_to_value(repair.after, declared.kind, declared.choices)
    return replace(draft, text=repair.after, value=value)


def find_repair(
    text: str, words: Sequence[Word], vocabulary: Vocabulary, confusions: Confusions
) -> Repair | None:
    """What was printed instead of ``text``, read as ``words``; None where nothing says so
    strongly enough."""
    read = compact_text(text)
    doubts = _character_doubts(read, words)
    if len(read) < LEAST_LENGTH or read in vocabulary.spellings or not any(doubts):
        return None
    total = sum(vocabulary.entries.values()) + len(vocabulary.entries)
    known = [
        (_channel(edits, confusions), _log_share(vocabulary, printed, total), printed, edits)
        for printed, edits in _near_entries(read, vocabulary)
    ]
    if not known:
        return None
    best = max(known, key=lambda item: (item[0] + item[1], item[2]))
    channel, share, printed, edits = best
    odds = _log_odds(read, edits, (channel, share), doubts, vocabulary.unseen)
    rivals = [item for item in known if item is not best]
    margin = min(
        (
            channel - other + min(MOST_BY_COUNT, share - its_share)
            for other, its_share, _, _ in rivals
        ),
        default=math.inf,
    )
    if not _may_edit(read, edits, doubts) or len(edits) > _most_edits(printed):
        return None
    if odds < LEAST_ODDS or margin < LEAST_MARGIN:
        return None
    return Repair(text, vocabulary.spellings[printed], edits, odds, margin)


def _near_entries(read: str, vocabulary: Vocabulary) -> Iterator[tuple[str, tuple[Edit, ...]]]:
    """Entries that differ from what was read in few characters, rivals to the best among them."""
    for printed in vocabulary.spellings:
        if abs(len(printed) - len(read)) > MOST_EDITS:
            continue
        edits = find_edits(printed, read)
        if len(edits) <= min(MOST_EDITS, len(printed) - 1):
            yield printed, edits


def _most_edits(printed: str) -> int:
    return max(1, min(MOST_EDITS, len(printed) // CHARACTERS_PER_EDIT))


def _may_edit(read: str, edits: Sequence[Edit], doubts: Sequence[float]) -> bool:
    """Whether each edit stands in a doubtful word and changes neither a number nor a sign that
    may be there or not."""
    return all(
        _doubt_at(edit, doubts) > 0.0
        and not {edit.printed, edit.read} & _OPTIONAL
        and not _is_in_number(read, edit)
        for edit in edits
    )


def _is_in_number(read: str, edit: Edit) -> bool:
    """A point or a sign beside a digit is a part of its number."""
    if {edit.printed, edit.read} & _NUMERALS:
        return True
    beside = read[max(0, edit.place - 1) : edit.place + 1 + len(edit.read)]
    is_word = (edit.printed + edit.read).isalpha()
    return not is_word and any(character.isdigit() for character in beside)


def _channel(edits: Sequence[Edit], confusions: Confusions) -> float:
    return sum(math.log(confusions.chance(edit)) for edit in edits) + math.log(_FURTHER_EDIT) * (
        len(edits) - 1
    )


def _log_share(vocabulary: Vocabulary, printed: str, total: int) -> float:
    """Of the documents that print a known text, those that print this one."""
    return math.log((vocabulary.entries[vocabulary.spellings[printed]] + 1) / total)


def _log_odds(
    read: str,
    edits: Sequence[Edit],
    known: tuple[float, float],
    doubts: Sequence[float],
    unseen: float,
) -> float:
    """For the entry against a text that is not known and was read rightly."""
    channel, share = known
    doubt = max((_doubt_at(edit, doubts) for edit in edits), default=0.0)
    if doubt <= 0.0:
        return -math.inf
    variant = math.log(_KINDRED) + share + len(edits) * math.log(_ANY_CHARACTER)
    other = max(variant, len(read) * math.log(_ANY_CHARACTER))
    return channel + share + math.log(doubt / (1.0 - doubt)) - math.log(unseen) - other


def _doubt_at(edit: Edit, doubts: Sequence[float]) -> float:
    """The doubt of the character that is changed; beside a character that is missing, the
    greater of its neighbours'."""
    beside = doubts[max(0, edit.place - 1) : edit.place + 1] if not edit.read else ()
    return max(beside or doubts[edit.place : edit.place + 1], default=0.0)


def _character_doubts(read: str, words: Sequence[Word]) -> tuple[float, ...]:
    """For each character the chance that its word is misread somewhere; 0 in a sure word."""
    told = [(compact_text(word.text), _word_doubt(word)) for word in words]
    if compact_text("".join(text for text, _ in told)).replace(" ", "") != read.replace(" ", ""):
        # Nobody knows which word a character is of: the surest one speaks for all.
        return (min((doubt for _, doubt in told), default=0.0),) * len(read)
    plain = iter([doubt for text, doubt in told for character in text if character != " "])
    doubts: list[float] = []
    for character in read:
        doubts.append(doubts[-1] if character == " " and doubts else next(plain, 0.0))
    return tuple(doubts)


def _word_doubt(word: Word) -> float:
    return 0.0 if word.weakest >= CONFIDENT else min(0.95, 1.0 - word.weakest)


def find_edits(printed: str, read: str) -> tuple[Edit, ...]:
    """The fewest single characters that make ``read`` of ``printed``, from left to right."""
    costs = _edit_costs(printed, read)
    i, j = len(printed), len(read)
    found: list[Edit] = []
    while i or j:
        same = i > 0 and j > 0 and printed[i - 1] == read[j - 1]
        if i and j and costs[i][j] == costs[i - 1][j - 1] + (not same):
            i, j = i - 1, j - 1
            if not same:
                found.append(Edit(printed[i], read[j], j))
        elif i and costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
            found.append(Edit(printed[i], "", j))
        else:
            j -= 1
            found.append(Edit("", read[j], j))
    return tuple(reversed(found))


def _edit_costs(printed: str, read: str) -> list[list[int]]:
    costs = [list(range(len(read) + 1))]
    for number, character in enumerate(printed, start=1):
        above, row = costs[-1], [number]
        for j, other in enumerate(read):
            row.append(min(above[j] + (character != other), above[j + 1] + 1, row[j] + 1))
        costs.append(row)
    return costs
