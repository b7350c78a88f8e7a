"""Who is told when something is done: callbacks and their deliveries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from pydantic import ValidationError

from archive.callbacks import CallbackEvent, all_callbacks, find_deliveries
from archive.errors import Refused
from archive.people import Person
from service.api import callbacks as api
from service.api.auth import MayOperate
from service.api.callbacks import WantedCallback
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
        wanted = WantedCallback(url=url.strip(), events=event or [])
        made = api.post_callback(wanted, request, service, person)
    except (Refused, ValidationError):
        return _show_callbacks(
            request, service, person, failed="callbacks.refused", url=url, status=422
        )
    return _show_callbacks(request, service, person, new_secret=made.secret)


@router.post("/callbacks/{callback_id}/delete", name="remove_callback")
def post_delete(
    callback_id: _Id, request: Request, service: TheService, person: MayOperate
) -> Response:
    api.delete_callback(callback_id, request, service, person)
    return see_other("/callbacks?said=callback_removed")


@router.post("/callbacks/deliveries/{delivery_id}/replay", name="replay_delivery")
def post_replay(
    delivery_id: _Id, request: Request, service: TheService, person: MayOperate
) -> Response:
    api.post_replay(delivery_id, request, service, person)
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
