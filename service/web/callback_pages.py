"""Who is told when something is done: callbacks and their deliveries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response

from archive.audit import Action, add_audit
from archive.callbacks import (
    CallbackEvent,
    add_callback,
    all_callbacks,
    find_deliveries,
    remove_callback,
    replay_delivery,
)
from archive.errors import Refused
from archive.people import Person
from service.api.auth import MayOperate, person_to_actor
from service.api.context import Service, TheService
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

_Id = Annotated[str, Path(max_length=64)]


@router.get("/callbacks", name="callbacks_page")
def callbacks_page(request: Request, service: TheService, person: MayOperate) -> Response:
    return _show_callbacks(request, service, person)


@router.post("/callbacks", name="add_callback")
def post_callback(
    request: Request,
    service: TheService,
    person: MayOperate,
    url: Annotated[str, Form(max_length=2000)],
    event: Annotated[list[CallbackEvent] | None, Form()] = None,
) -> Response:
    """Shows the secret that its signatures are made with, this once."""
    try:
        with service.database.write() as session:
            row = add_callback(session, url.strip(), event or (), user_id=person.user_id)
            actor = person_to_actor(person, request)
            add_audit(session, actor, Action.CALLBACK_ADDED, f"callback:{row.id}", {"url": row.url})
    except Refused:
        return _show_callbacks(
            request, service, person, failed="callbacks.refused", url=url, status=422
        )
    return _show_callbacks(request, service, person, new_secret=row.secret)


@router.post("/callbacks/{callback_id}/delete", name="remove_callback")
def post_delete(
    callback_id: _Id, request: Request, service: TheService, person: MayOperate
) -> Response:
    with service.database.write() as session:
        remove_callback(session, callback_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.CALLBACK_REMOVED, f"callback:{callback_id}")
    return see_other("/callbacks?said=callback_removed")


@router.post("/callbacks/deliveries/{delivery_id}/replay", name="replay_delivery")
def post_replay(
    delivery_id: _Id, request: Request, service: TheService, person: MayOperate
) -> Response:
    with service.database.write() as session:
        replay_delivery(session, delivery_id)
        actor = person_to_actor(person, request)
        add_audit(session, actor, Action.DELIVERY_REPLAYED, f"delivery:{delivery_id}")
    return see_other("/callbacks?said=delivery_replayed")


def _show_callbacks(
    request: Request,
    service: Service,
    person: Person,
    *,
    failed: str = "",
    url: str = "",
    new_secret: str = "",
    status: int = 200,
) -> Response:
    with service.database.read() as session:
        callbacks = all_callbacks(session)
        deliveries = find_deliveries(session)
    return render(
        request,
        person,
        "callbacks.html",
        status,
        place="callbacks",
        callbacks=callbacks,
        deliveries=deliveries,
        urls={item.id: item.url for item in callbacks},
        callback_events=tuple(str(item) for item in CallbackEvent),
        failed=failed,
        url=url,
        new_secret=new_secret,
    )
