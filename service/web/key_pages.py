"""Learnt keys: what corrected documents print beside their values, and what is not to be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from annotation.learned_keys import KeyUse, LearnedKey
from archive.errors import NotFound
from archive.learned_keys import KeysByForm, find_learned, find_state
from extraction.declarations import FormDeclaration
from service.api.auth import MaySee, MayTrain
from service.api.context import TheService
from service.api.keys import KeyPlaceShape, change_key
from service.web.model_view import find_titles
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

_Name = Annotated[str, Form(max_length=300)]


@dataclass(frozen=True, slots=True)
class FormKeys:
    """The learnt keys of a form type, each with the title of what it is a key of."""

    form_type: str
    title: str
    keys: tuple[tuple[LearnedKey, str], ...]

    @property
    def used(self) -> int:
        return sum(not key.refused for key, _ in self.keys)


@router.get("/keys", name="keys_page")
def keys_page(request: Request, service: TheService, person: MaySee) -> Response:
    with service.database.read() as session:
        learned, state = find_learned(session), find_state(session)
    return render(
        request,
        person,
        "keys.html",
        place="models",
        version=state.version,
        forms=_forms(learned, service.declarations),
    )


@router.post("/keys", name="change_key")
def post_key(
    request: Request,
    service: TheService,
    person: MayTrain,
    form_type: _Name,
    use: Annotated[KeyUse, Form()],
    name: _Name,
    text: _Name,
    refused: Annotated[bool, Form()] = False,
) -> Response:
    """Refuses a key, or allows it again."""
    place = KeyPlaceShape(form_type=form_type, use=use, name=name, text=text)
    try:
        change_key(service, request, person, place, refused=refused)
    except NotFound:
        return see_other("/keys?said=key_unknown")
    return see_other("/keys?said=key_changed")


def _forms(learned: KeysByForm, declarations: Sequence[FormDeclaration]) -> tuple[FormKeys, ...]:
    declared = {item.name: item for item in declarations}
    return tuple(
        _form(form_type, keys, declared.get(form_type))
        for form_type, keys in learned.items()
        if keys
    )


def _form(
    form_type: str, keys: Sequence[LearnedKey], declaration: FormDeclaration | None
) -> FormKeys:
    titles: Mapping[str, str] = {}
    if declaration is not None:
        groups = {group.name: group.title for group in declaration.groups}
        titles = {**groups, **find_titles((declaration,))}
    ordered = sorted(keys, key=lambda key: (key.refused, -key.documents, key.place))
    shown = tuple((key, titles.get(key.name, key.name)) for key in ordered)
    return FormKeys(form_type, titles.get(form_type, form_type), shown)
