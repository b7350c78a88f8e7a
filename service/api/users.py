"""Addresses of people: oneself, one's tokens, all users, the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from archive.audit import Action, add_audit, find_audit
from archive.errors import Refused
from archive.people import (
    Right,
    add_api_token,
    add_user,
    all_users,
    change_active,
    change_password,
    change_role,
    find_user,
    revoke_api_token,
    tokens_of,
)
from archive.tables import ApiToken, Role, User
from service.api.auth import MayAdminister, SignedIn, person_to_actor
from service.api.context import TheService
from service.api.problems import Problem
from service.api.shapes import NO_CONTROLS, example

router = APIRouter(prefix="/api", tags=["people"])

Id = Annotated[str, Path(min_length=1, max_length=64)]
Password = Annotated[str, Field(max_length=1000)]


class MeShape(BaseModel):
    id: str
    username: str
    role: Role
    rights: list[Right]


class TokenShape(BaseModel):
    """``last_used_at`` is exact to a minute, and null for one that was never used."""

    id: str
    name: str
    scopes: list[Right]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokensShape(BaseModel):
    tokens: list[TokenShape]


class WantedToken(BaseModel):
    model_config = example(name="scanner in room 3", scopes=["upload", "see"], expires_at=None)

    name: str = Field(min_length=1, max_length=200, pattern=NO_CONTROLS)
    scopes: list[Right] = Field(min_length=1, max_length=len(Right))
    expires_at: AwareDatetime | None = None


class NewTokenShape(BaseModel):
    """``token`` is shown now and never again."""

    id: str
    name: str
    scopes: list[Right]
    expires_at: datetime | None
    token: str


class UserShape(BaseModel):
    id: str
    username: str
    role: Role
    active: bool
    created_at: datetime


class UsersShape(BaseModel):
    users: list[UserShape]


class WantedUser(BaseModel):
    model_config = example(username="li.na", password="correct horse battery", role="annotator")

    username: str = Field(min_length=1, max_length=64)
    password: Password
    role: Role


class UserChange(BaseModel):
    """What is given is changed."""

    model_config = example(role="engineer")

    role: Role | None = None
    active: bool | None = None
    password: Password | None = None


class AuditShape(BaseModel):
    at: datetime
    user_id: str | None
    username: str
    action: str
    subject: str
    address: str | None
    detail: dict[str, Any]


class AuditPageShape(BaseModel):
    entries: list[AuditShape]
    total: int
    page: int
    last_page: int


@router.get("/me")
def get_me(person: SignedIn) -> MeShape:
    """Who this token or session belongs to, and what it may do."""
    rights = [right for right in Right if person.may(right)]
    return MeShape(id=person.user_id, username=person.username, role=person.role, rights=rights)


@router.get("/tokens")
def get_tokens(service: TheService, person: SignedIn) -> TokensShape:
    """One's own API tokens, without their secrets."""
    with service.database.read() as session:
        rows = tokens_of(session, person.user_id)
    return TokensShape(tokens=[_to_token(row) for row in rows])


@router.post("/tokens", status_code=201)
def post_token(
    wanted: WantedToken, request: Request, service: TheService, person: SignedIn
) -> NewTokenShape:
    """Make an API token. It never may more than the one who makes it."""
    beyond = [str(scope) for scope in wanted.scopes if not person.may(scope)]
    if beyond:
        raise Problem("forbidden", f"not yours to give: {', '.join(beyond)}")
    with service.database.write() as session:
        token = add_api_token(
            session, person.user_id, wanted.name, wanted.scopes, wanted.expires_at
        )
        scopes = [str(scope) for scope in token.scopes]
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.TOKEN_ADDED, f"token:{token.id}", {"scopes": [*scopes]})
    return NewTokenShape(
        id=token.id,
        name=token.name,
        scopes=list(token.scopes),
        expires_at=token.expires_at,
        token=token.secret,
    )


@router.delete("/tokens/{token_id}", status_code=204)
def delete_token(token_id: Id, request: Request, service: TheService, person: SignedIn) -> None:
    """Revoke one of one's own tokens."""
    with service.database.write() as session:
        revoke_api_token(session, token_id, person.user_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.TOKEN_REVOKED, f"token:{token_id}")


@router.get("/users")
def get_users(service: TheService, person: MayAdminister) -> UsersShape:
    """All users, by name."""
    with service.database.read() as session:
        return UsersShape(users=[_to_user(row) for row in all_users(session)])


@router.post("/users", status_code=201)
def post_user(
    wanted: WantedUser, request: Request, service: TheService, person: MayAdminister
) -> UserShape:
    """Add a user."""
    with service.database.write() as session:
        row = add_user(session, wanted.username, wanted.password, wanted.role)
        detail: dict[str, Any] = {"username": row.username, "role": str(row.role)}
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.USER_ADDED, f"user:{row.id}", detail)
    return _to_user(row)


@router.patch("/users/{user_id}")
def patch_user(
    user_id: Id,
    change: UserChange,
    request: Request,
    service: TheService,
    person: MayAdminister,
) -> UserShape:
    """Change a user's role or password, or lock a user out."""
    if not change.model_fields_set:
        raise Refused("nothing to change is given")
    actor = person_to_actor(person, request)
    with service.database.write() as session:
        if change.role is not None:
            change_role(session, user_id, change.role)
        if change.active is not None:
            change_active(session, user_id, change.active)
        if change.password is not None:
            change_password(session, user_id, change.password)
            add_audit(session, actor, Action.PASSWORD_CHANGED, f"user:{user_id}")
        detail = change.model_dump(mode="json", exclude={"password"}, exclude_none=True)
        if detail:
            add_audit(session, actor, Action.USER_CHANGED, f"user:{user_id}", detail)
        row = find_user(session, user_id)
    return _to_user(row)


@router.get("/audit")
def get_audit(
    service: TheService,
    person: MayAdminister,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    user: Annotated[str | None, Query(max_length=64)] = None,
    action: Action | None = None,
    subject: Annotated[str | None, Query(max_length=200)] = None,
) -> AuditPageShape:
    """Who did what to what, the newest first."""
    with service.database.read() as session:
        found = find_audit(session, page=page, user_id=user, action=action, subject=subject)
    entries = [
        AuditShape(
            at=row.at,
            user_id=row.user_id,
            username=row.username,
            action=row.action,
            subject=row.subject,
            address=row.address,
            detail=row.detail,
        )
        for row in found.entries
    ]
    return AuditPageShape(
        entries=entries, total=found.total, page=found.page, last_page=found.last_page
    )


def _to_token(row: ApiToken) -> TokenShape:
    return TokenShape(
        id=row.id,
        name=row.name,
        scopes=[Right(str(scope)) for scope in row.scopes],
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _to_user(row: User) -> UserShape:
    return UserShape(
        id=row.id,
        username=row.username,
        role=row.role,
        active=row.active,
        created_at=row.created_at,
    )
