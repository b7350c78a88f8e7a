"""Why something failed, kept so that it can be said in any language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from archive.tables import Document, Refusal, ReviewTaskRow, Step, TrainingRun
from extraction.errors import Facts, FormloopError
from extraction.json_values import Json, JsonObject

UNEXPECTED: Final = "unexpected"
"""An error that nobody thought of."""
_LONGEST_TEXT: Final = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """``text`` says all of it in English. ``category`` is that of an error, or one of those
    made here; "" where it was not kept. ``facts`` are its numbers by name."""

    category: str
    text: str
    facts: Facts = field(default_factory=dict)


NO_PAGE: Final = Reason("no_page", "the file has no page")
NOTHING_READ: Final = Reason("nothing_read", "no page could be read")
DELETED_IN_STUDIO: Final = Reason(
    "deleted_in_studio", "it was deleted in Label Studio and is put there again"
)


Failing = Document | Step | Refusal | ReviewTaskRow | TrainingRun
"""Rows that say why something failed."""


def worker_died(attempts: int) -> Reason:
    """Each of so many processes ended while it was at the step."""
    text = f"its worker ended without a word in each of {attempts} attempts"
    return Reason("worker_died", text, {"attempts": attempts})


def training_died(attempts: int) -> Reason:
    """Each of so many processes ended while it was at the training."""
    text = f"its process ended without a word in each of {attempts} attempts"
    return Reason("training_died", text, {"attempts": attempts})


def error_to_reason(error: Exception) -> Reason:
    if isinstance(error, FormloopError):
        return Reason(error.category, error.reason, error.facts)
    text = f"{type(error).__name__}: {error}"[:_LONGEST_TEXT]
    return Reason(UNEXPECTED, text, {"error": text})


def reason_to_terms(reason: Reason) -> JsonObject:
    """What is stored beside the text."""
    return {"category": reason.category, "facts": dict(reason.facts)}


def terms_to_reason(text: str, terms: Mapping[str, Json] | None) -> Reason:
    """What was stored; without terms, as it was before they were kept, the text alone."""
    stored = terms or {}
    facts = stored.get("facts")
    kept = facts if isinstance(facts, dict) else {}
    numbers = {name: value for name, value in kept.items() if isinstance(value, int | float | str)}
    return Reason(str(stored.get("category", "")), text, numbers)


def write_reason(row: Document | Step | ReviewTaskRow | TrainingRun, reason: Reason | None) -> None:
    row.reason = None if reason is None else reason.text
    row.reason_terms = None if reason is None else reason_to_terms(reason)


def reason_to_refusal(archive_id: str, name: str, reason: Reason) -> Refusal:
    """The row of a file that is not accepted."""
    return Refusal(
        archive_id=archive_id,
        name=name,
        category=reason.category,
        reason=reason.text,
        reason_terms=reason_to_terms(reason),
    )


def reason_detail(reason: Reason | None) -> JsonObject:
    """The part of an event's detail that says why."""
    if reason is None:
        return {}
    return {"reason": reason.text, "reason_terms": reason_to_terms(reason)}


def find_reason(row: Failing) -> Reason | None:
    """Why the row failed, None where it did not."""
    if not row.reason:
        return None
    terms = row.reason_terms
    if terms is None and isinstance(row, Refusal):
        # Refusals had a category before they had terms.
        terms = {"category": row.category}
    return terms_to_reason(row.reason, terms)


def detail_to_reason(detail: JsonObject) -> Reason | None:
    """Why, of an event that says it."""
    text, terms = detail.get("reason"), detail.get("reason_terms")
    if not isinstance(text, str):
        return None
    return terms_to_reason(text, terms if isinstance(terms, dict) else None)
