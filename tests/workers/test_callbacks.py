"""Outgoing callbacks: signed, tried again, replayable, and never into the own network."""

import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from archive.callbacks import (
    MOST_ATTEMPTS,
    CallbackEvent,
    add_callback,
    find_deliveries,
    queue_deliveries,
    replay_delivery,
    sign_body,
)
from archive.clock import utc_now
from archive.database import Database
from archive.tables import Delivery, DeliveryState
from workers import callback_sender, callbacks
from workers.callback_sender import find_url_refusal, is_public, send_post
from workers.callbacks import send_due_callbacks


class Receiver(HTTPServer):
    """Keeps what it is sent and answers with ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status = 200
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?a=1"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'test.db'}")
    made.migrate()
    yield made
    made.close()


def queue(database: Database, url: str) -> tuple[str, str]:
    """The secret of a new callback, and the id of a delivery to it."""
    with database.write() as session:
        row = add_callback(session, url, [CallbackEvent.DOCUMENT_FINISHED])
        [delivery] = queue_deliveries(
            session, CallbackEvent.DOCUMENT_FINISHED, "d1", "a1", {"document": {"name": "绩效"}}
        )
        session.flush()
        return row.secret, delivery.id


def only_delivery(database: Database) -> Delivery:
    with database.read() as session:
        [row] = find_deliveries(session)
    return row


def make_due(database: Database) -> None:
    with database.write() as session:
        [row] = find_deliveries(session)
        row.due_at = utc_now() - timedelta(seconds=1)


def test_a_delivery_is_signed_and_sent_once(database: Database, receiver: Receiver) -> None:
    secret, delivery_id = queue(database, receiver.url)
    assert send_due_callbacks(database, allow_private=True) == 1
    assert send_due_callbacks(database, allow_private=True) == 0
    [(path, headers, body)] = receiver.got
    assert path == "/hook?a=1"
    assert json.loads(body) == {"event": "document.finished", "document": {"name": "绩效"}}
    assert headers["Formloop-Delivery"] == delivery_id
    assert headers["Content-Type"] == "application/json"
    at = utc_now()
    recent = [sign_body(secret, body.decode(), at - timedelta(seconds=s)) for s in range(5)]
    assert headers["Formloop-Signature"] in recent
    assert only_delivery(database).state == DeliveryState.DELIVERED


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_2xx_is_sent_again_later(
    database: Database, receiver: Receiver, status: int
) -> None:
    queue(database, receiver.url)
    receiver.status = status
    assert send_due_callbacks(database, allow_private=True) == 0
    row = only_delivery(database)
    assert (row.state, row.last_status, row.attempts) == (DeliveryState.WAITING, status, 1)
    assert row.due_at > utc_now() + timedelta(seconds=5)
    assert len(receiver.got) == 1, "no redirect is followed"
    receiver.status = 204
    make_due(database)
    assert send_due_callbacks(database, allow_private=True) == 1
    assert receiver.got[0][2] == receiver.got[1][2], "the same bytes"


def test_it_gives_up_and_can_be_replayed(database: Database, receiver: Receiver) -> None:
    _, delivery_id = queue(database, receiver.url)
    receiver.status = 500
    for _ in range(MOST_ATTEMPTS):
        make_due(database)
        send_due_callbacks(database, allow_private=True)
    assert only_delivery(database).state == DeliveryState.FAILED
    make_due(database)
    assert send_due_callbacks(database, allow_private=True) == 0
    receiver.status = 200
    with database.write() as session:
        replay_delivery(session, delivery_id)
    assert send_due_callbacks(database, allow_private=True) == 1


def test_two_senders_at_once_send_once(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(database, receiver.url)
    found = threading.Barrier(2, timeout=10)
    find = callbacks.find_due_deliveries

    def find_together(*given: object) -> object:
        due = find(*given)  # type: ignore[arg-type]
        found.wait()
        return due

    monkeypatch.setattr(callbacks, "find_due_deliveries", find_together)
    sent: list[int] = []

    def send() -> None:
        sent.append(send_due_callbacks(database, allow_private=True))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [0, 1]
    assert len(receiver.got) == 1


def test_the_own_network_is_out_of_reach(database: Database, receiver: Receiver) -> None:
    queue(database, receiver.url)
    assert send_due_callbacks(database) == 0
    assert receiver.got == []
    assert only_delivery(database).last_error == "leads to a private or reserved network"


def test_an_installation_may_allow_its_own_network(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(database, receiver.url)
    monkeypatch.setenv("FORMLOOP_PRIVATE_CALLBACKS", "1")
    assert send_due_callbacks(database) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_no_inner_address_is_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


def test_addresses_of_the_internet_are_public() -> None:
    for address in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"):
        assert is_public(ipaddress.ip_address(address))


def test_one_inner_address_among_others_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        places = ("93.184.215.14", "127.0.0.1")
        return [(socket.AF_INET, 1, 6, "", (place, port)) for place in places]

    monkeypatch.setattr(callback_sender.socket, "getaddrinfo", resolve)
    answer = send_post("http://both.example/", b"", {})
    assert (answer.status, answer.reason) == (None, "leads to a private or reserved network")


def test_the_connection_goes_to_the_address_that_was_checked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.server_address[1]
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        # The second answer would lead elsewhere.
        place = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, 1, 6, "", (place, port))]

    connect = socket.create_connection
    reached: list[object] = []

    def note(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address[0])
        monkeypatch.undo()
        return connect(address, timeout)

    monkeypatch.setattr(callback_sender.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(callback_sender.socket, "create_connection", note)
    answer = send_post(f"http://rebound.example:{port}/x", b"{}", {}, allow_private=True)
    assert (answer.status, asked, reached) == (200, ["rebound.example"], ["127.0.0.1"])
    assert receiver.got[0][1]["Host"] == f"rebound.example:{port}"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "http:///x",
        "http://user:secret@example.com/",
        "http://example.com:99999/",
        "http://example.com/a b",
        "http://example.com/\r\nX-Evil: 1",
        "http://example.com/表",
        "http://[::1",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    assert find_url_refusal(url) is not None
    assert send_post(url, b"", {}).status is None


def test_a_host_that_does_not_answer_is_a_reason_not_an_error() -> None:
    answer = send_post("http://127.0.0.1:1/", b"", {}, allow_private=True)
    assert answer.status is None and "no connection" in answer.reason
    answer = send_post("http://no-such-host.invalid/", b"", {})
    assert answer.reason == "its host is not known"
