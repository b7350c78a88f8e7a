"""The lexicon: its texts and the switch, the repairs it made, what is misread as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from archive.errors import NotFound
from extraction.fields.drafts import path_to_name
from service.api.auth import MaySee, MayTrain
from service.api.context import TheService
from service.api.lexicon import (
    EntryShape,
    RulesShape,
    change_entry,
    change_rules,
    learn_now,
    read_lexicon,
)
from service.web.model_view import find_titles
from service.web.rendering import PageRoute, render, see_other

router = APIRouter(route_class=PageRoute)

MOST_CONFUSIONS = 100
_Name = Annotated[str, Form(max_length=300)]
_Text = Annotated[str, Form(max_length=1000)]


@dataclass(frozen=True, slots=True)
class VocabularyView:
    """The texts of one field or column; ``used`` of them repair."""

    form_title: str
    title: str
    entries: tuple[EntryShape, ...]

    @property
    def used(self) -> int:
        return sum(entry.used for entry in self.entries)


@router.get("/lexicon", name="lexicon_page")
def lexicon_page(request: Request, service: TheService, person: MaySee) -> Response:
    lexicon = read_lexicon(service)
    titles = find_titles(service.declarations)
    return render(
        request,
        person,
        "lexicon.html",
        place="models",
        version=lexicon.version,
        rules=lexicon.rules,
        vocabularies=_vocabularies(lexicon.entries, titles),
        confusions=lexicon.confusions[:MOST_CONFUSIONS],
        repairs=[(repair, titles.get(path_to_name(repair.path))) for repair in lexicon.repairs],
    )


@router.post("/lexicon", name="change_lexicon")
def post_rules(
    request: Request,
    service: TheService,
    person: MayTrain,
    least_documents: Annotated[int, Form(ge=1, le=1000)],
    least_people: Annotated[int, Form(ge=1, le=100)],
    active: Annotated[bool, Form()] = False,
) -> Response:
    rules = RulesShape(active=active, least_documents=least_documents, least_people=least_people)
    change_rules(service, request, person, rules)
    return see_other("/lexicon?said=lexicon_changed")


@router.post("/lexicon/learn", name="learn_lexicon")
def post_learn(request: Request, service: TheService, person: MayTrain) -> Response:
    learn_now(service, request, person)
    return see_other("/lexicon?said=lexicon_learnt")


@router.post("/lexicon/entry", name="change_lexicon_entry")
def post_entry(
    request: Request,
    service: TheService,
    person: MayTrain,
    form_type: _Name,
    name: _Name,
    text: _Text,
    removed: Annotated[bool, Form()] = False,
) -> Response:
    """Removes a text, or lets it be used again."""
    try:
        change_entry(service, request, person, (form_type, name, text), removed=removed)
    except NotFound:
        return see_other("/lexicon?said=lexicon_unknown")
    return see_other("/lexicon?said=lexicon_changed")


def _vocabularies(
    entries: Sequence[EntryShape], titles: Mapping[str, str]
) -> tuple[VocabularyView, ...]:
    return tuple(
        VocabularyView(
            titles.get(form_type, form_type),
            titles.get(name, name),
            tuple(sorted(some, key=lambda entry: (not entry.used, -entry.documents, entry.text))),
        )
        for (form_type, name), some in groupby(entries, key=lambda e: (e.form_type, e.name))
    )
