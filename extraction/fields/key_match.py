"""Find printed keys and headers among declared ones, OCR slips allowed for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache

from extraction.declarations import FormDeclaration

_NOT_TEXT = re.compile(r"[\s·•*_|]+")
_BRACKETED = re.compile(r"[(\[{【〔<《][^()\[\]{}【】〔〕<>《》]*[)\]}】〕>》]?")
_NUMBERING = re.compile(r"^(?:其中:?|[0-9]{4}(?=年度)|[0-9一二三四五六七八九十]{1,2}[.、,])")
_LETTER = re.compile(r"[a-z一-鿿]")
_LONGEST_KEY = 24

SECTION = "section:"
END = "end:"
CHOICE = "choice:"
IN_ROW = "in_row:"
OTHER_KEY = "other_key:"


@dataclass(frozen=True, slots=True)
class KeyMatch:
    """``target`` is what the key stands for; ``similarity`` is 1 where it is printed so."""

    target: str
    similarity: float


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """Declared keys in comparable form, each with all that it may stand for."""

    targets: Mapping[str, tuple[str, ...]]

    def find(self, text: str) -> tuple[KeyMatch, ...]:
        """What ``text`` may stand for, at the smallest distance from any declared key."""
        forms = _key_forms(text)
        if exact := self._printed(forms):
            return tuple(KeyMatch(target, 1.0) for target in exact)
        return self._nearest(forms)

    def exact(self, text: str) -> tuple[str, ...]:
        """What ``text`` stands for as it is."""
        return self._printed(_key_forms(text))

    def _printed(self, forms: Iterable[str]) -> tuple[str, ...]:
        return next((self.targets[form] for form in forms if form in self.targets), ())

    def _nearest(self, forms: Iterable[str]) -> tuple[KeyMatch, ...]:
        best, found = 1.0, dict[str, float]()
        for form in forms:
            limit = slips_allowed(len(form))
            if not limit or not _LETTER.search(form):
                continue
            letters = set(form)
            lengths = _by_length(tuple(self.targets))
            near = range(len(form) - limit, len(form) + limit + 1)
            for key in (key for length in near for key in lengths.get(length, ())):
                # A letter that the key lacks costs a slip, which spares most distances.
                if len(letters.difference(key)) > limit:
                    continue
                share = edit_distance(form, key, limit) / max(len(form), len(key))
                if slips_allowed(len(key)) and share <= min(best, limit / len(form)):
                    found = found if share == best else {}
                    best = share
                    found.update(dict.fromkeys(self.targets[key], 1.0 - share))
        return tuple(KeyMatch(target, similarity) for target, similarity in found.items())


def _key_forms(text: str) -> tuple[str, ...]:
    """None where ``text`` is too long for a key."""
    forms = forms_of(text)
    return forms if forms and len(forms[0]) <= _LONGEST_KEY else ()


@lru_cache(maxsize=64)
def _by_length(keys: tuple[str, ...]) -> Mapping[int, tuple[str, ...]]:
    lengths: dict[int, list[str]] = {}
    for key in keys:
        lengths.setdefault(len(key), []).append(key)
    return {length: tuple(found) for length, found in lengths.items()}


def comparable(text: str) -> str:
    """NFKC without white space, leading marks and closing colon, in lower case."""
    text = unicodedata.normalize("NFKC", text)
    return _NOT_TEXT.sub("", text).strip(":;,.、。-—").lower()


def bare(text: str) -> str:
    """A comparable text without bracketed parts, numbering and 其中 (of which)."""
    return _NUMBERING.sub("", _BRACKETED.sub("", text)).strip(":%")


def forms_of(text: str) -> tuple[str, ...]:
    """``text`` as it compares, whole and bare; none where nothing is left to compare."""
    full = comparable(text)
    return tuple(dict.fromkeys(form for form in (full, bare(full)) if form))


def slips_allowed(length: int) -> int:
    """Characters that may differ in a key of ``length`` and still be the same key."""
    return 0 if length < 4 else 1 if length < 8 else 2


@lru_cache(maxsize=1 << 16)
def edit_distance(a: str, b: str, limit: int) -> int:
    """Levenshtein's distance, or ``limit + 1`` as soon as it must be larger."""
    if a == b:
        return 0
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def part_distance(pattern: str, text: str) -> tuple[int, int, int]:
    """The part of ``text`` nearest to ``pattern``: distance, start and end of that part."""
    row = [(0, j) for j in range(len(text) + 1)]
    for i, x in enumerate(pattern, start=1):
        previous, row[0] = row[0], (i, 0)
        for j, y in enumerate(text, start=1):
            steps = (
                (previous[0] + (x != y), previous[1]),
                (row[j][0] + 1, row[j][1]),
                (row[j - 1][0] + 1, row[j - 1][1]),
            )
            previous, row[j] = row[j], min(steps, key=lambda step: step[0])
    end = min(range(len(row)), key=lambda j: row[j][0])
    return row[end][0], row[end][1], end


@lru_cache(maxsize=64)
def declared_keys(declaration: FormDeclaration) -> KeyIndex:
    """All printed texts of a form that are not values.

    Targets are ``field``, ``group.column``, and with a prefix the sections, row ends and
    usual row texts of groups and the keys that belong to no field.
    """
    targets: dict[str, list[str]] = {}

    def add(target: str, texts: Iterable[str], taken: Set[str] = frozenset()) -> None:
        for text in texts:
            for form in forms_of(text):
                if form not in taken and target not in targets.setdefault(form, []):
                    targets[form].append(target)

    whole = {item.name: {comparable(key) for key in item.keys} for item in declaration.fields}
    for item in declaration.fields:
        # What one field's key is without its brackets may be another field's key as it stands.
        others = {form for name, forms in whole.items() if name != item.name for form in forms}
        add(item.name, item.keys, others - whole[item.name])
        add(IN_ROW + item.name, item.in_row)
    for group in declaration.groups:
        add(SECTION + group.name, group.sections)
        add(END + group.name, group.end_keys)
        for column in group.columns:
            add(f"{group.name}.{column.name}", column.keys)
            add(f"{CHOICE}{group.name}.{column.name}", column.choices)
    add(OTHER_KEY, declaration.other_keys)
    return KeyIndex({key: tuple(found) for key, found in targets.items()})
