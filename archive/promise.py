"""The promise as rows: what is asked for and where it stands.

``refresh_promise`` looks at everything that changed and is for a background job; requests
read what it left with ``find_standing``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy.orm import Session

from annotation.policy import ReviewPolicy
from annotation.simulated_audit import simulated_documents
from annotation.standing import (
    PromiseEvidence,
    PromiseGoal,
    PromiseStanding,
    judge_promise,
    standing_from_json,
    standing_to_json,
)
from archive.audited import find_audited, refresh_audited
from archive.database import Database
from archive.kept_settings import find_review_policy, read_setting, write_setting
from archive.recent import find_recent, refresh_recent, simulated_work

PROMISE: Final = "promise"
CONFIDENCES: Final = "promise_confidences"
"""What gives the confidences now, "" while it is not known, and since when."""


def find_standing(session: Session) -> PromiseStanding:
    """As ``refresh_promise`` left it; before that, the promise that is made by default."""
    stored = read_setting(session, PROMISE)
    if stored is not None:
        return standing_from_json(stored)
    return _standing_by_default()


@lru_cache(maxsize=1)
def _standing_by_default() -> PromiseStanding:
    """Judged once: it takes a third of a second, and documents are routed by it."""
    start = PromiseStanding(PromiseGoal())
    return judge_promise(start, PromiseEvidence((), (), simulated_documents(), simulated_work()))


def refresh_promise(session: Session, now: datetime) -> PromiseStanding:
    """Takes in what was read and audited since, judges the promise and keeps where it stands."""
    refresh_audited(session, now)
    refresh_recent(session, now)
    return _judge(session, find_standing(session), now)


def write_goal(session: Session, goal: PromiseGoal, now: datetime) -> PromiseStanding:
    """Promises something else. What was audited still counts; what was withdrawn stays so
    until the new target is proved."""
    return _judge(session, replace(find_standing(session), goal=goal), now)


def find_promised_policy(session: Session, form_type: str, quality: int) -> ReviewPolicy:
    """The form type's policy with the promise's threshold for a scan of that quality; one
    that somebody set for this form type stands where it is stricter."""
    policy = find_review_policy(session, form_type)
    promised = find_standing(session).threshold_for(quality)
    is_own = read_setting(session, f"review_policy:{form_type}") is not None
    own = policy.threshold if is_own else 0.0
    return replace(policy, threshold=max(own, promised))


def begin_anew(session: Session, now: datetime) -> PromiseStanding:
    """What was read until now counts no more, whenever its audit is answered: the confidences
    come from another model, which the next ``follow_confidences`` takes note of."""
    write_setting(session, CONFIDENCES, {"from": "", "since": now.isoformat()}, now)
    fresh = PromiseStanding(find_standing(session).goal, since=now)
    return _judge(session, fresh, now)


@contextmanager
def taking_over(database: Database, now: datetime) -> Iterator[Session]:
    """Inside, another version takes over: what was audited says nothing of the confidences that
    it gives, so the promise begins anew with it, or neither changes.

    The pointer to the version is a file, which is not rolled back: flush what else you write,
    and move it last.
    """
    with database.write() as session:
        begin_anew(session, now)
        session.flush()
        yield session


def follow_confidences(session: Session, given_by: str, now: datetime) -> bool:
    """Begins anew where something else gave the confidences until now; whether it did.

    For a background job: whoever promotes or goes back begins anew at once, but may die
    between the two, and another release of the program asks nobody.
    """
    stored = read_setting(session, CONFIDENCES) or {}
    known = str(stored.get("from") or "")
    if known == given_by:
        return False
    if known:
        begin_anew(session, now)
    stored = read_setting(session, CONFIDENCES) or {}
    write_setting(session, CONFIDENCES, {**stored, "from": given_by}, now)
    return bool(known)


def _find_changed_at(session: Session) -> datetime | None:
    """Since when the confidences come from what gives them now, if that ever changed."""
    since = (read_setting(session, CONFIDENCES) or {}).get("since")
    return datetime.fromisoformat(since) if isinstance(since, str) else None


def _judge(session: Session, before: PromiseStanding, now: datetime) -> PromiseStanding:
    changed_at = _find_changed_at(session)
    audited = tuple(
        one for one in find_audited(session) if changed_at is None or one.read_at > changed_at
    )
    evidence = PromiseEvidence(
        audited=tuple(one.document for one in audited),
        audited_at=tuple(one.at for one in audited),
        simulated=simulated_documents(),
        recent=find_recent(session),
    )
    standing = judge_promise(before, evidence)
    write_setting(session, PROMISE, standing_to_json(standing), now)
    return standing
