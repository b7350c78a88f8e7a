"""Another version takes over: pointer, promise and audit log change together, or none does."""

from __future__ import annotations

from typing import Protocol

from fastapi import Request

from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.people import Person
from archive.promise import taking_over
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
    """``part`` is what the audit log calls that which has versions."""
    actor = person_to_actor(person, request)
    with taking_over(service.database, utc_now()) as session:
        add_audit(session, actor, Action.CHANGED, f"{part}:{name}")
        session.flush()
        versions.promote(name)


def go_back(
    service: Service, request: Request, person: Person, versions: Versions, *, part: str
) -> str:
    """The version that is in use again, with the promise begun anew."""
    actor = person_to_actor(person, request)
    with taking_over(service.database, utc_now()) as session:
        name = versions.roll_back()
        add_audit(session, actor, Action.CHANGED, f"{part}:{name}", {"rollback": True})
    return name
