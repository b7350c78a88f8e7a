"""Who may do what: users, roles, passwords, web sessions and API tokens.

Of secrets only digests are kept: argon2 for passwords, SHA-256 for random secrets.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.errors import NotFound, Refused
from archive.tables import ApiToken, Role, User, WebSession


class Right(StrEnum):
    """What a route asks for; also the scopes of API tokens."""

    SEE = "see"
    EXPORT = "export"
    UPLOAD = "upload"
    PROCESS = "process"
    """Retry, reprocess, cancel, change the priority."""
    CORRECT = "correct"
    DELETE = "delete"
    TRAIN = "train"
    """Models, training runs, the promise."""
    OPERATE = "operate"
    """Callbacks and metrics."""
    ADMINISTER = "administer"
    """Users, the audit log, settings."""


_VIEWER: Final = frozenset({Right.SEE, Right.EXPORT})
_UPLOADER: Final = _VIEWER | {Right.UPLOAD, Right.PROCESS}
_ANNOTATOR: Final = _UPLOADER | {Right.CORRECT}
_ENGINEER: Final = _ANNOTATOR | {Right.DELETE, Right.TRAIN, Right.OPERATE}

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.VIEWER: _VIEWER,
    Role.UPLOADER: _UPLOADER,
    Role.ANNOTATOR: _ANNOTATOR,
    Role.ENGINEER: _ENGINEER,
    Role.ADMINISTRATOR: _ENGINEER | {Right.ADMINISTER},
}

SHORTEST_PASSWORD: Final = 10
MOST_WRONG_PASSWORDS: Final = 5
LOCKED_FOR: Final = timedelta(minutes=5)
TOKEN_PREFIX: Final = "fl_"
USE_NOTED_AFTER: Final = timedelta(minutes=1)
_USERNAME: Final = re.compile(r"[\w.@\-]{1,64}")
_hasher: Final = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Person:
    """Who a request comes from. ``csrf`` is set for a web session, None for a token."""

    user_id: str
    username: str
    role: Role
    rights: frozenset[Right]
    language: str
    csrf: str | None = None

    def may(self, right: Right) -> bool:
        return right in self.rights


@dataclass(frozen=True, slots=True)
class StartedSession:
    """``secret`` goes into the cookie, ``csrf`` into every form."""

    secret: str
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewToken:
    """``secret`` is shown now and never again."""

    id: str
    name: str
    secret: str
    scopes: tuple[Right, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    username: str
    password: str
    token: str


def add_user(session: Session, username: str, password: str, role: Role) -> User:
    """Refused for a name that is taken or odd, or a password that is too short."""
    if not _USERNAME.fullmatch(username):
        raise Refused("a user name has 1 to 64 letters, digits or one of . _ - @")
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise Refused(f"there is already a user {username}")
    row = User(username=username, password_digest=_digest_password(password), role=role)
    session.add(row)
    session.flush()
    return row


def all_users(session: Session) -> tuple[User, ...]:
    return tuple(session.scalars(select(User).order_by(User.username)))


def find_user(session: Session, user_id: str) -> User:
    """NotFound if there is none."""
    row = session.get(User, user_id)
    if row is None:
        raise NotFound(f"there is no user {user_id}")
    return row


def check_password(
    session: Session, username: str, password: str, now: datetime | None = None
) -> User | None:
    """The active user with this password, else None; to be called in ``write``.

    After ``MOST_WRONG_PASSWORDS`` in a row the user is locked for ``LOCKED_FOR``, even for
    the right password. An unknown name takes as long as a wrong password.
    """
    now = now or utc_now()
    user = session.scalar(select(User).where(User.username == username).with_for_update())
    matches = _matches(_unknown_digest() if user is None else user.password_digest, password)
    if user is None or not user.active or (user.locked_until and user.locked_until > now):
        return None
    if matches:
        user.wrong_passwords, user.locked_until = 0, None
        if _hasher.check_needs_rehash(user.password_digest):
            user.password_digest = _hasher.hash(password)
        return user
    user.wrong_passwords += 1
    if user.wrong_passwords >= MOST_WRONG_PASSWORDS:
        user.wrong_passwords, user.locked_until = 0, now + LOCKED_FOR
    return None


def change_password(session: Session, user_id: str, password: str) -> None:
    """Ends all web sessions of the user. Refused if too short."""
    user = find_user(session, user_id)
    user.password_digest = _digest_password(password)
    user.wrong_passwords, user.locked_until = 0, None
    end_all_sessions(session, user_id)


def change_role(session: Session, user_id: str, role: Role) -> None:
    """Refused when no active administrator would be left."""
    user = find_user(session, user_id)
    if user.role == Role.ADMINISTRATOR and role != Role.ADMINISTRATOR:
        _keep_an_administrator(session, user)
    user.role = role


def change_active(session: Session, user_id: str, active: bool) -> None:
    """A user who is not active cannot sign in and has no rights, but keeps a name."""
    user = find_user(session, user_id)
    if not active:
        _keep_an_administrator(session, user)
        end_all_sessions(session, user_id)
    user.active = active


def change_language(session: Session, user_id: str, language: str) -> None:
    """``zh`` or ``en``; Refused for another."""
    if language not in ("zh", "en"):
        raise Refused("the language is zh or en")
    find_user(session, user_id).language = language


def start_web_session(
    session: Session, user_id: str, now: datetime, lifetime: timedelta
) -> StartedSession:
    started = StartedSession(secrets.token_urlsafe(32), secrets.token_urlsafe(32), now + lifetime)
    session.add(
        WebSession(
            digest=_digest_secret(started.secret),
            user_id=user_id,
            csrf=started.csrf,
            created_at=now,
            expires_at=started.expires_at,
        )
    )
    return started


def find_person_of_session(session: Session, secret: str, now: datetime) -> Person | None:
    """None for an unknown or expired session, or a user who is not active."""
    query = (
        select(WebSession, User)
        .join(User, User.id == WebSession.user_id)
        .where(WebSession.digest == _digest_secret(secret), WebSession.expires_at > now)
    )
    found = session.execute(query).first()
    if found is None or not found[1].active:
        return None
    row, user = found
    return _to_person(user, RIGHTS[user.role], row.csrf)


def end_web_session(session: Session, secret: str) -> None:
    session.execute(delete(WebSession).where(WebSession.digest == _digest_secret(secret)))


def end_all_sessions(session: Session, user_id: str) -> None:
    session.execute(delete(WebSession).where(WebSession.user_id == user_id))


def add_api_token(
    session: Session,
    user_id: str,
    name: str,
    scopes: Collection[Right],
    expires_at: datetime | None = None,
) -> NewToken:
    """It never grants more than its user's role does at the time of use."""
    if not name.strip() or len(name) > 200:
        raise Refused("a token needs a name of up to 200 characters")
    if not scopes:
        raise Refused("a token needs at least one scope")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    ordered = tuple(right for right in Right if right in scopes)
    row = ApiToken(
        user_id=find_user(session, user_id).id,
        name=name.strip(),
        digest=_digest_secret(secret),
        scopes=[str(right) for right in ordered],
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return NewToken(row.id, row.name, secret, ordered, expires_at)


def tokens_of(session: Session, user_id: str) -> tuple[ApiToken, ...]:
    query = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id)
    return tuple(session.scalars(query))


