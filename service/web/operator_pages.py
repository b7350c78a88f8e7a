"""For administrators: who may come in, and what everybody did."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request, Response
from sqlalchemy.orm import Session

from archive.audit import Action, add_audit, find_audit
from archive.errors import Refused
from archive.people import (
    Person,
    add_user,
    all_users,
    change_active,
    change_password,
    change_role,
    find_user,
)
from archive.tables import Role
from service.api.auth import MayAdminister, person_to_actor
from service.api.context import Service, TheService
from service.web.audit_list import entries_to_rows
from service.web.rendering import PageRoute, page_address, render, see_other

router = APIRouter(route_class=PageRoute)

_Id = Annotated[str, Path(max_length=64)]
_Words = Annotated[str, Query(max_length=200)]


@router.get("/users", name="users_page")
def users_page(request: Request, service: TheService, person: MayAdminister) -> Response:
    return _show_users(request, service, person)


@router.post("/users", name="add_user")
def post_user(
    request: Request,
    service: TheService,
    person: MayAdminister,
    name: Annotated[str, Form(max_length=200)],
    role: Annotated[Role, Form()],
) -> Response:
    """Shows the new user's first password, this once."""
    password = secrets.token_urlsafe(15)
    try:
        with service.database.write() as session:
            user = add_user(session, name.strip(), password, role)
            actor = person_to_actor(person, request)
            detail = {"name": user.username, "role": str(role)}
            add_audit(session, actor, Action.USER_ADDED, f"user:{user.id}", {**detail})
    except Refused:
        return _show_users(request, service, person, failed="users.refused", name=name, status=422)
    return _show_users(request, service, person, shown_password=(user.username, password))


@router.post("/users/{user_id}/role", name="change_role")
def post_role(
    user_id: _Id,
    request: Request,
    service: TheService,
    person: MayAdminister,
    role: Annotated[Role, Form()],
) -> Response:
    try:
        with service.database.write() as session:
            change_role(session, user_id, role)
            _note_change(session, request, person, user_id, {"role": str(role)})
    except Refused:
        return _show_users(request, service, person, failed="users.last", status=422)
    return see_other("/users?said=user_changed")


@router.post("/users/{user_id}/active", name="change_active")
def post_active(
    user_id: _Id,
    request: Request,
    service: TheService,
    person: MayAdminister,
    active: Annotated[bool, Form()],
) -> Response:
    try:
        with service.database.write() as session:
            change_active(session, user_id, active)
            _note_change(session, request, person, user_id, {"active": str(active).lower()})
    except Refused:
        return _show_users(request, service, person, failed="users.last", status=422)
    return see_other("/users?said=user_changed")


@router.post("/users/{user_id}/password", name="new_password")
def post_new_password(
    user_id: _Id, request: Request, service: TheService, person: MayAdminister
) -> Response:
    """For who has forgotten it. Shows the new one, this once."""
    password = secrets.token_urlsafe(15)
    with service.database.write() as session:
        change_password(session, user_id, password)
        name = find_user(session, user_id).username
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.PASSWORD_CHANGED, f"user:{user_id}", {"name": name})
    return _show_users(request, service, person, shown_password=(name, password))


@router.get("/audit", name="audit_page")
def audit_page(
    request: Request,
    service: TheService,
    person: MayAdminister,
    who: _Words = "",
    act: _Words = "",
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> Response:
    action = next((item for item in Action if item == act), None)
    with service.database.read() as session:
        users = all_users(session)
        user_id = next((user.id for user in users if user.username == who), None)
        found = find_audit(session, page=page, user_id=user_id, action=action)
        rows = entries_to_rows(session, found.entries)
    return render(
        request,
        person,
        "audit.html",
        place="audit",
        who=who if user_id else "",
        act=act if action else "",
        users=users,
        acts=tuple(str(item) for item in Action),
        entries=rows,
        page=found.page,
        pages=found.last_page,
        page_address=page_address(request),
    )


def _note_change(
    session: Session, request: Request, person: Person, user_id: str, detail: dict[str, str]
) -> None:
    name = find_user(session, user_id).username
    actor = person_to_actor(person, request)
    add_audit(session, actor, Action.USER_CHANGED, f"user:{user_id}", {"name": name, **detail})


def _show_users(
    request: Request,
    service: Service,
    person: Person,
    *,
    failed: str = "",
    name: str = "",
    shown_password: tuple[str, str] | None = None,
    status: int = 200,
) -> Response:
    with service.database.read() as session:
        users = all_users(session)
    return render(
        request,
        person,
        "users.html",
        status,
        place="users",
        users=users,
        roles=tuple(str(role) for role in Role),
        failed=failed,
        name=name,
        shown_password=shown_password,
    )
