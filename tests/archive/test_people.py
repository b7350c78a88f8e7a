from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from archive import people
from archive.database import Database
from archive.errors import NotFound, Refused
from archive.people import (
    MOST_WRONG_PASSWORDS,
    RIGHTS,
    USE_NOTED_AFTER,
    Right,
    add_api_token,
    add_user,
    change_active,
    change_password,
    change_role,
    check_password,
    end_web_session,
    find_person_of_session,
    find_person_of_token,
    is_token_use_new,
    make_first_administrator,
    remove_expired,
    revoke_api_token,
    start_web_session,
    tokens_of,
    write_token_use,
)
from archive.tables import ApiToken, Role, User, WebSession

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_hasher", PasswordHasher(1, 8, 1))
    people._unknown_digest.cache_clear()


def test_every_role_has_the_rights_of_the_one_below_and_more() -> None:
    roles = list(Role)
    for lower, higher in itertools.pairwise(roles):
        assert RIGHTS[lower] < RIGHTS[higher]
    assert RIGHTS[Role.ADMINISTRATOR] == frozenset(Right)
    assert Right.UPLOAD not in RIGHTS[Role.VIEWER]


def test_a_password_is_checked_and_not_kept(database: Database) -> None:
    with database.write() as session:
        user = add_user(session, "amy", GOOD, Role.VIEWER)
        assert GOOD not in user.password_digest and user.password_digest.startswith("$argon2id$")
        assert check_password(session, "amy", GOOD) is user
        assert check_password(session, "amy", GOOD + "x") is None
        assert check_password(session, "bob", GOOD) is None


def test_guessing_locks_the_user_for_a_while_even_for_the_right_password(
    database: Database,
) -> None:
    with database.write() as session:
        add_user(session, "amy", GOOD, Role.VIEWER)
        for _ in range(MOST_WRONG_PASSWORDS):
            assert check_password(session, "amy", "wrong", NOW) is None
        assert check_password(session, "amy", GOOD, NOW + timedelta(minutes=1)) is None
        assert check_password(session, "amy", GOOD, NOW + timedelta(minutes=6)) is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [("", GOOD), ("a b", GOOD), ("<script>", GOOD), ("x" * 65, GOOD), ("amy", "short")],
)
def test_odd_names_and_short_passwords_are_refused(
    database: Database, name: str, password: str
) -> None:
    with database.write() as session, pytest.raises(Refused):
        add_user(session, name, password, Role.VIEWER)


def test_a_name_is_taken_once(database: Database) -> None:
    with database.write() as session:
        add_user(session, "张三", GOOD, Role.VIEWER)
        with pytest.raises(Refused, match="already"):
            add_user(session, "张三", GOOD, Role.VIEWER)


def test_a_web_session_lives_until_it_ends_or_expires(database: Database) -> None:
    with database.write() as session:
        user = add_user(session, "amy", GOOD, Role.UPLOADER)
        one = start_web_session(session, user.id, NOW, HOUR)
        two = start_web_session(session, user.id, NOW, HOUR)
        session.flush()
        stored = {row.digest for row in session.scalars(select(WebSession))}
        assert one.secret not in stored
        person = find_person_of_session(session, one.secret, NOW)
        assert person is not None and person.csrf == one.csrf and person.may(Right.UPLOAD)
        assert find_person_of_session(session, one.secret, NOW + HOUR) is None
        assert find_person_of_session(session, one.secret + "x", NOW) is None
        end_web_session(session, one.secret)
        assert find_person_of_session(session, one.secret, NOW) is None
        assert find_person_of_session(session, two.secret, NOW) is not None
        change_password(session, user.id, GOOD + "2")
        assert find_person_of_session(session, two.secret, NOW) is None


def test_a_token_grants_its_scopes_but_never_more_than_the_role(database: Database) -> None:
    with database.write() as session:
        user = add_user(session, "amy", GOOD, Role.ENGINEER)
        token = add_api_token(session, user.id, "ci", [Right.SEE, Right.DELETE], NOW + HOUR)
        (row,) = session.scalars(select(ApiToken))
        assert token.secret not in (row.digest, row.name)
        person = find_person_of_token(session, token.secret, NOW)
        assert person is not None and person.rights == {Right.SEE, Right.DELETE}
        assert person.csrf is None
        change_role(session, user.id, Role.VIEWER)
        person = find_person_of_token(session, token.secret, NOW)
        assert person is not None and person.rights == {Right.SEE}
        assert find_person_of_token(session, token.secret, NOW + HOUR) is None
        change_active(session, user.id, False)
        assert find_person_of_token(session, token.secret, NOW) is None


def test_the_use_of_a_token_is_written_once_a_minute(database: Database) -> None:
    with database.write() as session:
        user = add_user(session, "amy", GOOD, Role.VIEWER)
        secret = add_api_token(session, user.id, "ci", [Right.SEE]).secret
        other = add_api_token(session, user.id, "other", [Right.SEE]).secret

    def use(after_s: float) -> list[datetime | None]:
        now = NOW + timedelta(seconds=after_s)
        with database.write() as session:
            if is_token_use_new(session, secret, now):
                write_token_use(session, secret, now)
            return [row.last_used_at for row in tokens_of(session, user.id)]

    assert use(0) == use(59) == [NOW, None]
    assert use(60) == [NOW + USE_NOTED_AFTER, None]
    with database.read() as session:
        assert is_token_use_new(session, other, NOW)
        assert not is_token_use_new(session, "fl_wrong", NOW)


def test_a_token_is_revoked_by_its_owner_alone(database: Database) -> None:
    with database.write() as session:
        amy = add_user(session, "amy", GOOD, Role.VIEWER)
        bob = add_user(session, "bob", GOOD, Role.VIEWER)
        token = add_api_token(session, amy.id, "t", [Right.SEE])
        with pytest.raises(NotFound):
            revoke_api_token(session, token.id, bob.id)
        revoke_api_token(session, token.id, amy.id)
        assert tokens_of(session, amy.id) == ()
        assert find_person_of_token(session, token.secret, NOW) is None


def test_someone_who_left_has_no_rights(database: Database) -> None:
    with database.write() as session:
        user = add_user(session, "amy", GOOD, Role.ENGINEER)
        started = start_web_session(session, user.id, NOW, HOUR)
        user.active = False
        assert find_person_of_session(session, started.secret, NOW) is None
        assert check_password(session, "amy", GOOD) is None


def test_the_last_administrator_stays_one(database: Database) -> None:
    with database.write() as session:
        first = make_first_administrator(session)
        assert first is not None and make_first_administrator(session) is None
        user = check_password(session, first.username, first.password)
        assert user is not None
        person = find_person_of_token(session, first.token, NOW)
        assert person is not None and person.rights == frozenset(Right)
        with pytest.raises(Refused, match="last administrator"):
            change_role(session, user.id, Role.VIEWER)
        with pytest.raises(Refused, match="last administrator"):
            change_active(session, user.id, False)
        add_user(session, "second", GOOD, Role.ADMINISTRATOR)
        change_role(session, user.id, Role.VIEWER)


def test_what_expired_is_removed(database: Database) -> None:
    with database.write() as session:
        user = add_user(session, "amy", GOOD, Role.VIEWER)
        start_web_session(session, user.id, NOW, HOUR)
        add_api_token(session, user.id, "old", [Right.SEE], NOW)
        add_api_token(session, user.id, "kept", [Right.SEE])
        session.flush()
        assert remove_expired(session, NOW + 2 * HOUR) == 2
        assert [row.name for row in tokens_of(session, user.id)] == ["kept"]
        assert session.scalars(select(User)).all() == [user]