def find_person_of_token(session: Session, secret: str, now: datetime) -> Person | None:
    """None for an unknown or expired token, or a user who is not active. Only reads."""
    query = (
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.digest == _digest_secret(secret))
    )
    found = session.execute(query).first()
    if found is None or not found[1].active:
        return None
    token, user = found
    if token.expires_at is not None and token.expires_at <= now:
        return None
    scopes = {Right(str(scope)) for scope in token.scopes}
    return _to_person(user, RIGHTS[user.role] & scopes, None)


def is_token_use_new(session: Session, secret: str, now: datetime) -> bool:
    """Whether this use of a token is to be written down: the first in ``USE_NOTED_AFTER``."""
    query = select(ApiToken.id).where(*_token_unnoted(secret, now))
    return session.scalar(query) is not None


def write_token_use(session: Session, secret: str, now: datetime) -> None:
    """Lets the owner see that the token was used; not oftener than ``USE_NOTED_AFTER``."""
    session.execute(update(ApiToken).where(*_token_unnoted(secret, now)).values(last_used_at=now))


def revoke_api_token(session: Session, token_id: str, user_id: str) -> None:
    """NotFound unless it is a token of this user."""
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != user_id:
        raise NotFound(f"there is no token {token_id}")
    session.delete(row)


def make_first_administrator(session: Session) -> FirstAdministrator | None:
    """``admin`` with a random password and a token of all scopes; None if users exist."""
    if session.scalar(select(func.count()).select_from(User)):
        return None
    password = secrets.token_urlsafe(18)
    user = add_user(session, "admin", password, Role.ADMINISTRATOR)
    token = add_api_token(session, user.id, "first administrator", frozenset(Right))
    return FirstAdministrator(user.username, password, token.secret)


def remove_expired(session: Session, now: datetime) -> int:
    """Deletes expired web sessions and tokens; how many."""
    gone = session.execute(
        delete(WebSession).where(WebSession.expires_at <= now).returning(WebSession.digest)
    ).all()
    tokens = session.execute(
        delete(ApiToken).where(ApiToken.expires_at <= now).returning(ApiToken.id)
    ).all()
    return len(gone) + len(tokens)


def _token_unnoted(secret: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    long_ago = ApiToken.last_used_at <= now - USE_NOTED_AFTER
    return (
        ApiToken.digest == _digest_secret(secret),
        or_(ApiToken.last_used_at.is_(None), long_ago),
    )


def _to_person(user: User, rights: frozenset[Right], csrf: str | None) -> Person:
    return Person(user.id, user.username, user.role, rights, user.language, csrf)


def _keep_an_administrator(session: Session, leaving: User) -> None:
    others = select(func.count()).where(
        User.role == Role.ADMINISTRATOR, User.active, User.id != leaving.id
    )
    if leaving.role == Role.ADMINISTRATOR and not session.scalar(others):
        raise Refused("the last administrator has to stay one")


def _digest_password(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(f"a password has at least {SHORTEST_PASSWORD} characters")
    if len(password) > 1000:
        raise Refused("a password has at most 1000 characters")
    return _hasher.hash(password)


def _matches(digest: str, password: str) -> bool:
    try:
        return _hasher.verify(digest, password[:1000])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _unknown_digest() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


def _digest_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
