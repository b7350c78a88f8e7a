"""Another version takes over: pointer, promise and audit log change together, or none does."""

from __future__ import annotations

from typing import Protocol

from fastapi import Request

from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.people import Person
from archive.promise import begin_anew
from service.api.auth import person_to_actor
from service.api.context import Service


class Versions(Protocol):
    """Versions of one part, of which one is in use. Both raise ModelError."""

    def promote(self, name: str) -> object: ...

    def roll_back(self) -> str: ...


def take_over(
    service: Service,
    request: Request,
    person: Person,
    versions: Versions,
    *,
    part: str,
    name: str,
) -> None:
    """What was audited says nothing of the confidences that another version gives, so the
    promise begins anew. ``part`` is what the audit log calls that which has versions."""
    actor = person_to_actor(person, request)
    with service.database.write() as session:
        begin_anew(session, utc_now())
        add_audit(session, actor, Action.CHANGED, f"{part}:{name}")
        # The last that can fail but for the commit: a file is not rolled back.
        session.flush()
        versions.promote(name)


def go_back(
    service: Service, request: Request, person: Person, versions: Versions, *, part: str
) -> str:
    """The version that is in use again, with the promise begun anew."""
    actor = person_to_actor(person, request)
    with service.database.write() as session:
        begin_anew(session, utc_now())
        session.flush()
        name = versions.roll_back()
        add_audit(session, actor, Action.CHANGED, f"{part}:{name}", {"rollback": True})
    return name
