"""Whether a new version may take over: the same forms labelled by both, compared in pairs.

Nothing may be proved worse, neither a field nor a layout, and the whole must be proved
better. What is drawn again and again is documents, since words of one document err together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from models.outcomes import FormOutcome

Kind = Literal["whole", "field", "layout"]
ReasonCode = Literal[
    "field_worse", "layout_worse", "whole_not_better", "nothing_held_out", "few_documents"
]


@dataclass(frozen=True, slots=True)
class GateSettings:
    """``certainty`` is that of each interval; over all fields and layouts together the chance
    to refuse a version that is as good everywhere is at most ``false_refusals``. ``margin`` is
    the share of words by which none may get worse at ``certainty``."""

    certainty: float = 0.95
    false_refusals: float = 0.1
    margin: float = 0.01
    least_documents: int = 5
    draws: int = 4000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shares of wrong words of both, and the interval of the difference (challenger less
    champion) at the settings' certainty. Below 0 the challenger is better."""

    kind: Kind
    name: str
    documents: int
    words: int
    champion: float
    challenger: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a version is refused, or what to know of one that passed; ``name`` is the field's
    or the layout's."""

    code: ReasonCode
    name: str
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons`` say why not; ``notes`` do not keep it from passing."""

    passed: bool
    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...]
    whole: Comparison
    groups: tuple[Comparison, ...]


Pair = tuple[FormOutcome, FormOutcome]
Counts = NDArray[np.float64]


def judge(
    champion: Sequence[FormOutcome],
    challenger: Sequence[FormOutcome],
    settings: GateSettings | None = None,
) -> Verdict:
    """Compare outcomes of the same forms, in the same order."""
    settings = settings or GateSettings()
    pairs = tuple(zip(champion, challenger, strict=True))
    if any(first.document_id != second.document_id for first, second in pairs):
        raise ValueError("the outcomes are not of the same forms")
    whole, is_better, few = _compare_whole(pairs, settings)
    groups = _find_groups(pairs)
    level = settings.false_refusals / max(len(groups), 1)
    comparisons, reasons = [], []
    for kind, name, words, errors in groups:
        comparison, is_worse = _compare(kind, name, words, errors, level, settings)
        comparisons.append(comparison)
        if is_worse:
            code: ReasonCode = "field_worse" if kind == "field" else "layout_worse"
            reasons.append(_reason(code, comparison))
    if not is_better:
        reasons.append(_reason("whole_not_better", whole))
    notes = _notes(pairs, whole, few)
    return Verdict(not reasons, tuple(reasons), notes, whole, tuple(comparisons))


def _notes(pairs: Sequence[Pair], whole: Comparison, few: bool) -> tuple[Reason, ...]:
    if not any(first.source == "corrected" for first, _ in pairs):
        return (_reason("nothing_held_out", whole),)
    return (_reason("few_documents", whole),) if few else ()


def _reason(code: ReasonCode, comparison: Comparison) -> Reason:
    return Reason(code, comparison.name, comparison.champion, comparison.challenger)


_Group = tuple[Kind, str, Counts, Counts]
"""Kind, name, words by document, errors by document × (champion, challenger)."""


def _find_groups(pairs: Sequence[Pair]) -> list[_Group]:
    """The fields and the layouts in which the two differ anywhere."""
    fields = sorted({field for pair in pairs for o in pair for field in (*o.words, *o.errors)})
    layouts = sorted({first.layout for first, _ in pairs})
    groups: list[_Group] = []
    for field in fields:
        groups.append(_count("field", field, pairs, _field_counter(field)))
    for layout in layouts:
        some = [pair for pair in pairs if pair[0].layout == layout]
        groups.append(_count("layout", layout, some, lambda o: (o.total, o.wrong)))
    return [group for group in groups if (group[3][:, 0] != group[3][:, 1]).any()]


def _field_counter(field: str) -> Callable[[FormOutcome], tuple[int, int]]:
    return lambda outcome: (outcome.words.get(field, 0), outcome.errors.get(field, 0))


def _count(
    kind: Kind,
    name: str,
    pairs: Sequence[Pair],
    count: Callable[[FormOutcome], tuple[int, int]],
) -> _Group:
    counted = [(*count(first), count(second)[1]) for first, second in pairs]
    kept = np.array([row for row in counted if any(row)], dtype=np.float64).reshape(-1, 3)
    return kind, name, kept[:, 0], kept[:, 1:]


def _compare(
    kind: Kind, name: str, words: Counts, errors: Counts, level: float, settings: GateSettings
) -> tuple[Comparison, bool]:
    """The comparison, and whether the challenger is proved worse: at all when all groups are
    looked at together, or by more than the margin when this one is."""
    draws = _draw(len(words), settings)
    drawn = draws @ (errors[:, 1] - errors[:, 0]) / np.maximum(draws @ words, 1.0)
    low, high = _interval(drawn, settings)
    comparison = _comparison(kind, name, words, errors, low, high)
    proved = _sign_chance(errors) < level and float(np.quantile(drawn, level)) > 0
    by_much = _sign_chance(errors) < 1 - settings.certainty
    return comparison, proved or (by_much and low > settings.margin)


def _compare_whole(pairs: Sequence[Pair], settings: GateSettings) -> tuple[Comparison, bool, bool]:
    """Corrected documents count as much as all synthetic ones together. Whether it is proved
    better, and whether so few corrected ones were held out that their words had to be counted
    one by one."""
    parts = []
    for is_corrected in (True, False):
        some = [pair for pair in pairs if (pair[0].source == "corrected") == is_corrected]
        if some:
            parts.append(_count("whole", "", some, lambda o: (o.total, o.wrong)))
    drawn = np.zeros(settings.draws)
    for _, _, words, errors in parts:
        draws = _draw(len(words), settings)
        drawn += draws @ (errors[:, 1] - errors[:, 0]) / (draws @ words) / len(parts)
    low, high = _interval(drawn, settings) if parts else (0.0, 0.0)
    words = np.concatenate([part[2] for part in parts]) if parts else np.zeros(0)
    rates = [part[3].sum(axis=0) / part[2].sum() for part in parts]
    before, after = np.mean(rates, axis=0) if rates else (0.0, 0.0)
    whole = Comparison(
        "whole", "", len(words), int(words.sum()), float(before), float(after), low, high
    )
    corrected = parts[0][3] if len(parts) == 2 else np.zeros((0, 2))
    few = 0 < len(corrected) < settings.least_documents
    is_better = high < 0
    if few:
        is_better = is_better and _word_chance(corrected) < 1 - settings.certainty
    return whole, is_better, few


def _comparison(
    kind: Kind, name: str, words: Counts, errors: Counts, low: float, high: float
) -> Comparison:
    total = max(float(words.sum()), 1.0)
    before, after = errors.sum(axis=0) / total
    return Comparison(
        kind, name, len(words), int(words.sum()), float(before), float(after), low, high
    )


def _draw(documents: int, settings: GateSettings) -> Counts:
    """How often each document is drawn: draws × documents."""
    rng = np.random.default_rng(settings.seed)
    shares = np.full(documents, 1 / documents)
    return rng.multinomial(documents, shares, size=settings.draws).astype(np.float64)


def _interval(drawn: Counts, settings: GateSettings) -> tuple[float, float]:
    """Either bound holds by itself at the settings' certainty."""
    low, high = np.quantile(drawn, [1 - settings.certainty, settings.certainty])
    return float(low), float(high)


def _sign_chance(errors: Counts) -> float:
    """The chance of so many documents that got worse if none really did."""
    worse = int((errors[:, 1] > errors[:, 0]).sum())
    better = int((errors[:, 1] < errors[:, 0]).sum())
    if worse + better == 0:
        return 1.0
    return float(binomtest(worse, worse + better, 0.5, alternative="greater").pvalue)


def _word_chance(errors: Counts) -> float:
    """The chance of so many words that got right if none really did."""
    change = errors[:, 1] - errors[:, 0]
    better, worse = int(-change[change < 0].sum()), int(change[change > 0].sum())
    if worse + better == 0:
        return 1.0
    return float(binomtest(better, worse + better, 0.5, alternative="greater").pvalue)
