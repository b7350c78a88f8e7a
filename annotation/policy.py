"""What a person is asked to look at, per form type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from extraction.errors import InputError
from extraction.json_values import Json, JsonObject, as_list, as_number

_SHARES = ("threshold", "audit_documents", "audit_fields")


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """When a field of a form type goes to a person.

    A field whose confidence is below ``threshold`` goes, and so does every printed field
    with a declared name in ``always_review`` (``total`` or ``items.amount``). A document is
    drawn for the audit with probability ``audit_documents``, and each accepted field of a
    drawn one with ``audit_fields``: their product is the share of accepted fields that is
    looked at, the same for every field. Proofs count documents, so the audit asks little of
    many: nearly all documents are opened for some doubtful field in any case.
    """

    threshold: float = 0.975
    always_review: frozenset[str] = frozenset()
    audit_documents: float = 0.5
    audit_fields: float = 0.04

    def __post_init__(self) -> None:
        for name in _SHARES:
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise InputError(f"{name}: is {share}; give a number from 0 to 1")

    @property
    def audited_share(self) -> float:
        """The probability of any one accepted field to be looked at."""
        return self.audit_documents * self.audit_fields


USUAL_POLICY: Final = ReviewPolicy()


def policy_to_json(policy: ReviewPolicy) -> JsonObject:
    return {
        "threshold": policy.threshold,
        "always_review": [*sorted(policy.always_review)],
        "audit_documents": policy.audit_documents,
        "audit_fields": policy.audit_fields,
    }


def policy_from_json(stored: Mapping[str, Json]) -> ReviewPolicy:
    """The policy; what is left out is as by default. InputError names what is wrong."""
    unknown = sorted(set(stored) - {*_SHARES, "always_review"})
    if unknown:
        known = ", ".join((*_SHARES, "always_review"))
        raise InputError(f"{unknown[0]}: is no part of a review policy; known are {known}")
    try:
        shares = {
            name: as_number(stored.get(name, getattr(USUAL_POLICY, name))) for name in _SHARES
        }
        names = frozenset(map(_text, as_list(stored.get("always_review", []))))
    except ValueError as error:
        raise InputError(f"is no review policy: {error}") from error
    return ReviewPolicy(always_review=names, **shares)


def _text(stored: Json) -> str:
    if not isinstance(stored, str):
        raise ValueError(f"always_review: expected a name, found {stored!r}")
    return stored
