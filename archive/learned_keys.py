"""Learnt keys as they are kept: what corrected documents print, and what people refused of it.

They are learnt anew as a whole, so that what people take back is forgotten too; refusals are
kept apart and stand whatever is learnt. The version goes up only when something changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from annotation.learned_keys import (
    KeyUse,
    LearnedKey,
    keep_refusals,
    learned_from_json,
    learned_to_json,
)
from archive.errors import NotFound
from archive.kept_settings import read_setting, write_setting
from archive.reviewed import find_last_said
from extraction.json_values import JsonObject, as_integer, as_object

_LEARNT: Final = "learned_keys"
_REFUSED: Final = "refused_keys"
_STATE: Final = "learned_keys_state"

KeysByForm = Mapping[str, tuple[LearnedKey, ...]]
Place = tuple[KeyUse, str, str]
"""What tells keys of one form type apart (``LearnedKey.place``)."""


@dataclass(frozen=True, slots=True)
class KeysState:
    """``version`` 0: nothing was learnt yet. ``learnt_at`` is when it was last looked for."""

    version: int = 0
    learnt_at: datetime | None = None

    @property
    def name(self) -> str:
        """What a record says that it was made with; empty where nothing was learnt."""
        return str(self.version) if self.version else ""


def find_state(session: Session) -> KeysState:
    stored = read_setting(session, _STATE)
    if stored is None:
        return KeysState()
    learnt_at = stored["learnt_at"]
    at = None if learnt_at is None else datetime.fromisoformat(str(learnt_at))
    return KeysState(as_integer(stored["version"]), at)


def find_learned(session: Session) -> KeysByForm:
    """All that is known of each form type, those refused among them."""
    learnt, refused = _read(session, _LEARNT), _read(session, _REFUSED)
    return {
        form_type: keep_refusals(learnt.get(form_type, ()), refused.get(form_type, ()))
        for form_type in sorted({*learnt, *refused})
    }


def is_due(session: Session) -> bool:
    """Whether people said or took back anything since the last time."""
    learnt_at, said = find_state(session).learnt_at, find_last_said(session)
    return said is not None and (learnt_at is None or said >= learnt_at)


def write_learned(session: Session, learned: KeysByForm, now: datetime) -> KeysState:
    """Replaces what was learnt; what was refused stays refused. ``now`` is before the
    corrections were looked at, so that none that came meanwhile is passed over."""
    known = {form_type: keys for form_type, keys in learned.items() if keys}
    changed = _write(session, _LEARNT, known, now)
    return _write_state(session, changed, now, now)


def change_refusal(
    session: Session, form_type: str, place: Place, *, refused: bool, now: datetime
) -> KeysState:
    """A person refuses a key, or allows it again; NotFound where it is not known."""
    known = {key.place: key for key in find_learned(session).get(form_type, ())}
    if place not in known:
        raise NotFound(f"no key {place[2]!r} of {place[1]} was learnt for {form_type}")
    before = _read(session, _REFUSED)
    kept = {key.place: key for key in before.get(form_type, ())}
    kept.pop(place, None)
    if refused:
        kept[place] = replace(known[place], refused=True)
    after = {**before, form_type: tuple(kept[one] for one in sorted(kept))}
    changed = _write(session, _REFUSED, after, now)
    return _write_state(session, changed, find_state(session).learnt_at, now)


def _read(session: Session, name: str) -> KeysByForm:
    stored = read_setting(session, name) or {}
    return {form_type: learned_from_json(as_object(keys)) for form_type, keys in stored.items()}


def _write(
    session: Session, name: str, keys: Mapping[str, Iterable[LearnedKey]], now: datetime
) -> bool:
    """Whether it is another than before."""
    stored: JsonObject = {
        form_type: learned_to_json(tuple(some)) for form_type, some in keys.items()
    }
    if stored == (read_setting(session, name) or {}):
        return False
    write_setting(session, name, stored, now)
    return True


def _write_state(
    session: Session, changed: bool, learnt_at: datetime | None, now: datetime
) -> KeysState:
    state = KeysState(find_state(session).version + changed, learnt_at)
    at = None if learnt_at is None else learnt_at.isoformat()
    write_setting(session, _STATE, {"version": state.version, "learnt_at": at}, now)
    return state
