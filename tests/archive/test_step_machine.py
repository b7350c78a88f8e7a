"""Any interleaving of workers, deaths and people: no page lost, none done twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from archive.database import Database
from archive.documents import cancel_document, reprocess_document, retry_document
from archive.errors import IllegalMove, LeaseLost
from archive.progress import archive_counts
from archive.reasons import Reason
from archive.states import ACTIVE, OPEN_STEPS, DocumentState, StepState
from archive.steps import (
    DEFAULT_LIMITS,
    Lease,
    StepKey,
    fail_step,
    find_lost_steps,
    finish_assemble,
    finish_page,
    finish_split,
    lease_step,
    mark_enqueued,
    release_step,
    renew_lease,
)
from archive.tables import Document, Result, Row, Step, StepKind
from tests.archive.rows import new_document, record_json

PAGES = 3


class Steps(RuleBasedStateMachine):
    """Time is the machine's own; a lease may be held by a worker that is long forgotten."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime.now(UTC) + timedelta(seconds=1)
        self.leases: list[Lease] = []
        self.holders: dict[StepKey, str] = {}
        self.finished: set[StepKey] = set()
        names = ", ".join(f'"{table.name}"' for table in Row.metadata.sorted_tables)
        with self.database.write() as session:
            if self.database.is_sqlite:
                for table in reversed(Row.metadata.sorted_tables):
                    session.execute(table.delete())
            else:
                session.execute(text(f"TRUNCATE {names}"))
            first = new_document(session, "first")
            second = new_document(session, "second", first.archive_id)
            self.archive_id = first.archive_id
            self.ids = [first.id, second.id]

    @contextmanager
    def step(self) -> Iterator[Session]:
        """A transaction in which an old holder may be told that it lost its lease."""
        try:
            with self.database.write() as session:
                yield session
        except LeaseLost:
            pass

    @rule(choice=st.integers(0, 20))
    def lease(self, choice: int) -> None:
        with self.database.write() as session:
            found = find_lost_steps(session, self.now)
            if not found:
                return
            key = found[choice % len(found)].key
            mark_enqueued(session, [key], self.now)
            lease = lease_step(session, key, "worker", self.now)
        self.hold(lease)

    def hold(self, lease: Lease | None) -> None:
        if lease is not None:
            self.leases.append(lease)
            self.holders[lease.key] = lease.token

    @rule(outcome=st.sampled_from(["finish", "fail", "die"]))
    def all_at_once(self, outcome: str) -> None:
        """One worker takes all there is, and has one kind of luck with it."""
        with self.database.write() as session:
            taken = [
                lease_step(session, lost.key, "eager", self.now)
                for lost in find_lost_steps(session, self.now)
            ]
        before = len(self.leases)
        for lease in taken:
            self.hold(lease)
        if outcome == "finish":
            for place in range(before, len(self.leases)):
                self.finish(place)
        elif outcome == "fail":
            for place in range(before, len(self.leases)):
                self.fail(place, retryable=False)
        del self.leases[before:]
        self.now += timedelta(seconds=130)

    @rule(seconds=st.sampled_from([1, 30, 130, 400]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 20))
    def finish(self, choice: int) -> None:
        """By its holder, who may have lost it: then nothing of it may count."""
        lease = self.leases[choice % len(self.leases)]
        with self.step() as session:
            if lease.key.step == StepKind.SPLIT:
                finish_split(session, lease, PAGES, self.now)
            elif lease.key.step == StepKind.PAGE:
                finish_page(session, lease, f"r/{lease.token}", "v1", self.now)
            else:
                finish_assemble(session, lease, record_json(), "v1", False, self.now)
            assert self.holders[lease.key] == lease.token, "the step was another's by then"
            if lease.key.step == StepKind.PAGE:
                assert lease.key not in self.finished, "a page was done twice"
            self.finished.add(lease.key)

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 20), retryable=st.booleans())
    def fail(self, choice: int, retryable: bool) -> None:
        with self.step() as session:
            lease = self.leases[choice % len(self.leases)]
            fail_step(session, lease, Reason("engine", "bad"), retryable, self.now)

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 20))
    def give_back(self, choice: int) -> None:
        with self.step() as session:
            release_step(session, self.leases[choice % len(self.leases)], self.now)

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 20))
    def renew(self, choice: int) -> None:
        with self.step() as session:
            renew_lease(session, self.leases[choice % len(self.leases)], self.now)

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 20))
    def die(self, choice: int) -> None:
        """Without a word: the lease is only found again when it has run out."""
        self.leases.pop(choice % len(self.leases))

    @precondition(lambda self: self.leases)
    @rule(choice=st.integers(0, 20))
    def come_back_late(self, choice: int) -> None:
        """Its lease ran out and another took the step: the first one finds it lost."""
        self.now += timedelta(seconds=400)
        late = self.leases[choice % len(self.leases)]
        with self.database.write() as session:
            lease = lease_step(session, late.key, "next", self.now)
        self.hold(lease)
        if lease is not None:
            self.finish(self.leases.index(late))

    @rule(which=st.integers(0, 1), act=st.sampled_from(["cancel", "retry", "reprocess"]))
    def person(self, which: int, act: str) -> None:
        does = {
            "cancel": cancel_document,
            "retry": retry_document,
            "reprocess": reprocess_document,
        }
        try:
            with self.database.write() as session:
                does[act](session, self.ids[which])
        except IllegalMove:
            pass

    @invariant()
    def totals_agree(self) -> None:
        with self.database.read() as session:
            for document_id in self.ids:
                _check(session, document_id)
            counts = archive_counts(session, self.archive_id, self.now)
            assert sum(counts.states.values()) == len(self.ids)

    def teardown(self) -> None:
        """Left to one patient worker, everything ends, and every page is accounted for."""
        for _ in range(200):
            self.now += timedelta(seconds=400)
            with self.database.write() as session:
                found = find_lost_steps(session, self.now)
                leases = [lease_step(session, lost.key, "last", self.now) for lost in found]
            for lease in leases:
                self.hold(lease)
                if lease is not None:
                    self.finish(len(self.leases) - 1)
            if not found:
                break
        with self.database.read() as session:
            for document_id in self.ids:
                document = session.get(Document, document_id)
                assert document is not None and document.state not in ACTIVE
                _check(session, document_id)
                if document.state == DocumentState.DONE:
                    assert document.pages == PAGES
                    assert document.pages_done + document.pages_failed == PAGES
                    assert document.pages_done >= 1
        super().teardown()


