"""The promise as rows: what is asked for and where it stands.

``refresh_promise`` looks at everything that changed and is for a background job; requests
read what it left with ``find_standing``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotation.policy import ReviewPolicy
from annotation.promise import DOUBTS, levels_to_automation
from annotation.simulated_audit import simulated_documents
from annotation.standing import (
    PromiseEvidence,
    PromiseGoal,
    PromiseStanding,
    judge_promise,
    standing_from_json,
    standing_to_json,
)
from archive.audited import acceptable_levels, find_audited, refresh_audited
from archive.kept_settings import find_review_policy, read_setting, write_setting
from archive.tables import Revision, RevisionKind

PROMISE: Final = "promise"
RECENT_DOCUMENTS: Final = 100
"""Documents that the automation is counted on."""


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
    return judge_promise(start, PromiseEvidence((), (), simulated_documents(), _no_automation()))


def refresh_promise(session: Session, now: datetime) -> PromiseStanding:
    """Takes in what was audited since, judges the promise and keeps where it stands."""
    refresh_audited(session, now)
    return _judge(session, find_standing(session), find_automation(session), now)


def write_goal(session: Session, goal: PromiseGoal, now: datetime) -> PromiseStanding:
    """Promises something else. What was audited still counts; what was withdrawn stays so
    until the new target is proved."""
    before = find_standing(session)
    automation = tuple(point.automation for point in before.curve)
    return _judge(session, replace(before, goal=goal), automation, now)


def find_promised_policy(session: Session, form_type: str) -> ReviewPolicy:
    """The form type's policy with the promise's threshold; one that somebody set for this
    form type stands where it is stricter."""
    policy, promised = find_review_policy(session, form_type), find_standing(session).threshold
    is_own = read_setting(session, f"review_policy:{form_type}") is not None
    own = policy.threshold if is_own else 0.0
    return replace(policy, threshold=max(own, promised))


def begin_anew(session: Session, now: datetime) -> PromiseStanding:
    """What was audited until now counts no more: the confidences come from another model."""
    fresh = PromiseStanding(find_standing(session).goal, since=now)
    return _judge(session, fresh, find_automation(session), now)


def _judge(
    session: Session, before: PromiseStanding, automation: tuple[float, ...], now: datetime
) -> PromiseStanding:
    audited = find_audited(session)
    evidence = PromiseEvidence(
        audited=tuple(one.document for one in audited),
        audited_at=tuple(one.at for one in audited),
        simulated=simulated_documents(),
        automation=automation,
    )
    standing = judge_promise(before, evidence)
    write_setting(session, PROMISE, standing_to_json(standing), now)
    return standing


def find_automation(session: Session, limit: int = RECENT_DOCUMENTS) -> tuple[float, ...]:
    """Share of fields that each of ``DOUBTS`` accepts, in the documents read last; in
    simulated ones where none was read yet."""
    records = session.scalars(
        select(Revision.record)
        .where(Revision.kind == RevisionKind.EXTRACTION)
        .order_by(Revision.created_at.desc())
        .limit(limit)
    )
    levels = [[*acceptable_levels(record).values()] for record in records]
    return levels_to_automation(levels) if any(levels) else _no_automation()


def _no_automation() -> tuple[float, ...]:
    levels = [[field.level for field in one.fields] for one in simulated_documents()]
    return levels_to_automation(levels) if levels else (0.0,) * len(DOUBTS)
