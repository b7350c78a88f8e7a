"""Who may do what, and what a stranger can do to the service.

The table of access is made from the routes themselves: a route that is new has to state the
right it asks for, or be named here as open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from schemathesis import GenerationMode

from archive.blobs import picture_key
from archive.clock import utc_now
from archive.people import RIGHTS
from archive.reviews import LOOKED_AT_AGAIN
from archive.settings import Settings
from archive.signing import ASKED_PICTURE_PURPOSE, PICTURE_PURPOSE, sign_token
from archive.tables import ReviewState, ReviewTaskRow, Role
from service.api.app import create_app
from service.api.auth import CSRF_HEADER, Requires
from tests.service.made_up import ask_made_up
from tests.service.web.reviewing import start_review
from tests.service.worlds import (
    PASSWORD,
    SCRIPT,
    World,
    pdf,
    running_world,
    sample_record,
    zipped,
)

OPEN = {
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/language"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    # The secret in its header is the permission.
    ("POST", "/hooks/label-studio"),
    # Their token is the permission.
    ("GET", "/pictures/{token}"),
    ("GET", "/asked-pictures/{token}"),
}
"""Answered without signing in. Beside these only /static, which holds nothing of anyone's."""
STRANGER, NO_RIGHT = {401}, {403}
PAGE_REDIRECT = 303


@dataclass(frozen=True)
class Address:
    method: str
    path: str
    requires: Requires | None

    @property
    def filled(self) -> str:
        """The path with ids in it that nothing has."""
        return re.sub(r"\{[^}]+\}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", self.path)

    @property
    def is_page(self) -> bool:
        return not self.path.startswith(("/api/", "/hooks/", "/metrics", "/openapi.json"))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def find_addresses() -> list[Address]:
    """Every address of the app, from its route table."""
    data = Path(__file__).parent / "unused"
    app = create_app(Settings(data, f"sqlite:///{data}.db", str(data), b"key"))
    found = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute):
            assert context.path.startswith("/static"), f"not a plain route: {context.path}"
            continue
        requires = next(_find_requires(route.dependant), None)
        for method in sorted(route.methods - {"HEAD"}):
            found.append(Address(method, context.path, requires))
    return found


def _find_requires(dependant: Dependant) -> Iterator[Requires]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Requires):
            yield dependency.call
        yield from _find_requires(dependency)


ADDRESSES = find_addresses()
GUARDED = [address for address in ADDRESSES if (address.method, address.path) not in OPEN]
CHANGING = [address for address in GUARDED if address.method != "GET"]


def ask(world: World, address: Address, headers: dict[str, str]) -> int:
    """The status of a request without a body; a page's redirect to the login counts as 401."""
    answer = world.client.request(address.method, address.filled, headers=headers)
    if answer.status_code == PAGE_REDIRECT and answer.headers["location"].startswith("/login"):
        return 401
    return answer.status_code


def test_the_table_is_whole() -> None:
    assert len(ADDRESSES) > 40
    assert {(address.method, address.path) for address in ADDRESSES} >= OPEN


@pytest.mark.parametrize("address", GUARDED, ids=str)
def test_each_address_states_who_may_ask(address: Address) -> None:
    assert address.requires is not None, "add a Requires type of service.api.auth, or OPEN"


@pytest.mark.parametrize("address", GUARDED, ids=str)
def test_a_stranger_gets_nothing(world: World, address: Address) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "formloop_session=wrong"},
        # A wrong token is not made good by a right cookie.
        {**world.browser(), "Authorization": "Bearer wrong"},
    ):
        assert ask(world, address, headers) in STRANGER, headers


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("address", GUARDED, ids=str)
def test_each_role_may_what_its_rights_say(world: World, address: Address, role: Role) -> None:
    assert address.requires is not None
    right = address.requires.right
    allowed = right is None or right in RIGHTS[role]
    if (address.method, address.path) == ("POST", "/logout"):
        return
    for headers in (world.bearer(role), world.browser(role)):
        if address.path.endswith("/events") and allowed:
            continue
        status = ask(world, address, headers)
        assert (status in NO_RIGHT) is not allowed, f"{status} for {role}"
        assert status not in STRANGER
        assert status < 500 or status == 501


@pytest.mark.parametrize("address", CHANGING, ids=str)
def test_a_change_from_a_browser_needs_the_token_of_its_session(
    world: World, address: Address
) -> None:
    for headers in (
        world.browser(csrf=False),
        world.browser(csrf=False) | {CSRF_HEADER: "wrong"},
        # Another person's token.
        world.browser(csrf=False) | {CSRF_HEADER: world.sessions[Role.VIEWER][1]},
    ):
        assert ask(world, address, headers) == 403


