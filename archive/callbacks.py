"""Outgoing callbacks: who is told of what, signed, tried again, replayable.

Rows only; ``workers`` sends them. A delivery's body is stored as sent, so that a replay
sends the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from archive.clock import doubling_wait, utc_now
from archive.errors import NotFound, Refused
from archive.tables import Callback, Delivery, DeliveryState
from extraction.json_values import JsonObject

MOST_ATTEMPTS: Final = 10
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_WAIT: Final = timedelta(hours=6)
SIGNATURE_HEADER: Final = "Formloop-Signature"
ID_HEADER: Final = "Formloop-Delivery"


class CallbackEvent(StrEnum):
    DOCUMENT_FINISHED = "document.finished"
    """Its state is ``done``, ``in_review`` or ``failed``."""
    DOCUMENT_CORRECTED = "document.corrected"
    """What people answered made a new revision of its record."""
    ARCHIVE_FINISHED = "archive.finished"


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """All that a sender needs, so that no transaction is open while it sends."""

    id: str
    url: str
    secret: str
    event: str
    body: str
    attempts: int


def add_callback(
    session: Session,
    url: str,
    events: Collection[CallbackEvent],
    *,
    user_id: str | None = None,
    archive_id: str | None = None,
) -> Callback:
    """Its ``secret`` is to be shown once. Refused for an address that is not http(s)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or len(url) > 2000:
        raise Refused("a callback needs an address that starts with https:// or http://")
    if parts.username or parts.password:
        raise Refused("an address with a name or a password in it is not taken")
    if not events:
        raise Refused("a callback needs at least one event")
    row = Callback(
        url=url,
        secret=secrets.token_hex(32),
        events=[str(event) for event in CallbackEvent if event in events],
        user_id=user_id,
        archive_id=archive_id,
    )
    session.add(row)
    session.flush()
    return row


def remove_callback(session: Session, callback_id: str) -> None:
    """Its deliveries go with it. NotFound if there is none."""
    row = session.get(Callback, callback_id)
    if row is None:
        raise NotFound(f"there is no callback {callback_id}")
    session.delete(row)


def all_callbacks(session: Session) -> tuple[Callback, ...]:
    return tuple(session.scalars(select(Callback).order_by(Callback.id)))


def find_deliveries(
    session: Session, callback_id: str | None = None, limit: int = 50
) -> tuple[Delivery, ...]:
    """Newest first."""
    query = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if callback_id is not None:
        query = query.where(Delivery.callback_id == callback_id)
    return tuple(session.scalars(query))


def queue_deliveries(
    session: Session, event: CallbackEvent, subject: str, archive_id: str, payload: JsonObject
) -> tuple[Delivery, ...]:
    """One delivery for each active callback that wants this event of this archive."""
    wanted = select(Callback).where(
        Callback.active,
        or_(Callback.archive_id.is_(None), Callback.archive_id == archive_id),
    )
    body = json.dumps({"event": event, **payload}, ensure_ascii=False, sort_keys=True)
    rows = tuple(
        Delivery(callback_id=callback.id, event=event, subject=subject, body=body)
        for callback in session.scalars(wanted)
        if event in callback.events
    )
    session.add_all(rows)
    return rows


def find_due_deliveries(
    session: Session, now: datetime, limit: int = 50
) -> tuple[DueDelivery, ...]:
    """Those to send now, the longest due first."""
    query = (
        select(Delivery, Callback)
        .join(Callback, Callback.id == Delivery.callback_id)
        .where(Delivery.state == DeliveryState.WAITING, Delivery.due_at <= now)
        .order_by(Delivery.due_at)
        .limit(limit)
    )
    return tuple(
        DueDelivery(row.id, callback.url, callback.secret, row.event, row.body, row.attempts)
        for row, callback in session.execute(query)
    )


def claim_delivery(session: Session, delivery_id: str, now: datetime) -> bool:
    """Takes a due delivery for one sender: it is due again only after the next wait.

    False when another sender took it, or it was delivered. Counts as an attempt.
    """
    row = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if row is None or row.state != DeliveryState.WAITING or row.due_at > now:
        return False
    row.attempts += 1
    row.due_at = now + wait_after(row.attempts)
    return True


def record_delivered(session: Session, delivery_id: str, status: int, now: datetime) -> None:
    row = session.get(Delivery, delivery_id)
    if row is not None:
        row.state, row.delivered_at = DeliveryState.DELIVERED, now
        row.last_status, row.last_error = status, None


def record_refused(
    session: Session, delivery_id: str, status: int | None, error: str, now: datetime
) -> None:
    """It stays due after a wait, or fails for good after ``MOST_ATTEMPTS``."""
    row = session.get(Delivery, delivery_id)
    if row is None or row.state == DeliveryState.DELIVERED:
        return
    row.last_status, row.last_error = status, error[:2000]
    row.due_at = now + wait_after(row.attempts)
    if row.attempts >= MOST_ATTEMPTS:
        row.state = DeliveryState.FAILED


def replay_delivery(session: Session, delivery_id: str, now: datetime | None = None) -> Delivery:
    """Sends the same bytes again, delivered or not. NotFound if there is none."""
    row = session.get(Delivery, delivery_id)
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    row.state, row.attempts, row.due_at = DeliveryState.WAITING, 0, now or utc_now()
    return row


def wait_after(attempts: int) -> timedelta:
    return doubling_wait(attempts, FIRST_WAIT, LONGEST_WAIT)


def sign_body(secret: str, body: str, at: datetime) -> str:
    """The value of ``Formloop-Signature``: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``."""
    seconds = int(at.timestamp())
    mac = hmac.new(secret.encode(), f"{seconds}.{body}".encode(), hashlib.sha256)
    return f"t={seconds},v1={mac.hexdigest()}"