def _check(session: Session, document_id: str) -> None:
    document = session.get(Document, document_id)
    assert document is not None
    now = (Step.document_id == document_id) & (Step.generation == document.generation)
    steps = list(session.scalars(select(Step).where(now)))
    pages = [step for step in steps if step.step == StepKind.PAGE]
    # A document is at work just as long as there is work.
    assert (document.state in ACTIVE) == any(step.state in OPEN_STEPS for step in steps)
    if document.pages is not None:
        assert sorted(step.page for step in pages) == list(range(1, document.pages + 1))
        done = [step.page for step in pages if step.state == StepState.DONE]
        assert document.pages_done == len(done)
        failed = [step for step in pages if step.state == StepState.QUARANTINED]
        assert document.pages_failed == len(failed)
        stored = session.scalars(
            select(Result.page).where(
                Result.document_id == document_id,
                Result.generation == document.generation,
                Result.step == StepKind.PAGE,
            )
        )
        assert sorted(stored) == sorted(done), "a result for each page that is done, and one only"
    ended = {StepState.DONE, StepState.QUARANTINED}
    if any(step.step == StepKind.ASSEMBLE for step in steps):
        assert {step.state for step in pages} <= ended
    for step in steps:
        assert (step.state == StepState.LEASED) == (step.token is not None)
        assert step.state != StepState.QUARANTINED or step.reason
        assert step.attempts <= DEFAULT_LIMITS.most_attempts
    if document.state == DocumentState.FAILED:
        assert document.reason
    if document.state == DocumentState.DONE:
        assert document.pages_done >= 1


@pytest.mark.parametrize("examples", [24])
def test_no_interleaving_loses_or_doubles_a_page(
    database: Database, kind: str, examples: int
) -> None:
    class Machine(Steps):
        pass

    Machine.database = database
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples if kind == "sqlite" else examples // 2,
            stateful_step_count=30,
            deadline=None,
        ),
    )
