"""Addresses of the learnt keys: what corrected documents print beside their values, and what
of it is not to be used."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from annotation.learned_keys import KeyUse, LearnedKey
from archive.audit import Action
from archive.clock import utc_now
from archive.errors import NotFound
from archive.learned_keys import change_refusal, find_learned, find_state
from archive.people import Person
from extraction.fields.key_match import comparable
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.problems import Problem
from service.api.shapes import example
from service.api.trail import record_action

router = APIRouter(prefix="/api/keys", tags=["keys"])

_PLACE: Final = {"form_type": "invoice", "use": "key", "name": "payee", "text": "收款单位"}
_KEY: Final = {**_PLACE, "documents": 4, "refused": False}


class KeyPlaceShape(BaseModel):
    """``use`` says what ``text`` is in the declaration; ``name`` is a field's, ``group.column``,
    a group's for ``section`` and ``end_key``, the form type's for ``title``."""

    model_config = example(**_PLACE)

    form_type: str = Field(max_length=300)
    use: KeyUse
    name: str = Field(max_length=300)
    text: str = Field(max_length=300)


class KeyShape(KeyPlaceShape):
    """``documents`` corrected documents print it there; one that is ``refused`` is not used."""

    model_config = example(**_KEY)

    documents: int
    refused: bool


class KeysShape(BaseModel):
    """``version`` goes up with each change; records made with it bear its number."""

    model_config = example(version=2, keys=[_KEY])

    version: int
    keys: list[KeyShape]


@router.get("")
def get_keys(service: TheService, person: MaySee) -> KeysShape:
    """All keys that were learnt from corrections, those that people refused among them."""
    return read_keys(service)


@router.post("/refuse")
def post_refuse(
    place: KeyPlaceShape, request: Request, service: TheService, person: MayTrain
) -> KeysShape:
    """No document is read by this key from now on, and it is not learnt again."""
    return _change(service, request, person, place, refused=True)


@router.post("/allow")
def post_allow(
    place: KeyPlaceShape, request: Request, service: TheService, person: MayTrain
) -> KeysShape:
    """Let a key that was refused be used again."""
    return _change(service, request, person, place, refused=False)


def change_key(
    service: Service, request: Request, person: Person, place: KeyPlaceShape, *, refused: bool
) -> None:
    """NotFound where no such key was learnt."""
    where = place.use, place.name, comparable(place.text)
    with service.database.write() as session:
        change_refusal(session, place.form_type, where, refused=refused, now=utc_now())
    detail = {"name": place.name, "text": place.text, "refused": str(refused).lower()}
    record_action(service, request, person, Action.CHANGED, f"keys:{place.form_type}", {**detail})


def read_keys(service: Service) -> KeysShape:
    with service.database.read() as session:
        learned, state = find_learned(session), find_state(session)
    shapes = [_to_shape(form_type, key) for form_type, keys in learned.items() for key in keys]
    return KeysShape(version=state.version, keys=shapes)


def _change(
    service: Service, request: Request, person: Person, place: KeyPlaceShape, *, refused: bool
) -> KeysShape:
    try:
        change_key(service, request, person, place, refused=refused)
    except NotFound as error:
        raise Problem("not_found", error.reason) from error
    return read_keys(service)


def _to_shape(form_type: str, key: LearnedKey) -> KeyShape:
    return KeyShape(
        form_type=form_type,
        use=key.use,
        name=key.name,
        text=key.text,
        documents=key.documents,
        refused=key.refused,
    )
