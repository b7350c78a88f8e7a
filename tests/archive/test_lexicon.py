"""The lexicon as it is kept: learnt of corrections that stand, switched, reverted."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice

import pytest
from sqlalchemy.orm import Session

from archive.clock import utc_now
from archive.database import Database
from archive.errors import NotFound
from archive.lexicon import (
    LexiconRules,
    find_learnt,
    find_lexicon,
    find_repairs,
    find_rules,
    find_seen_texts,
    find_state,
    learn,
    learn_if_due,
    remove_entry,
    restore_entry,
    write_rules,
)
from archive.revisions import add_revision
from archive.tables import RevisionKind
from extraction.lexicon import NO_LEXICON, REPAIRED
from extraction.record_json import record_to_json
from tests.annotation.small_form import DECLARATION, small_record, with_fields
from tests.archive.review_rows import add_reviewed
from tests.archive.rows import new_document
from tests.archive.saying import say

FORMS = (DECLARATION,)
KEY = ("order", "buyer", "东风公司")
_numbers = count(1)


def add_answers(session: Session, documents: int, changes: dict[str, str] | None = None) -> None:
    """``buyer`` answered in so many documents, by two people in turn."""
    for number in islice(_numbers, documents):
        _, task_id = add_reviewed(session, f"{number}.pdf", "buyer")
        say(session, task_id, number, changes, author=11 + number % 2)


def test_it_is_learnt_of_corrections_and_changes_its_version_only_when_it_changes(
    database: Database,
) -> None:
    with database.write() as session:
        assert find_lexicon(session) == NO_LEXICON
        add_answers(session, 4)
        assert learn(session, FORMS, utc_now()).version == 1
        assert learn(session, FORMS, utc_now()).version == 1
        found = find_learnt(session)
        entry = next(item for item in found.entries if item.key == KEY)
        assert (entry.documents, entry.people, entry.used) == (4, 2, True)
        assert find_lexicon(session).version == "1"
        add_answers(session, 12)
        assert learn(session, FORMS, utc_now()).version == 2
        vocabulary = find_lexicon(session).find("order", "buyer")
        assert vocabulary is not None and vocabulary.entries == {"东风公司": 16}


def test_it_is_learnt_anew_only_after_another_answer(database: Database) -> None:
    with database.write() as session:
        assert learn_if_due(session, FORMS, utc_now()) is not None
        assert learn_if_due(session, FORMS, utc_now()) is None
        add_answers(session, 1)
        assert learn_if_due(session, FORMS, utc_now()) is not None


def test_switched_off_it_knows_nothing_and_comes_back(database: Database) -> None:
    with database.write() as session:
        add_answers(session, 14)
        learn(session, FORMS, utc_now())
        write_rules(session, replace(find_rules(session), active=False), FORMS, utc_now())
        assert (find_lexicon(session), find_state(session).name) == (NO_LEXICON, "")
        write_rules(session, replace(find_rules(session), active=True), FORMS, utc_now())
        assert find_lexicon(session).find("order", "buyer") is not None


def test_one_text_can_be_removed_and_restored(database: Database) -> None:
    with database.write() as session:
        add_answers(session, 14)
        before = learn(session, FORMS, utc_now())
        assert remove_entry(session, KEY, FORMS, utc_now()).version == before.version + 1
        assert find_lexicon(session).find("order", "buyer") is None
        restore_entry(session, KEY, FORMS, utc_now())
        assert find_lexicon(session).find("order", "buyer") is not None
        with pytest.raises(NotFound):
            remove_entry(session, ("order", "buyer", "无此公司"), FORMS, utc_now())


def test_rules_are_kept(database: Database) -> None:
    rules = LexiconRules(False, 5, 1, frozenset({KEY}))
    with database.write() as session:
        assert find_rules(session) == LexiconRules()
        write_rules(session, rules, FORMS, utc_now())
        assert find_rules(session) == rules


def test_what_was_read_before_a_repair_is_what_was_misread(database: Database) -> None:
    with database.write() as session:
        _, task_id = add_reviewed(session, "a.pdf", "buyer")
        say(session, task_id, 500, {"东风公司": "东凤公司"})
        (seen,) = (item for item in find_seen_texts(session) if item.name == "buyer")
        assert (seen.text, seen.read, seen.repaired) == ("东凤公司", "东风公司", None)


def test_repairs_are_found_in_records(database: Database) -> None:
    record = small_record()
    buyer = replace(record.fields["buyer"], reasons=("low_confidence", f"{REPAIRED}东凤公司"))
    with database.write() as session:
        document = new_document(session, "a.pdf")
        assert find_repairs(session) == ()
        stored = record_to_json(with_fields(record, {"buyer": buyer}))
        add_revision(session, document, stored, RevisionKind.EXTRACTION)
        (repair,) = find_repairs(session)
        assert (repair.document, repair.path, repair.read, repair.text) == (
            "a.pdf",
            "buyer",
            "东凤公司",
            "东风公司",
        )
