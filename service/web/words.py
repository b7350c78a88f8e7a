"""Numbers, times and reasons as a reader says them."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from archive.reasons import Reason
from extraction.confidence import CHECK_FAILED
from extraction.lexicon import REPAIRED
from service.web.languages import Language
from service.web.record_view import FieldView, RuleView

DRAWN_STATES: Final = ("done", "in_review", "extracting", "failed", "cancelled")
_SAID_STATES: Final = (*DRAWN_STATES, "received")
_LONGEST_CAPTION: Final = 160


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an archive is read. ``seconds_left`` is None while that is unknown."""

    is_active: bool
    pages_per_minute: float
    seconds_left: float | None


def time_to_iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def time_to_utc(at: datetime) -> str:
    """For readers without scripts; a script shows it in their own zone."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def share_to_percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def small_share_to_percent(share: float) -> str:
    """For rates of errors, where a tenth of a per cent is a lot."""
    return f"{100 * share:.2f}%"


def seconds_in_words(seconds: float | None, language: Language) -> str:
    """Short times in seconds, long ones in minutes."""
    if seconds is None:
        return "—"
    if seconds < 600:
        return language.text(
            "seconds.of", count=f"{seconds:.1f}" if seconds < 10 else round(seconds)
        )
    return language.text("seconds.minutes", count=round(seconds / 60))


def bytes_in_words(size: float) -> str:
    units = iter(("B", "KB", "MB", "GB", "TB"))
    unit = next(units)
    while size >= 1000 and unit != "TB":
        size, unit = size / 1024, next(units)
    return f"{size:.1f} {unit}" if unit != "B" and size < 10 else f"{size:.0f} {unit}"


def plain_number(value: str | float | int) -> str:
    """A number without a tail of zeros; texts stay as they are."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def fold_width(text: str) -> str:
    """Without the differences that a reader does not see: width, spaces and separators."""
    return "".join(unicodedata.normalize("NFKC", text).split()).replace(",", "").casefold()


def shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_CAPTION else f"{text[:_LONGEST_CAPTION]}…"


def find_shares(counts: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """Per cent of each state that is drawn, in order; what is still waiting stays blank."""
    total = sum(counts.values())
    for state in DRAWN_STATES:
        if counts.get(state):
            yield state, 100 * counts[state] / total


def counts_in_words(counts: Mapping[str, int], language: Language) -> str:
    said = [
        f"{language.text(f'state.{state}')} {counts[state]}"
        for state in _SAID_STATES
        if counts.get(state)
    ]
    return " · ".join(said) or language.text("archives.no_documents")


def pace_in_words(pace: Pace, language: Language) -> str:
    """The same words as ``paceInWords`` of texts.js."""
    if not pace.is_active:
        return language.text("js.pace.still")
    if not pace.pages_per_minute:
        return language.text("js.pace.starting")
    shown = f"{pace.pages_per_minute:.1f}" if pace.pages_per_minute < 10 else None
    speed = language.text("js.pace.speed", pages=shown or f"{pace.pages_per_minute:.0f}")
    if pace.seconds_left is None:
        return speed
    return f"{speed} · {_time_left_in_words(pace.seconds_left, language)}"


def _time_left_in_words(seconds: float, language: Language) -> str:
    if seconds < 60:
        return language.text("js.pace.seconds_left", count=max(1, round(seconds)))
    if seconds < 5400:
        return language.text("js.pace.minutes_left", count=round(seconds / 60))
    return language.text("js.pace.hours_left", count=f"{seconds / 3600:.1f}")


def reasons_in_words(
    reasons: Iterable[str], language: Language, rules: Mapping[str, RuleView]
) -> str:
    """Why a field is doubtful; a reason without words stays as it is."""
    said = (_reason_in_words(reason, language, rules) for reason in reasons)
    return language.text("list.semicolon").join(said)


def _reason_in_words(reason: str, language: Language, rules: Mapping[str, RuleView]) -> str:
    if reason.startswith(CHECK_FAILED):
        name = reason.removeprefix(CHECK_FAILED)
        said = rule_in_words(rules[name], language) if name in rules else name
        return language.text("reason.check", check=said)
    if reason.startswith(REPAIRED):
        return language.text("reason.repaired", text=reason.removeprefix(REPAIRED))
    return language.text_or(f"reason.{reason}", reason)


def field_hint(item: FieldView, language: Language, rules: Mapping[str, RuleView]) -> str:
    """What a cell of a group says when it is pointed at."""
    confidence = item.field.confidence
    shown = (
        language.text("confidence.none")
        if confidence is None
        else language.text("confidence.of", value=f"{confidence:.4f}")
    )
    said = [item.title, shown, reasons_in_words(item.field.reasons, language, rules)]
    return " · ".join(part for part in said if part)


def event_in_words(
    kind: str, page: int | None, detail: Mapping[str, object], language: Language
) -> str:
    """What happened, with the numbers that belong to it; the bare kind where there are no words."""
    known = language.texts.get(f"event.{kind}")
    if known is None:
        return kind
    values = {"page": page, "pages": "?", "revision": "?", "steps": "?", "generation": "?"}
    return known.format(**(values | dict(detail)))


def failure_in_words(reason: Reason, language: Language) -> str:
    """Why a document or a page failed: by the number that it is about, else by its category.

    Without words for either, and where the category was not kept, the stored text."""
    keys = (f"failure.{reason.category}.{name}" for name in reason.facts)
    known = (language.texts.get(key) for key in (*keys, f"failure.{reason.category}"))
    sentence = next((text for text in known if text is not None), None)
    if sentence is None:
        return reason.text
    return sentence.format_map(defaultdict(lambda: "?", reason.facts))


def rule_in_words(rule: RuleView, language: Language) -> str:
    """What a rule asks for, in the words of its kind; its bare name where that is unknown."""
    sentence = language.texts.get(f"rule_kind.{rule.kind}")
    return rule.name if sentence is None else sentence.format(**rule.terms)


def rule_counts(rule: RuleView, language: Language) -> str:
    said = [
        language.text(f"rule.count.{name}", count=count)
        for name, passed in (("failed", False), ("unknown", None), ("passed", True))
        if (count := rule.count(passed))
    ]
    return " · ".join(said)
