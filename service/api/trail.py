"""What the audit log is told by requests."""

from __future__ import annotations

from fastapi import Request

from archive.audit import Action, add_audit
from archive.people import Person
from extraction.json_values import JsonObject
from service.api.auth import person_to_actor
from service.api.context import Service


def record_sight(service: Service, request: Request, person: Person, subject: str) -> None:
    """Note that ``person`` saw ``subject``, such as ``document:01J…``."""
    if service.sights.is_new(person.user_id, subject):
        record_action(service, request, person, Action.SAW, subject)


def record_action(
    service: Service,
    request: Request,
    person: Person,
    action: Action,
    subject: str,
    detail: JsonObject | None = None,
) -> None:
    """Note what ``person`` did, in a transaction of its own."""
    with service.database.write() as session:
        add_audit(session, person_to_actor(person, request), action, subject, detail)
