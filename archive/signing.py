"""Tokens that prove themselves: a subject for one purpose, until a time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

from archive.errors import BadSignature

PICTURE_PURPOSE: Final = "picture"
"""Of the addresses of pages' pictures."""
ASKED_PICTURE_PURPOSE: Final = "picture of a review task"
"""Of the addresses in a review task, which end with it."""


def sign_token(secret_key: bytes, purpose: str, subject: str, expires_at: datetime) -> str:
    """A token of URL-safe characters. ``subject`` can be read by whoever holds it."""
    payload = f"{int(expires_at.timestamp())}:{subject}".encode()
    return f"{_encode(payload)}.{_encode(_mac(secret_key, purpose, payload))}"


def read_token(secret_key: bytes, purpose: str, token: str, now: datetime) -> str:
    """The subject; BadSignature when changed, made for another purpose, or expired."""
    encoded, _, signature = token.partition(".")
    try:
        payload, given = _decode(encoded), _decode(signature)
    except (binascii.Error, ValueError) as error:
        raise BadSignature("is no token") from error
    if not hmac.compare_digest(given, _mac(secret_key, purpose, payload)):
        raise BadSignature("the token was changed or made for something else")
    expires, _, subject = payload.decode().partition(":")
    if datetime.fromtimestamp(int(expires), UTC) <= now:
        raise BadSignature("the token has expired")
    return subject


def _mac(secret_key: bytes, purpose: str, payload: bytes) -> bytes:
    return hmac.new(secret_key, purpose.encode() + b"\0" + payload, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    if _encode(data) != text:
        raise ValueError("not the one way to write it")
    return data


def derive_secret(secret_key: bytes, purpose: str) -> str:
    """A secret of its own for one purpose, always the same: 64 hexadecimal digits."""
    return hmac.new(secret_key, b"derived\0" + purpose.encode(), hashlib.sha256).hexdigest()
