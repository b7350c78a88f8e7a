"""Addresses of the lexicon: what it knows, what it repaired, what is misread as what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from annotation.lexicon import CountedConfusion, EntryKey, LearntEntry
from archive.audit import Action
from archive.clock import utc_now
from archive.errors import NotFound
from archive.lexicon import (
    LexiconRules,
    LexiconState,
    RepairMade,
    find_learnt,
    find_repairs,
    find_rules,
    find_state,
    learn,
    remove_entry,
    restore_entry,
    write_rules,
)
from archive.people import Person
from service.api.auth import MaySee, MayTrain
from service.api.context import Service, TheService
from service.api.problems import Problem
from service.api.shapes import example
from service.api.trail import record_action

router = APIRouter(prefix="/api/lexicon", tags=["lexicon"])

_RULES = {"active": True, "least_documents": 3, "least_people": 2}
_ENTRY = {
    "form_type": "invoice",
    "name": "items.unit",
    "text": "万元",
    "documents": 41,
    "people": 2,
    "declared": False,
    "confirmed": 7,
    "undone": 0,
    "removed": False,
    "used": True,
}
_CONFUSION = {
    "printed": "效",
    "read": "致",
    "times": 4,
    "documents": 3,
    "people": 2,
    "used": True,
}
_REPAIR = {
    "document_id": "01J9Z3QF3T8B6W3V7K2M5N4P6R",
    "document": "7.pdf",
    "path": "items[2].unit",
    "read": "方元",
    "text": "万元",
    "route": "review",
}


class RulesShape(BaseModel):
    """A text gets in when so many documents print it by the word of so many people."""

    model_config = example(**_RULES)

    active: bool
    least_documents: int = Field(ge=1, le=1000)
    least_people: int = Field(ge=1, le=100)


class EntryKeyShape(BaseModel):
    model_config = example(form_type="invoice", name="items.unit", text="万元")

    form_type: str = Field(max_length=100)
    name: str = Field(max_length=300)
    text: str = Field(max_length=1000)

    @property
    def key(self) -> EntryKey:
        return self.form_type, self.name, self.text


class EntryShape(EntryKeyShape):
    """``confirmed`` and ``undone`` count the repairs to it that people looked at."""

    model_config = example(**_ENTRY)

    documents: int
    people: int
    declared: bool
    confirmed: int
    undone: int
    removed: bool
    used: bool


class ConfusionShape(BaseModel):
    """``printed`` was read as ``read``; an empty text stands for nothing."""

    model_config = example(**_CONFUSION)

    printed: str
    read: str
    times: int
    documents: int
    people: int
    used: bool


class RepairShape(BaseModel):
    model_config = example(**_REPAIR)

    document_id: str
    document: str
    path: str
    read: str
    text: str
    route: str


class LexiconShape(BaseModel):
    """``version`` goes up with each change; records made with it bear its number."""

    model_config = example(
        version=3, rules=_RULES, entries=[_ENTRY], confusions=[_CONFUSION], repairs=[_REPAIR]
    )

    version: int
    rules: RulesShape
    entries: list[EntryShape]
    confusions: list[ConfusionShape]
    repairs: list[RepairShape]


@router.get("")
def get_lexicon(
    service: TheService,
    person: MaySee,
    repairs: Annotated[int, Query(ge=0, le=1000)] = 200,
) -> LexiconShape:
    """What the lexicon knows, and the repairs in the newest documents."""
    return read_lexicon(service, repairs)


@router.put("")
def put_rules(
    rules: RulesShape, request: Request, service: TheService, person: MayTrain
) -> LexiconShape:
    """Switch repairs on or off, and say how much it takes to learn a text."""
    change_rules(service, request, person, rules)
    return read_lexicon(service)


@router.post("/learn")
def post_learn(request: Request, service: TheService, person: MayTrain) -> LexiconShape:
    """Learn anew from all corrections, now."""
    learn_now(service, request, person)
    return read_lexicon(service)


@router.post("/remove")
def post_remove(
    entry: EntryKeyShape, request: Request, service: TheService, person: MayTrain
) -> LexiconShape:
    """Nothing is repaired to this text from now on."""
    try:
        change_entry(service, request, person, entry.key, removed=True)
    except NotFound as error:
        raise Problem("not_found", error.reason) from error
    return read_lexicon(service)


@router.post("/restore")
def post_restore(
    entry: EntryKeyShape, request: Request, service: TheService, person: MayTrain
) -> LexiconShape:
    """Let a text that was removed be used again."""
    change_entry(service, request, person, entry.key, removed=False)
    return read_lexicon(service)


def change_rules(service: Service, request: Request, person: Person, rules: RulesShape) -> None:
    with service.database.write() as session:
        removed = find_rules(session).removed
        wanted = LexiconRules(rules.active, rules.least_documents, rules.least_people, removed)
        write_rules(session, wanted, service.declarations, utc_now())
    detail = {"active": str(rules.active).lower()}
    record_action(service, request, person, Action.CHANGED, "lexicon", {**detail})


def learn_now(service: Service, request: Request, person: Person) -> LexiconState:
    with service.database.write() as session:
        state = learn(session, service.declarations, utc_now())
    record_action(service, request, person, Action.CHANGED, "lexicon", {"version": state.version})
    return state


def change_entry(
    service: Service, request: Request, person: Person, key: EntryKey, *, removed: bool
) -> None:
    """NotFound where there is no such text to remove."""
    change = remove_entry if removed else restore_entry
    with service.database.write() as session:
        change(session, key, service.declarations, utc_now())
    detail = {"name": key[1], "text": key[2], "removed": str(removed).lower()}
    record_action(service, request, person, Action.CHANGED, "lexicon", {**detail})


def read_lexicon(service: Service, repairs: int = 200) -> LexiconShape:
    with service.database.read() as session:
        learnt, state, rules = find_learnt(session), find_state(session), find_rules(session)
        made = find_repairs(session, repairs) if repairs else ()
    return LexiconShape(
        version=state.version,
        rules=RulesShape(
            active=rules.active,
            least_documents=rules.least_documents,
            least_people=rules.least_people,
        ),
        entries=[_entry_to_shape(entry) for entry in learnt.entries],
        confusions=[_confusion_to_shape(item) for item in learnt.confusions],
        repairs=[_repair_to_shape(repair) for repair in made],
    )


def _entry_to_shape(entry: LearntEntry) -> EntryShape:
    return EntryShape(
        form_type=entry.form_type,
        name=entry.name,
        text=entry.text,
        documents=entry.documents,
        people=entry.people,
        declared=entry.declared,
        confirmed=entry.confirmed,
        undone=entry.undone,
        removed=entry.removed,
        used=entry.used,
    )


def _confusion_to_shape(item: CountedConfusion) -> ConfusionShape:
    return ConfusionShape(
        printed=item.printed,
        read=item.read,
        times=item.times,
        documents=item.documents,
        people=item.people,
        used=item.used,
    )


def _repair_to_shape(repair: RepairMade) -> RepairShape:
    return RepairShape(
        document_id=repair.document_id,
        document=repair.document,
        path=repair.path,
        read=repair.read,
        text=repair.text,
        route=repair.route,
    )
