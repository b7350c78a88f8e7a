from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import IllegalMove
from archive.states import (
    ACTIVE,
    DOCUMENT_MOVES,
    STEP_MOVES,
    DocumentMove,
    DocumentState,
    StepMove,
    StepState,
    move_document,
    move_step,
)


@given(st.sampled_from(DocumentState), st.sampled_from(DocumentMove))
def test_a_document_moves_by_the_table_or_not_at_all(
    state: DocumentState, move: DocumentMove
) -> None:
    if (state, move) in DOCUMENT_MOVES:
        assert move_document(state, move) == DOCUMENT_MOVES[state, move]
    else:
        with pytest.raises(IllegalMove, match=state):
            move_document(state, move)


@given(st.lists(st.sampled_from(DocumentMove), max_size=30))
def test_a_document_that_ended_starts_only_when_asked_again(moves: list[DocumentMove]) -> None:
    state = DocumentState.RECEIVED
    for move in moves:
        try:
            after = move_document(state, move)
        except IllegalMove:
            continue
        if state not in ACTIVE and after in ACTIVE:
            assert move == DocumentMove.AGAIN
        state = after


def test_every_state_of_a_document_can_be_reached_and_left() -> None:
    reached = {DocumentState.RECEIVED} | set(DOCUMENT_MOVES.values())
    assert reached == set(DocumentState)
    assert {state for state, _ in DOCUMENT_MOVES} == set(DocumentState)


def test_done_steps_stay_done() -> None:
    assert not [move for state, move in STEP_MOVES if state == StepState.DONE]
    with pytest.raises(IllegalMove):
        move_step(StepState.DONE, StepMove.AGAIN)


def test_only_a_leased_step_can_be_finished() -> None:
    assert [state for state, move in STEP_MOVES if move == StepMove.FINISH] == [StepState.LEASED]
