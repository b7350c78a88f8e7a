"""What stands of several people's answers to the same paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from annotation.values import Correction, Disagreement, Stand, Verdict
from extraction.normalise import compact_text

NOT_THERE_TEXT = "⟨not there⟩"
ILLEGIBLE_TEXT = "⟨illegible⟩"
ROW_REMOVED_TEXT = "⟨no such row⟩"
"""What a disagreement shows, and an engineer may choose, where an answer is no text."""

_MAJORITY = 2


@dataclass(frozen=True, slots=True)
class Decisions:
    """``standing`` is what is to be done to each path, ``disagreements`` are left open."""

    standing: Mapping[str, Correction]
    disagreements: tuple[Disagreement, ...]


def decide(corrections: Sequence[Correction], settled: Mapping[str, str]) -> Decisions:
    """What people agree on, what most of them say where they do not, or what was ``settled``.

    A majority is two or more against fewer. Texts that differ only in their width or in white
    space agree. The order of ``corrections`` makes no difference to any one path.
    """
    by_path: dict[str, list[Correction]] = defaultdict(list)
    for correction in corrections:
        by_path[correction.path].append(correction)
    standing, open_paths = {}, []
    for path, said in by_path.items():
        chosen = _choose(said, settled.get(path))
        if chosen is None:
            open_paths.append(Disagreement(path, _texts(said)))
        else:
            standing[path] = chosen
    return Decisions(standing, tuple(open_paths))


def said_text(correction: Correction) -> str:
    """The text that a correction says, or the sign that stands for its saying none."""
    if correction.verdict is Verdict.ROW_REMOVED:
        return ROW_REMOVED_TEXT
    if correction.verdict is Verdict.ILLEGIBLE:
        return ILLEGIBLE_TEXT
    return NOT_THERE_TEXT if correction.after is None else correction.after.text


def _choose(said: Sequence[Correction], settled: str | None) -> Correction | None:
    votes: dict[str, list[Correction]] = defaultdict(list)
    for correction in said:
        votes[_key(said_text(correction))].append(correction)
    if settled is not None:
        found = votes.get(_key(settled))
        return _spokesman(found) if found else _settle(said, settled)
    ranked = sorted(votes.values(), key=len, reverse=True)
    if len(ranked) == 1:
        return _spokesman(ranked[0])
    if len(ranked[0]) >= _MAJORITY and len(ranked[0]) > len(ranked[1]):
        return _spokesman(ranked[0])
    return None


@lru_cache(maxsize=1024)
def _key(text: str) -> str:
    return compact_text(text)


def _spokesman(agreeing: Iterable[Correction]) -> Correction:
    """One of those that say the same: what was confirmed as it was shown, else the newest."""
    ranked = sorted(
        agreeing,
        key=lambda item: (item.verdict is Verdict.CONFIRMED, item.at, item.annotation_id),
    )
    return replace(ranked[-1], printed_so=any(item.printed_so for item in ranked))


def _settle(said: Sequence[Correction], text: str) -> Correction:
    """The engineer's own text, in the place that the newest answer gives it."""
    newest = max(said, key=lambda item: (item.after is not None, item.at, item.annotation_id))
    shown = newest.after or newest.before or Stand("", None, None)
    if _key(text) == NOT_THERE_TEXT:
        return replace(newest, verdict=Verdict.REMOVED, after=None, printed_so=False)
    if _key(text) == ROW_REMOVED_TEXT:
        return replace(newest, verdict=Verdict.ROW_REMOVED, after=None, printed_so=False)
    if _key(text) == ILLEGIBLE_TEXT:
        return replace(newest, verdict=Verdict.ILLEGIBLE, after=replace(shown, text=""))
    verdict = Verdict.DRAWN if newest.before is None else Verdict.RETYPED
    return replace(newest, verdict=verdict, after=replace(shown, text=text), printed_so=False)


def _texts(said: Sequence[Correction]) -> Mapping[str, str]:
    ordered = sorted(said, key=lambda item: (item.author, item.annotation_id))
    return {item.author: said_text(item) for item in ordered}
