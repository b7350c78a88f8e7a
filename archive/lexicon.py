"""The lexicon as it is kept: what was learnt of all corrections, and what people said of it.

It is learnt anew as a whole from the corrections that stand, so that what people take back is
forgotten too. Its version goes up only when something in it changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Text, and_, cast, func, or_, select, tuple_
from sqlalchemy.orm import Session

from annotation.lexicon import EntryKey, Learnt, LexiconSettings, SeenText, learn_lexicon
from annotation.lexicon_json import learnt_from_json, learnt_to_json
from annotation.values import Verdict
from archive.errors import NotFound
from archive.ids import in_batches
from archive.kept_settings import read_setting, write_setting
from archive.reviewed import find_last_said
from archive.revisions import named_fields
from archive.tables import CorrectionRow, DisagreementRow, Document, Revision, RevisionKind
from extraction.declarations import FormDeclaration
from extraction.json_values import Json, JsonObject, as_integer, as_list
from extraction.lexicon import NO_LEXICON, REPAIRED, Lexicon, read_as
from extraction.record_json import record_from_json

MOST_LOOKED_AT: Final = 500
"""Documents, the newest, among which repairs are looked for."""
_LEARNT: Final = "lexicon"
_STATE: Final = "lexicon_state"
_RULES: Final = "lexicon_rules"
_READ: Final = (Verdict.CONFIRMED, Verdict.RETYPED, Verdict.MOVED)
"""Verdicts on a text that was read there; the others only say what is printed."""
_SAID: Final = (*_READ, Verdict.RENAMED, Verdict.DRAWN, Verdict.ROW_ADDED)


@dataclass(frozen=True, slots=True)
class LexiconRules:
    """What people want of it. ``removed`` are entries that are not to be used."""

    active: bool = True
    least_documents: int = LexiconSettings().least_documents
    least_people: int = LexiconSettings().least_people
    removed: frozenset[EntryKey] = field(default=frozenset())

    @property
    def settings(self) -> LexiconSettings:
        return LexiconSettings(self.least_documents, self.least_people)


@dataclass(frozen=True, slots=True)
class LexiconState:
    """``version`` 0: nothing was learnt yet. ``learnt_at`` is when it was last looked for."""

    version: int = 0
    active: bool = True
    learnt_at: datetime | None = None

    @property
    def name(self) -> str:
        """What a record says that it was made with; empty where the lexicon is not in use."""
        return str(self.version) if self.active and self.version else ""


@dataclass(frozen=True, slots=True)
class RepairMade:
    """A field of a document as it stands, and what had been read there."""

    document_id: str
    document: str
    path: str
    read: str
    text: str
    route: str


def find_rules(session: Session) -> LexiconRules:
    stored = read_setting(session, _RULES)
    if stored is None:
        return LexiconRules()
    return LexiconRules(
        active=bool(stored["active"]),
        least_documents=as_integer(stored["least_documents"]),
        least_people=as_integer(stored["least_people"]),
        removed=frozenset(_to_key(as_list(key)) for key in as_list(stored["removed"])),
    )


def write_rules(
    session: Session,
    rules: LexiconRules,
    declarations: Sequence[FormDeclaration],
    now: datetime,
) -> LexiconState:
    """The rules are in force at once: what was learnt is learnt anew by them."""
    stored: JsonObject = {
        "active": rules.active,
        "least_documents": rules.least_documents,
        "least_people": rules.least_people,
        "removed": [[*key] for key in sorted(rules.removed)],
    }
    write_setting(session, _RULES, stored, now)
    return learn(session, declarations, now)


def remove_entry(
    session: Session, key: EntryKey, declarations: Sequence[FormDeclaration], now: datetime
) -> LexiconState:
    """Nothing is repaired to this text any more, whatever is learnt; NotFound if unknown."""
    if all(entry.key != key for entry in find_learnt(session).entries):
        raise NotFound(f"the lexicon has no text {key[2]!r} for {key[1]} of {key[0]}")
    rules = find_rules(session)
    return write_rules(session, replace(rules, removed=rules.removed | {key}), declarations, now)


def restore_entry(
    session: Session, key: EntryKey, declarations: Sequence[FormDeclaration], now: datetime
) -> LexiconState:
    """Undoes ``remove_entry``."""
    rules = find_rules(session)
    return write_rules(session, replace(rules, removed=rules.removed - {key}), declarations, now)


def learn(session: Session, declarations: Sequence[FormDeclaration], now: datetime) -> LexiconState:
    """From all corrections that stand now. Another version if it differs from the last."""
    rules, before = find_rules(session), find_state(session)
    learnt = learn_lexicon(find_seen_texts(session), declarations, rules.settings, rules.removed)
    stored = learnt_to_json(learnt)
    changed = stored != read_setting(session, _LEARNT)
    if changed:
        write_setting(session, _LEARNT, stored, now)
    state = LexiconState(before.version + changed, rules.active, now)
    kept: JsonObject = {
        "version": state.version,
        "active": state.active,
        "learnt_at": now.isoformat(),
    }
    write_setting(session, _STATE, kept, now)
    return state


def learn_if_due(
    session: Session, declarations: Sequence[FormDeclaration], now: datetime
) -> LexiconState | None:
    """Learns anew where people said or took back anything since; None where they did not."""
    state, said = find_state(session), find_last_said(session)
    if state.learnt_at is not None and (said is None or said < state.learnt_at):
        return None
    return learn(session, declarations, now)


def find_state(session: Session) -> LexiconState:
    stored = read_setting(session, _STATE)
    if stored is None:
        return LexiconState()
    learnt_at = datetime.fromisoformat(str(stored["learnt_at"]))
    return LexiconState(as_integer(stored["version"]), bool(stored["active"]), learnt_at)


def find_learnt(session: Session) -> Learnt:
    """All that is known, used or not."""
    stored = read_setting(session, _LEARNT)
    if stored is None:
        return Learnt((), (), NO_LEXICON)
    return learnt_from_json(stored, find_state(session).name)


def find_lexicon(session: Session) -> Lexicon:
    """The one to repair by; one that knows nothing while it is switched off."""
    return find_learnt(session).lexicon if find_state(session).name else NO_LEXICON


def find_seen_texts(session: Session) -> Iterator[SeenText]:
    """What people said that stands, but for paths that they do not agree on."""
    query = (
        select(CorrectionRow, DisagreementRow.settled_at, DisagreementRow.chosen)
        .outerjoin(
            DisagreementRow,
            and_(
                DisagreementRow.task_id == CorrectionRow.task_id,
                DisagreementRow.path == CorrectionRow.path,
            ),
        )
        .where(
            CorrectionRow.replaced_at.is_(None),
            CorrectionRow.verdict.in_([str(verdict) for verdict in _SAID]),
            or_(DisagreementRow.id.is_(None), DisagreementRow.settled_at.is_not(None)),
        )
        .order_by(CorrectionRow.id)
    )
    for row, _, chosen in session.execute(query):
        text = _text(row.after)
        if text is not None and chosen in (None, text):
            yield _to_seen(row, text)


def _to_seen(row: CorrectionRow, text: str) -> SeenText:
    shown = _text(row.before) if row.verdict in _READ else None
    read = read_as([str(reason) for reason in row.reasons])
    return SeenText(
        form_type=row.form_type,
        name=row.name,
        document_id=row.document_id,
        author=row.author,
        text=text,
        read=shown if read is None or shown is None else read,
        repaired=None if read is None else shown,
    )


def find_repairs(session: Session, most: int = 200) -> tuple[RepairMade, ...]:
    """Of the newest documents, the newest first."""
    newest = session.execute(
        select(Revision.document_id, func.max(Revision.number))
        .where(Revision.kind == RevisionKind.EXTRACTION)
        .group_by(Revision.document_id)
        .order_by(Revision.document_id.desc())
        .limit(MOST_LOOKED_AT)
    ).all()
    made: list[RepairMade] = []
    # Named one by one: joined with the rest PostgreSQL looks through every record there is.
    for some in in_batches([(document_id, number) for document_id, number in newest]):
        query = (
            select(Document.id, Document.name, Revision.record)
            .join(Document, Document.id == Revision.document_id)
            .where(tuple_(Revision.document_id, Revision.number).in_(some))
            .where(cast(Revision.record, Text).like(f'%"{REPAIRED}%'))
            .order_by(Revision.document_id.desc())
            .limit(most)
        )
        for document_id, name, record in session.execute(query):
            made += _record_repairs(document_id, name, record)
    return tuple(made[:most])


def _record_repairs(document_id: str, name: str, stored: JsonObject) -> Iterator[RepairMade]:
    for item in named_fields(record_from_json(stored)):
        read = read_as(item.field.reasons)
        if read is not None:
            shown = item.field
            yield RepairMade(document_id, name, item.path, read, shown.text, shown.route)


def _text(stand: Mapping[str, Json] | None) -> str | None:
    return None if stand is None else str(stand["text"])


def _to_key(stored: Sequence[Json]) -> EntryKey:
    form_type, name, text = (str(part) for part in stored)
    return form_type, name, text