def test_the_token_of_a_session_may_stand_in_the_form(world: World) -> None:
    secret, token = world.sessions[Role.UPLOADER]
    headers = {"Cookie": f"formloop_session={secret}"}
    for value, status in ((token, 303), ("wrong", 403)):
        form = {"csrf_token": value}
        answer = world.client.post("/logout", data=form, headers=headers)
        assert answer.status_code == status
        if status == 303:
            gone = world.client.get("/api/me", headers=headers)
            assert gone.status_code == 401, "signed out"
            headers = world.browser(csrf=False)


def test_signing_in(world: World) -> None:
    def post(password: str, origin: str = "http://testserver") -> tuple[int, str]:
        form = {"username": "engineer", "password": password}
        answer = world.client.post("/login", data=form, headers={"Origin": origin})
        world.client.cookies.clear()
        return answer.status_code, answer.headers.get("set-cookie", "")

    assert post("wrong password") == (401, "")
    assert post(PASSWORD, "https://evil.example")[0] == 403
    assert post(PASSWORD, "null")[0] == 403
    status, cookie = post(PASSWORD)
    assert status == 303
    assert "httponly" in cookie.lower() and "samesite=lax" in cookie.lower()
    for _ in range(5):
        post("wrong password")
    assert post(PASSWORD)[0] == 401, "locked after many wrong passwords"


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(world: World, next_: str) -> None:
    form = {"username": "annotator", "password": PASSWORD, "next": next_}
    answer = world.client.post("/login", data=form)
    world.client.cookies.clear()
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_the_cookie_is_for_https_where_the_service_is(tmp_path: Path) -> None:
    with running_world(tmp_path, public_url="https://forms.example") as world:
        form = {"username": "viewer", "password": PASSWORD}
        answer = world.client.post("/login", data=form)
        assert "secure" in answer.headers["set-cookie"].lower()
        assert answer.headers["strict-transport-security"]


@pytest.fixture(scope="module")
def picture(world: World) -> str:
    _, [document_id] = world.upload(("p.pdf", pdf("picture")))
    world.finish(document_id, sample_record())
    path = f"/api/documents/{document_id}/pages"
    told = world.client.get(path, headers=world.bearer()).json()
    return str(told["pages"][0]["picture"])


class TestPictures:
    def test_every_changed_character_spoils_the_address(self, world: World, picture: str) -> None:
        assert world.client.get(picture).status_code == 200
        token = picture.removeprefix("/pictures/")
        for place in range(0, len(token), 5):
            other = "A" if token[place] != "A" else "B"
            changed = token[:place] + other + token[place + 1 :]
            assert world.client.get(f"/pictures/{changed}").status_code in (403, 404), place

    @pytest.mark.parametrize("token", ["", ".", "a", "a.b", "é", "A" * 900, "%00", "..%2f..%2fx"])
    def test_nonsense_is_no_address(self, world: World, token: str) -> None:
        assert world.client.get(f"/pictures/{token}").status_code in (400, 403, 404)

    def test_it_ends(self, world: World, picture: str) -> None:
        key = picture_key("x", 1, 1)
        secret = world.service.settings.secret_key
        old = sign_token(secret, PICTURE_PURPOSE, key, utc_now() - timedelta(seconds=1))
        assert world.client.get(f"/pictures/{old}").status_code == 403
        fresh = sign_token(secret, "another purpose", key, utc_now() + timedelta(hours=1))
        assert world.client.get(f"/pictures/{fresh}").status_code == 403

    def test_a_signed_path_still_cannot_leave_the_storage(self, world: World) -> None:
        secret = world.service.settings.secret_key
        for key in ("../secret.key", "/etc/passwd", "documents/../../secret.key"):
            token = sign_token(secret, PICTURE_PURPOSE, key, utc_now() + timedelta(hours=1))
            assert world.client.get(f"/pictures/{token}").status_code == 404


@pytest.fixture(scope="module")
def task_id(world: World) -> str:
    return start_review(world, "问.pdf").task_id


