"""Addresses of outgoing callbacks: who is told, what was sent, sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from archive.audit import Action, add_audit
from archive.callbacks import (
    CallbackEvent,
    add_callback,
    all_callbacks,
    find_deliveries,
    remove_callback,
    replay_delivery,
)
from archive.documents import find_archive
from archive.errors import Refused
from archive.tables import Callback, Delivery, DeliveryState
from service.api.auth import MayOperate, person_to_actor
from service.api.context import TheService
from service.api.shapes import NO_CONTROLS, example
from workers.callback_sender import find_url_refusal

router = APIRouter(prefix="/api", tags=["callbacks"])

Id = Annotated[str, Path(min_length=1, max_length=64)]


class CallbackShape(BaseModel):
    id: str
    url: str
    events: list[CallbackEvent]
    archive_id: str | None
    active: bool
    created_at: datetime


class NewCallbackShape(CallbackShape):
    """``secret`` is shown now and never again; deliveries are signed with it."""

    secret: str


class CallbacksShape(BaseModel):
    callbacks: list[CallbackShape]


class WantedCallback(BaseModel):
    model_config = example(
        url="https://example.com/formloop", events=["document.finished"], archive_id=None
    )

    url: str = Field(max_length=2000)
    events: list[CallbackEvent] = Field(min_length=1, max_length=len(CallbackEvent))
    archive_id: str | None = Field(default=None, max_length=64, pattern=NO_CONTROLS)


class DeliveryShape(BaseModel):
    id: str
    callback_id: str
    event: str
    subject: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None


class DeliveriesShape(BaseModel):
    deliveries: list[DeliveryShape]


@router.get("/callbacks")
def get_callbacks(service: TheService, person: MayOperate) -> CallbacksShape:
    """Who is told of what."""
    with service.database.read() as session:
        return CallbacksShape(callbacks=[_to_shape(row) for row in all_callbacks(session)])


@router.post("/callbacks", status_code=201)
def post_callback(
    wanted: WantedCallback, request: Request, service: TheService, person: MayOperate
) -> NewCallbackShape:
    """Tell an address when a document or an archive is finished.

    Each delivery carries `Formloop-Signature: t=SECONDS,v1=HEX`, the HMAC-SHA256 of
    `SECONDS.BODY` with the secret, and `Formloop-Delivery`, its id. It is sent again until
    it is answered with 2xx.
    """
    refusal = find_url_refusal(wanted.url)
    if refusal is not None:
        raise Refused(f"the address {refusal}")
    with service.database.write() as session:
        if wanted.archive_id is not None:
            find_archive(session, wanted.archive_id)
        row = add_callback(
            session,
            wanted.url,
            wanted.events,
            user_id=person.user_id,
            archive_id=wanted.archive_id,
        )
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.CALLBACK_ADDED, f"callback:{row.id}", {"url": row.url})
    return NewCallbackShape(**_to_shape(row).model_dump(), secret=row.secret)


@router.delete("/callbacks/{callback_id}", status_code=204)
def delete_callback(
    callback_id: Id, request: Request, service: TheService, person: MayOperate
) -> None:
    """Tell an address nothing more; what was to be sent is dropped."""
    with service.database.write() as session:
        remove_callback(session, callback_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.CALLBACK_REMOVED, f"callback:{callback_id}")


@router.get("/deliveries")
def get_deliveries(
    service: TheService,
    person: MayOperate,
    callback: Annotated[str | None, Query(max_length=64)] = None,
) -> DeliveriesShape:
    """What was sent or is to be sent, the newest 50 first."""
    with service.database.read() as session:
        rows = find_deliveries(session, callback)
    return DeliveriesShape(deliveries=[_to_delivery(row) for row in rows])


@router.post("/deliveries/{delivery_id}/replay")
def post_replay(
    delivery_id: Id, request: Request, service: TheService, person: MayOperate
) -> DeliveryShape:
    """Send the same bytes again."""
    with service.database.write() as session:
        row = replay_delivery(session, delivery_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.DELIVERY_REPLAYED, f"delivery:{delivery_id}")
    return _to_delivery(row)


def _to_shape(row: Callback) -> CallbackShape:
    return CallbackShape(
        id=row.id,
        url=row.url,
        events=[CallbackEvent(str(event)) for event in row.events],
        archive_id=row.archive_id,
        active=row.active,
        created_at=row.created_at,
    )


def _to_delivery(row: Delivery) -> DeliveryShape:
    return DeliveryShape(
        id=row.id,
        callback_id=row.callback_id,
        event=row.event,
        subject=row.subject,
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
        last_status=row.last_status,
        last_error=row.last_error,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
    )
