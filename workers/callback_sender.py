"""One signed POST to an address that a user named, sent so that it cannot reach inside.

The host is resolved once, every address of it is checked, and the connection goes to an
address that was checked: a name that answers differently a moment later gains nothing.
Redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TIMEOUT_SECONDS: Final = 10.0
_MOST_ANSWER_BYTES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Answer:
    """How a POST went: its HTTP status, or None with the reason where there was no answer."""

    status: int | None
    reason: str

    @property
    def went_well(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class _Target:
    secure: bool
    host: str
    port: int
    path: str


class RefusedAddress(ValueError):
    """Nothing is sent to this address; the message says why."""


def find_url_refusal(url: str) -> str | None:
    """What is wrong with the address as it is written, before any name is looked up."""
    try:
        _url_to_target(url)
    except RefusedAddress as error:
        return str(error)
    return None


def send_post(
    url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False
) -> Answer:
    """POST ``body``; an address that is refused counts as no answer."""
    try:
        target = _url_to_target(url)
        address = _find_address(target, allow_private)
    except RefusedAddress as error:
        return Answer(None, str(error))
    try:
        connection = _connect(target, address)
    except OSError as error:
        return Answer(None, f"no connection: {error.strerror or error}")
    try:
        connection.request("POST", target.path, body, {"Host": _host_header(target), **headers})
        response = connection.getresponse()
        response.read(_MOST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, f"no answer: {error or type(error).__name__}")
    finally:
        connection.close()
    return Answer(response.status, response.reason)


def is_public(address: Address) -> bool:
    """Whether an address lies in the open internet, also where it hides inside another one."""
    if isinstance(address, ipaddress.IPv6Address):
        hidden = address.ipv4_mapped or address.sixtofour
        teredo = address.teredo
        if hidden is not None:
            return is_public(hidden)
        if teredo is not None or address in _TRANSLATED:
            return False
    return address.is_global and not address.is_multicast


_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")


def _url_to_target(url: str) -> _Target:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedAddress("is no valid URL") from error
    if parts.scheme not in ("http", "https"):
        raise RefusedAddress("must start with http:// or https://")
    if not parts.hostname:
        raise RefusedAddress("names no host")
    if parts.username is not None or parts.password is not None:
        raise RefusedAddress("must not hold a user name or password")
    if any(character <= " " or character == "\x7f" for character in url):
        raise RefusedAddress("holds spaces or control characters")
    secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise RefusedAddress("must be percent-encoded beyond ASCII")
    return _Target(secure, parts.hostname, port or (443 if secure else 80), path)


def _find_address(target: _Target, allow_private: bool) -> str:
    """The first address of the host; RefusedAddress unless all of them are public."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RefusedAddress("its host is not known") from error
    addresses = [str(item[4][0]).partition("%")[0] for item in found]
    if not addresses:
        raise RefusedAddress("its host has no address")
    if not allow_private and not all(is_public(ipaddress.ip_address(a)) for a in addresses):
        raise RefusedAddress("leads to a private or reserved network")
    return addresses[0]


def _connect(target: _Target, address: str) -> http.client.HTTPConnection:
    stream = socket.create_connection((address, target.port), TIMEOUT_SECONDS)
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    if target.secure:
        try:
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(stream, server_hostname=target.host)
        except OSError:
            stream.close()
            raise
    else:
        connection.sock = stream
    return connection


def _host_header(target: _Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = 443 if target.secure else 80
    return host if target.port == usual else f"{host}:{target.port}"