class TestAskedPictures:
    """A leaked address of a review task opens nothing once the task is over."""

    def ask(self, world: World, task_id: str, page: int = 1) -> int:
        secret, until = world.service.settings.secret_key, utc_now() + timedelta(hours=1)
        token = sign_token(secret, ASKED_PICTURE_PURPOSE, f"{task_id}/{page}", until)
        return world.client.get(f"/asked-pictures/{token}").status_code

    def move(self, world: World, task_id: str, state: ReviewState, at: datetime | None) -> None:
        with world.service.database.write() as session:
            row = session.get_one(ReviewTaskRow, task_id)
            row.state, row.settled_at = state, at

    def test_open_until_the_task_is_over(self, world: World, task_id: str) -> None:
        assert self.ask(world, task_id) == 200
        now = utc_now()
        self.move(world, task_id, ReviewState.SETTLED, now - LOOKED_AT_AGAIN + timedelta(hours=1))
        assert self.ask(world, task_id) == 200
        self.move(world, task_id, ReviewState.SETTLED, now - LOOKED_AT_AGAIN)
        assert self.ask(world, task_id) == 403
        self.move(world, task_id, ReviewState.WITHDRAWN, None)
        assert self.ask(world, task_id) == 403
        self.move(world, task_id, ReviewState.PUSHED, None)
        assert self.ask(world, task_id) == 200

    def test_of_no_task_and_of_no_page_there_is_nothing(self, world: World, task_id: str) -> None:
        assert self.ask(world, "no-such-task") == 403
        assert self.ask(world, task_id, page=99) == 404

    def test_addresses_of_our_own_pages_do_not_open_it(self, world: World, task_id: str) -> None:
        secret, until = world.service.settings.secret_key, utc_now() + timedelta(hours=1)
        token = sign_token(secret, PICTURE_PURPOSE, f"{task_id}/1", until)
        assert world.client.get(f"/asked-pictures/{token}").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../secret.key",
        "/static/%2e%2e/%2e%2e/secret.key",
        "/static/..%2f..%2f..%2fsecret.key",
        "/api/documents/..%2F..%2Fsecret.key/record",
        "/api/archives/%00",
        "/../secret.key",
    ],
)
def test_no_path_leads_to_files(world: World, path: str) -> None:
    answer = world.client.get(path, headers=world.bearer())
    assert answer.status_code in (400, 404, 422)
    assert world.service.settings.secret_key not in answer.content


@pytest.fixture(scope="module")
def ids(world: World) -> tuple[str, str]:
    name = f"{SCRIPT}.pdf"
    archive_id, [document_id, _] = world.upload(
        (name, pdf("xss")),
        ("z.zip", zipped((f"{SCRIPT}.pdf".replace("/", "_"), pdf("xss in zip")))),
        name=SCRIPT,
    )
    world.finish(document_id, sample_record(name, SCRIPT))
    return archive_id, document_id


class TestScripts:
    """Names and printed texts that are scripts stay texts."""

    def test_in_pages(self, world: World, ids: tuple[str, str]) -> None:
        archive_id, document_id = ids
        for path in (
            "/",
            f"/archives/{archive_id}",
            f"/archives/{archive_id}?q=%3Cscript%3Ealert%28%27x%27%29",
            f"/documents/{document_id}",
            "/audit",
            "/login?next=%22%3E%3Cscript%3Ealert('x')%3C/script%3E",
        ):
            answer = world.client.get(path, headers=world.browser())
            assert answer.status_code in (200, 303), path
            assert "<script>alert" not in answer.text, path
            policy = answer.headers["content-security-policy"]
            assert "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy

    def test_in_json(self, world: World, ids: tuple[str, str]) -> None:
        for path in (f"archives/{ids[0]}", f"documents/{ids[1]}", f"documents/{ids[1]}/record"):
            answer = world.client.get(f"/api/{path}", headers=world.bearer())
            assert SCRIPT in answer.text.replace("\\/", "/")
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"

    def test_in_exports(self, world: World, ids: tuple[str, str]) -> None:
        path = f"/api/documents/{ids[1]}/export?format=csv"
        answer = world.client.get(path, headers=world.bearer())
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "<" not in answer.headers["content-disposition"]


class TestMalformed:
    def test_a_long_body_is_refused_stated_or_not(self, world: World) -> None:
        def pieces() -> Iterator[bytes]:
            for _ in range(40):
                yield b" " * 65_536

        headers = world.bearer() | {"Content-Type": "application/json"}
        stated = world.client.post("/api/tokens", content=b" " * 2_000_000, headers=headers)
        assert stated.status_code == 413
        assert stated.headers["content-type"] == "application/problem+json"
        unstated = world.client.post("/api/tokens", content=pieces(), headers=headers)
        assert unstated.status_code in (400, 413)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"name":1}'])
    def test_a_body_that_is_no_json(self, world: World, content: bytes) -> None:
        headers = world.bearer() | {"Content-Type": "application/json"}
        answer = world.client.post("/api/tokens", content=content, headers=headers)
        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "multipart/form-data"},
            {"Content-Type": "multipart/form-data; boundary="},
            {"Content-Type": "text/plain"},
            {"Content-Length": "99999999999999"},
        ],
    )
    def test_an_upload_that_is_none(self, world: World, headers: dict[str, str]) -> None:
        answer = world.client.post("/api/archives", content=b"x", headers=world.bearer() | headers)
        assert answer.status_code in (400, 413, 415)

    def test_an_error_of_ours_tells_nothing(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*given: object, **also: object) -> None:
            raise RuntimeError("the password is hunter2")

        monkeypatch.setattr("service.api.archives.find_archives", broken)
        answer = world.client.get("/api/archives", headers=world.bearer())
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert answer.json()["type"] == "urn:formloop:problem:internal"


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_made_up_requests_break_nothing(world: World, mode: GenerationMode) -> None:
    """What fits the description, and what does not: never a fault, always as described."""
    world.send_canary()
    assert ask_made_up(world, mode) > 30
