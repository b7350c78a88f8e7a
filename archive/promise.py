"""The promise as rows: what is asked for and where it stands.

``refresh_promise`` looks at everything that changed and is for a background job; requests
read what it left with ``find_standing``.
"""

from __future__ import annotations

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
from archive.kept_settings import find_review_policy, read_setting, write_setting
from archive.recent import find_recent, refresh_recent, simulated_work

PROMISE: Final = "promise"


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
    """What was audited until now counts no more: the confidences come from another model."""
    fresh = PromiseStanding(find_standing(session).goal, since=now)
    return _judge(session, fresh, now)


def _judge(session: Session, before: PromiseStanding, now: datetime) -> PromiseStanding:
    audited = find_audited(session)
    evidence = PromiseEvidence(
        audited=tuple(one.document for one in audited),
        audited_at=tuple(one.at for one in audited),
        simulated=simulated_documents(),
        recent=find_recent(session),
    )
    standing = judge_promise(before, evidence)
    write_setting(session, PROMISE, standing_to_json(standing), now)
    return standing
