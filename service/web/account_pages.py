"""What a person sees of the own account: role, password, API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from archive.audit import Action, add_audit
from archive.clock import utc_now
from archive.errors import Refused
from archive.people import (
    SHORTEST_PASSWORD,
    Person,
    Right,
    add_api_token,
    change_password,
    check_password,
    revoke_api_token,
    tokens_of,
)
from service.api.auth import (
    SignedIn,
    clear_session_cookie,
    person_to_actor,
    set_session_cookie,
    sign_in,
)
from service.api.context import Service, TheService
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

_Secret = Annotated[str, Form(max_length=2000)]
_TOKEN_DAYS = (30, 90, 365)


@router.get("/account", name="account_page")
def account_page(request: Request, service: TheService, person: SignedIn) -> Response:
    return _show_account(request, service, person)


@router.post("/account/password", name="change_password")
def post_password(
    request: Request,
    service: TheService,
    person: SignedIn,
    now: _Secret,
    new: _Secret,
    again: _Secret,
) -> Response:
    """Ends every session of the person but starts a new one here."""
    failed = _find_password_fault(new, again)
    if not failed:
        with service.database.write() as session:
            if check_password(session, person.username, now) is None:
                failed = "account.password_wrong"
            else:
                change_password(session, person.user_id, new)
                actor = person_to_actor(person, request)
                subject = f"user:{person.user_id}"
                add_audit(session, actor, Action.PASSWORD_CHANGED, subject)
    if failed:
        return _show_account(request, service, person, failed=failed, status=422)
    started = sign_in(service, request, person.username, new)
    response = see_other("/account?said=password_changed")
    if started is None:
        clear_session_cookie(response, service)
    else:
        set_session_cookie(response, service, started)
    return response


@router.post("/account/tokens", name="add_token")
def post_token(
    request: Request,
    service: TheService,
    person: SignedIn,
    name: Annotated[str, Form(max_length=200)],
    days: Annotated[int, Form(ge=1, le=3650)] = 90,
    scope: Annotated[list[Right] | None, Form()] = None,
) -> Response:
    """Shows the new token, this once."""
    scopes = person.rights & frozenset(scope or ())
    try:
        with service.database.write() as session:
            expires_at = utc_now() + timedelta(days=days)
            token = add_api_token(session, person.user_id, name, scopes, expires_at)
            actor = person_to_actor(person, request)
            add_audit(session, actor, Action.TOKEN_ADDED, f"token:{token.id}", {"name": name})
    except Refused:
        return _show_account(request, service, person, failed="tokens.refused", status=422)
    return _show_account(request, service, person, new_token=token.secret)


@router.post("/account/tokens/{token_id}/revoke", name="revoke_token")
def post_revoke(
    token_id: Annotated[str, Path(max_length=64)],
    request: Request,
    service: TheService,
    person: SignedIn,
) -> Response:
    with service.database.write() as session:
        revoke_api_token(session, token_id, person.user_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.TOKEN_REVOKED, f"token:{token_id}")
    return see_other("/account?said=token_revoked")


def _find_password_fault(new: str, again: str) -> str:
    if new != again:
        return "account.password_differs"
    return "account.password_short" if len(new) < SHORTEST_PASSWORD else ""


def _show_account(
    request: Request,
    service: Service,
    person: Person,
    *,
    failed: str = "",
    new_token: str = "",
    status: int = 200,
) -> Response:
    with service.database.read() as session:
        tokens = tokens_of(session, person.user_id)
    return render(
        request,
        person,
        "account.html",
        status,
        place="account",
        failed=failed,
        new_token=new_token,
        tokens=tokens,
        token_days=_TOKEN_DAYS,
        shortest_password=SHORTEST_PASSWORD,
        scopes=tuple(right.value for right in Right if person.may(right)),
    )
