"""The states of documents and steps, and the moves between them. No effects."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from archive.errors import IllegalMove


class DocumentState(StrEnum):
    RECEIVED = "received"
    EXTRACTING = "extracting"
    IN_REVIEW = "in_review"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DocumentMove(StrEnum):
    START = "start"
    """A worker took one of its steps."""
    FINISH = "finish"
    """Assembled, every field accepted."""
    ASK = "ask"
    """Assembled, a person should look at it."""
    ANSWER = "answer"
    """The person has looked."""
    FAIL = "fail"
    CANCEL = "cancel"
    AGAIN = "again"
    """Retried (what failed) or reprocessed (everything)."""


class StepState(StrEnum):
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"


class StepMove(StrEnum):
    LEASE = "lease"
    FINISH = "finish"
    GIVE_BACK = "give_back"
    QUARANTINE = "quarantine"
    CANCEL = "cancel"
    AGAIN = "again"


_D, _DM, _S, _SM = DocumentState, DocumentMove, StepState, StepMove

DOCUMENT_MOVES: Final[Mapping[tuple[DocumentState, DocumentMove], DocumentState]] = {
    (_D.RECEIVED, _DM.START): _D.EXTRACTING,
    (_D.RECEIVED, _DM.FAIL): _D.FAILED,
    (_D.RECEIVED, _DM.CANCEL): _D.CANCELLED,
    (_D.EXTRACTING, _DM.START): _D.EXTRACTING,
    (_D.EXTRACTING, _DM.FINISH): _D.DONE,
    (_D.EXTRACTING, _DM.ASK): _D.IN_REVIEW,
    (_D.EXTRACTING, _DM.FAIL): _D.FAILED,
    (_D.EXTRACTING, _DM.CANCEL): _D.CANCELLED,
    (_D.IN_REVIEW, _DM.ANSWER): _D.DONE,
    (_D.IN_REVIEW, _DM.AGAIN): _D.RECEIVED,
    (_D.DONE, _DM.ASK): _D.IN_REVIEW,
    (_D.DONE, _DM.AGAIN): _D.RECEIVED,
    (_D.FAILED, _DM.AGAIN): _D.RECEIVED,
    (_D.CANCELLED, _DM.AGAIN): _D.RECEIVED,
}

STEP_MOVES: Final[Mapping[tuple[StepState, StepMove], StepState]] = {
    (_S.WAITING, _SM.LEASE): _S.LEASED,
    (_S.WAITING, _SM.QUARANTINE): _S.QUARANTINED,
    (_S.WAITING, _SM.CANCEL): _S.CANCELLED,
    # A lease that has run out is taken over.
    (_S.LEASED, _SM.LEASE): _S.LEASED,
    (_S.LEASED, _SM.FINISH): _S.DONE,
    (_S.LEASED, _SM.GIVE_BACK): _S.WAITING,
    (_S.LEASED, _SM.QUARANTINE): _S.QUARANTINED,
    (_S.LEASED, _SM.CANCEL): _S.CANCELLED,
    (_S.QUARANTINED, _SM.AGAIN): _S.WAITING,
    (_S.CANCELLED, _SM.AGAIN): _S.WAITING,
}

ACTIVE: Final = frozenset({_D.RECEIVED, _D.EXTRACTING})
"""Documents for which a machine still has something to do."""

OPEN_STEPS: Final = frozenset({_S.WAITING, _S.LEASED})


def move_document(state: DocumentState, move: DocumentMove) -> DocumentState:
    """The state after ``move``; IllegalMove where the table has none."""
    after = DOCUMENT_MOVES.get((state, move))
    if after is None:
        raise IllegalMove(f"a document that is {state} cannot {move}")
    return after


def move_step(state: StepState, move: StepMove) -> StepState:
    """The state after ``move``; IllegalMove where the table has none."""
    after = STEP_MOVES.get((state, move))
    if after is None:
        raise IllegalMove(f"a step that is {state} cannot {move}")
    return after
