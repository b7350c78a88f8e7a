"""What a form prints for each field that was found, also where a row was lost or split.

A row too many moves all rows below it. Their texts are as right as before, and a person who
looks at them says so; only the row itself is wrong. So rows are paired in order, those that
agree most, before their fields are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from extraction.normalise import plain
from models.synthesis.truth import Truth

Texts = Mapping[str, str]
_DASHES = str.maketrans("—–―−‐", "-----")
_ALIKE = 0.6
_HALF = 0.4
"""What two texts count that are alike, beside 1 for the same ones."""
_SAME_PLACE = 0.01


def folded(text: str) -> str:
    """As texts compare: NFKC without white space, all dashes alike."""
    return plain(text).translate(_DASHES)


def printed_texts(truth: Truth, found: Mapping[str, Sequence[Texts]]) -> dict[str, str]:
    """Texts by path, ``name`` or ``group[row].column``; ``found`` are the rows of each group
    as they were read. Rows that nothing printed is paired with print nothing."""
    texts = dict(truth.fields)
    for group, rows in found.items():
        printed = truth.groups.get(group, ())
        for number, pair in enumerate(pair_rows(rows, printed)):
            row: Texts = printed[pair] if pair is not None else {}
            texts |= {f"{group}[{number}].{column}": row.get(column, "") for column in rows[number]}
    return texts


def pair_rows(found: Sequence[Texts], printed: Sequence[Texts]) -> tuple[int | None, ...]:
    """For each found row the number of its printed one, rising, so that most texts agree."""
    gains = [[_agreement(one, other) for other in printed] for one in found]
    alike = np.array(gains, np.float64).reshape(len(found), len(printed))
    return rising_pairs(alike + _SAME_PLACE * np.eye(*alike.shape))


def rising_pairs(gains: NDArray[np.float64]) -> tuple[int | None, ...]:
    """For each row of ``gains`` (found × printed) its column, rising, None for one left alone,
    so that the gains of all pairs add up to the most. A pair of no gain is none."""
    found, printed = gains.shape
    best = np.zeros((found + 1, printed + 1))
    for i in range(found):
        for j in range(printed):
            best[i + 1, j + 1] = max(best[i, j] + gains[i, j], best[i, j + 1], best[i + 1, j])
    pairs: list[int | None] = [None] * found
    i, j = found, printed
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs[i] = j
    return tuple(pairs)


def _agreement(found: Texts, printed: Texts) -> float:
    return sum(
        _likeness(folded(text), folded(printed.get(name, ""))) for name, text in found.items()
    )


def _likeness(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    shared = sum((Counter(one) & Counter(other)).values())
    return _HALF if 2 * shared >= _ALIKE * (len(one) + len(other)) else 0.0
