"""Who asks, and whether they may: bearer tokens for programs, a session cookie for browsers.

A route states its right with one of the types below (``MaySee`` …); the test of access reads
them from the route table. Requests that change something and come with a cookie must carry
the session's CSRF token, in a header or in a form's field.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from archive.audit import Action, Actor, add_audit
from archive.clock import utc_now
from archive.errors import DatabaseGone
from archive.people import (
    Person,
    Right,
    StartedSession,
    check_password,
    end_web_session,
    find_person_of_session,
    find_person_of_token,
    is_token_use_new,
    start_web_session,
    write_token_use,
)
from service.api.context import Service, TheService
from service.api.problems import Problem

SESSION_COOKIE: Final = "formloop_session"
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf_token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_LONGEST_SECRET: Final = 200

_bearer = HTTPBearer(auto_error=False, description="An API token, made on the account page.")
_cookie = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="A browser's session.")


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency that gives the person who asks, if they have ``right``.

    ``right`` None asks only that somebody is signed in.
    """

    right: Right | None

    async def __call__(
        self,
        request: Request,
        service: TheService,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        cookie: Annotated[str | None, Depends(_cookie)],
    ) -> Person:
        token = None if bearer is None else bearer.credentials
        person = await run_in_threadpool(find_person, service, token, cookie)
        if person is None:
            raise Problem("not_signed_in")
        if self.right is not None and not person.may(self.right):
            raise Problem("forbidden", f"needs the right to {self.right}")
        if person.csrf is not None and request.method not in _SAFE_METHODS:
            await _check_csrf(request, person.csrf)
        return person


MaySee = Annotated[Person, Depends(Requires(Right.SEE))]
MayExport = Annotated[Person, Depends(Requires(Right.EXPORT))]
MayUpload = Annotated[Person, Depends(Requires(Right.UPLOAD))]
MayProcess = Annotated[Person, Depends(Requires(Right.PROCESS))]
MayCorrect = Annotated[Person, Depends(Requires(Right.CORRECT))]
MayDelete = Annotated[Person, Depends(Requires(Right.DELETE))]
MayTrain = Annotated[Person, Depends(Requires(Right.TRAIN))]
MayOperate = Annotated[Person, Depends(Requires(Right.OPERATE))]
MayAdminister = Annotated[Person, Depends(Requires(Right.ADMINISTER))]
SignedIn = Annotated[Person, Depends(Requires(None))]


def find_person(service: Service, token: str | None, cookie: str | None) -> Person | None:
    """The person of a token, or where there is none of a cookie. A wrong token is nobody."""
    secret = token if token is not None else cookie
    if not secret or len(secret) > _LONGEST_SECRET:
        return None
    now = utc_now()
    with service.database.read() as session:
        if token is None:
            return find_person_of_session(session, secret, now)
        person = find_person_of_token(session, secret, now)
        is_new = person is not None and is_token_use_new(session, secret, now)
    if is_new:
        _note_token_use(service, secret, now)
    return person


def _note_token_use(service: Service, secret: str, now: datetime) -> None:
    """Where the database is too busy for it, the next request tries again."""
    with suppress(DatabaseGone), service.database.write() as session:
        write_token_use(session, secret, now)


def find_signed_in(request: Request, service: Service) -> Person | None:
    """The person of the browser session, for pages that show more to who is signed in."""
    return find_person(service, None, request.cookies.get(SESSION_COOKIE))


def person_to_actor(person: Person, request: Request) -> Actor:
    """Who the audit log names."""
    return Actor(person.username, person.user_id, client_address(request))


def client_address(request: Request) -> str | None:
    return request.client.host if request.client else None


def sign_in(
    service: Service, request: Request, username: str, password: str
) -> StartedSession | None:
    """A new web session, or None for a wrong password; both go into the audit log."""
    now = utc_now()
    address = client_address(request)
    with service.database.write() as session:
        user = check_password(session, username, password, now)
        if user is None:
            add_audit(session, Actor(username, None, address), Action.SIGN_IN_REFUSED, "sign_in")
            return None
        lifetime = timedelta(hours=service.settings.limits.web_session_hours)
        started = start_web_session(session, user.id, now, lifetime)
        actor = Actor(user.username, user.id, address)
        add_audit(session, actor, Action.SIGNED_IN, f"user:{user.id}")
    return started


def sign_out(service: Service, request: Request, person: Person) -> None:
    """End the browser session that this request came with."""
    secret = request.cookies.get(SESSION_COOKIE, "")
    actor = person_to_actor(person, request)
    with service.database.write() as session:
        end_web_session(session, secret)
        add_audit(session, actor, Action.SIGNED_OUT, f"user:{person.user_id}")


def set_session_cookie(response: Response, service: Service, started: StartedSession) -> None:
    """Let the browser keep the session: for this site only, out of reach of scripts."""
    response.set_cookie(
        SESSION_COOKIE,
        started.secret,
        expires=started.expires_at,
        path="/",
        secure=is_served_securely(service),
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, service: Service) -> None:
    response.delete_cookie(
        SESSION_COOKIE,
        path="/",
        secure=is_served_securely(service),
        httponly=True,
        samesite="lax",
    )


def is_served_securely(service: Service) -> bool:
    return service.settings.public_url.startswith("https://")


def check_same_origin(request: Request, service: Service) -> None:
    """Problem ``csrf`` where a page of another site sent this form. For the login form,
    which has no session yet; browsers send ``Origin`` with every POST."""
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = {request.url.netloc, urlsplit(service.settings.public_url).netloc}
    if origin == "null" or urlsplit(origin).netloc not in own:
        raise Problem("csrf", "this form was sent from another site")


async def _check_csrf(request: Request, expected: str) -> None:
    given = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(_FORM_TYPE):
        form = await request.form()
        field = form.get(CSRF_FIELD, "")
        given = field if isinstance(field, str) else ""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Problem("csrf")
