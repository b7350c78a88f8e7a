"""What the client makes of a Label Studio that is not there, slow, moved or none at all."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from annotation.client import PAGE, LabelStudioClient
from annotation.errors import StudioGone, StudioMissing, StudioRefused
from extraction.json_values import Json, JsonObject
from tests.service.servers import free_port

LEGACY = "0f" * 20
WHO = {"id": 1, "email": "boss@example.com"}
VERSION = {"release": "1.23.2", "edition": "Community"}
Answer = Callable[[str, dict[str, list[str]]], tuple[int, str, str]]


@dataclass
class Asked:
    """Paths and the Authorization that came with them."""

    paths: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[str, Asked]]:
    """A server whose every answer is (status, type, body) of a path and its query."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            asked.paths.append(parts.path)
            asked.tokens.append(self.headers.get("Authorization", ""))
            status, kind, body = answer(parts.path, parse_qs(parts.query))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def as_json(body: Json, status: int = 200) -> tuple[int, str, str]:
    return status, "application/json", json.dumps(body)


def whoami(path: str, _: dict[str, list[str]]) -> tuple[int, str, str]:
    if path.endswith("/api/token/refresh/"):
        return as_json({"access": jwt("access")})
    return as_json(WHO if path.endswith("whoami") else VERSION)


def jwt(kind: str, lives: timedelta = timedelta(days=30)) -> str:
    claims = {"token_type": kind, "exp": int((datetime.now(UTC) + lives).timestamp())}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, base64.urlsafe_b64encode(b"signature").rstrip(b"=")]).decode()


def test_nobody_listens() -> None:
    port = free_port()
    with pytest.raises(StudioGone, match=f"http://127.0.0.1:{port}.*FORMLOOP_LABEL_STUDIO_URL"):
        LabelStudioClient(f"http://127.0.0.1:{port}", LEGACY).check()


def test_an_answer_that_does_not_come_in_time() -> None:
    def slow(path: str, query: dict[str, list[str]]) -> tuple[int, str, str]:
        time.sleep(1.0)
        return whoami(path, query)

    with answering(slow) as (url, _), pytest.raises(StudioGone, match="in time"):
        LabelStudioClient(url, LEGACY, timeout_s=0.2).check()


def test_a_token_that_is_not_accepted_says_what_to_do() -> None:
    with (
        answering(lambda *_: as_json({"detail": "Invalid token."}, 401)) as (url, _),
        pytest.raises(StudioRefused, match=r"Invalid token.*FORMLOOP_LABEL_STUDIO_TOKEN"),
    ):
        LabelStudioClient(url, LEGACY).check()


def test_a_personal_token_that_has_run_out_is_refused_before_anything_is_asked() -> None:
    with answering(whoami) as (url, asked), pytest.raises(StudioRefused, match="expired"):
        LabelStudioClient(url, jwt("refresh", timedelta(days=-1))).check()
    assert not asked.paths


@pytest.mark.parametrize("url", ["", "not an address", "ftp://127.0.0.1"])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(StudioRefused, match="FORMLOOP_LABEL_STUDIO_URL"):
        LabelStudioClient(url, LEGACY).check()


def test_another_program_at_the_address() -> None:
    with (
        answering(lambda *_: (200, "text/html", "<h1>Printer</h1>")) as (url, _),
        pytest.raises(StudioMissing, match="is no Label Studio"),
    ):
        LabelStudioClient(url, LEGACY).check()


def test_trouble_inside_it_may_pass() -> None:
    with (
        answering(lambda *_: as_json({"detail": "database is locked"}, 500)) as (url, _),
        pytest.raises(StudioGone, match="database is locked"),
    ):
        LabelStudioClient(url, LEGACY).check()


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_proxy_may_serve_it_under_a_path(ending: str) -> None:
    with answering(whoami) as (url, asked):
        state = LabelStudioClient(f"{url}/tools/ls{ending}", LEGACY).check()
    assert (state.version, state.user) == ("1.23.2", "boss@example.com")
    assert all(path.startswith("/tools/ls/api/") for path in asked.paths)
    assert set(asked.tokens) == {f"Token {LEGACY}"}


def test_a_personal_token_is_exchanged_also_under_a_path() -> None:
    with answering(whoami) as (url, asked):
        LabelStudioClient(f"{url}/ls", jwt("refresh")).check()
    assert asked.paths[0] == "/ls/api/token/refresh/"
    assert asked.tokens[1].startswith("Bearer ") and asked.tokens[1] == asked.tokens[2]


def test_no_task_is_missed_where_many_changed_at_one_moment() -> None:
    """More than a page of one time, as after an import."""
    first = datetime(2026, 11, 21, 8, tzinfo=UTC)
    times = [first] * (2 * PAGE + 7) + [first + timedelta(microseconds=n) for n in range(1, 90)]
    tasks: list[JsonObject] = [
        {"id": number, "data": {"task_id": f"T{number}"}, "updated_at": when.isoformat()}
        for number, when in enumerate(times, 1)
    ]

    def answer(path: str, query: dict[str, list[str]]) -> tuple[int, str, str]:
        asked = json.loads(query["query"][0])
        since = asked["filters"]["items"][0]["value"] if "filters" in asked else ""
        found = [one for one in tasks if moment(str(one["updated_at"])) >= moment(since)]
        start = (int(query["page"][0]) - 1) * PAGE
        page = found[start : start + PAGE]
        return as_json({"tasks": [*page], "total": len(found)}) if page else as_json({}, 404)

    with answering(answer) as (url, _):
        listed = list(LabelStudioClient(url, LEGACY).changed_tasks(1, None))
    assert [one.our_id for one in listed] == [one["data"]["task_id"] for one in tasks]  # type: ignore[index,call-overload]


def moment(said: str) -> datetime:
    return datetime.fromisoformat(said) if said else datetime.min.replace(tzinfo=UTC)
