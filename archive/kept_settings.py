"""What people set while the service runs, and what its processes tell one another."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from annotation.policy import ReviewPolicy, policy_from_json, policy_to_json
from archive.clock import utc_now
from archive.tables import Setting
from extraction.json_values import JsonObject

REVIEW_PROBLEM: Final = "review_problem"
STUDIO_PEOPLE: Final = "label_studio_people"
_POLICY: Final = "review_policy:"


def read_setting(session: Session, name: str) -> JsonObject | None:
    """None where it was never set."""
    row = session.get(Setting, name)
    return None if row is None else row.value


def write_setting(
    session: Session, name: str, value: JsonObject, now: datetime | None = None
) -> None:
    session.merge(Setting(name=name, value=value, updated_at=now or utc_now()))


def remove_setting(session: Session, name: str) -> None:
    session.execute(delete(Setting).where(Setting.name == name))


def find_review_policy(session: Session, form_type: str) -> ReviewPolicy:
    """That of the form type, as it is by default where nobody set one."""
    return policy_from_json(read_setting(session, _POLICY + form_type) or {})


def write_review_policy(session: Session, form_type: str, policy: ReviewPolicy) -> None:
    write_setting(session, _POLICY + form_type, policy_to_json(policy))
