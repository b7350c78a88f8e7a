"""However answers arrive (late, twice, in any order, by webhook or by sweep), the records
that they make are the same."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from annotation.hook import hook_to_news
from archive.annotations import receive_annotation
from archive.clock import utc_now
from archive.corrections import find_corrections
from archive.database import Database
from archive.disagreements import find_disagreements
from archive.reviews import mark_to_look_at
from archive.revisions import find_revision
from archive.tables import AnnotationVersion, Document, ReviewTaskRow
from extraction.json_values import JsonObject
from tests.annotation.fake_studio import FakeStudio, retype
from tests.workers.review_rig import ReviewRig

DOCUMENTS = 15


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, FakeStudio]]:
    """Documents before people, none of their answers received: edited, deleted, disputed."""
    file = tmp_path_factory.mktemp("order") / "asked.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    rig = ReviewRig(database)
    choice = random.Random(7)
    ids = [rig.add(f"{number}.pdf", "buyer", "items[0].amount")[1] for number in range(DOCUMENTS)]
    rig.push()
    for task_id in ids:
        made = [
            rig.studio.answer(task_id, retype({"8": choice.choice("89")}), author)
            for author in range(1, choice.choice((1, 1, 2, 3)) + 1)
        ]
        for annotation_id in made:
            if choice.random() < 0.4:
                rig.studio.edit(annotation_id, retype({"9": "7", "东风公司": "东风厂"}))
        if choice.random() < 0.2:
            rig.studio.delete_annotation(made[0])
    database.close()
    yield file, rig.studio


def copied(answered: tuple[Path, FakeStudio], folder: Path) -> ReviewRig:
    file = folder / "copy.db"
    shutil.copy(answered[0], file)
    return ReviewRig(Database(f"sqlite:///{file}"), answered[1])


def receive(rig: ReviewRig, body: JsonObject) -> None:
    """What the address of webhooks does."""
    news = hook_to_news(json.loads(json.dumps(body)))
    with rig.database.write() as session:
        for one in news.annotations:
            assert one.task_id is not None
            receive_annotation(session, one.task_id, one.payload, utc_now())
        if news.gone_annotations:
            tasks = session.scalars(select(ReviewTaskRow.id)).all()
            mark_to_look_at(session, tasks, utc_now())


def final(rig: ReviewRig) -> dict[str, object]:
    """Of every document: its state, its newest record, and what stands of what people said."""
    with rig.database.read() as session:
        versions = session.scalars(select(AnnotationVersion)).all()
        assert all(one.applied_at and one.problem is None for one in versions)
        return {
            document.name: (
                document.state,
                json.dumps(find_revision(session, document.id).record, sort_keys=True),
                sorted(
                    (one.path, one.verdict, one.author, one.at, json.dumps(one.after))
                    for one in find_corrections(session, document.id)
                ),
                sorted(
                    (one.path, json.dumps(one.texts, sort_keys=True), one.settled_at is None)
                    for one in find_disagreements(session, document.id)
                    if one.settled_at is None
                ),
            )
            for document in session.scalars(select(Document))
        }


@pytest.fixture(scope="module")
def swept(
    answered: tuple[Path, FakeStudio], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    rig = copied(answered, tmp_path_factory.mktemp("swept"))
    assert rig.sweep() > DOCUMENTS
    states = final(rig)
    rig.database.close()
    return states


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_doubled_and_replayed_webhooks_give_the_same_records(
    answered: tuple[Path, FakeStudio], swept: dict[str, object], tmp_path: Path, seed: int
) -> None:
    rig, choice = copied(answered, tmp_path), random.Random(seed)
    bodies = [*rig.studio.sent, *rig.studio.sent]
    choice.shuffle(bodies)
    for turn, body in enumerate((*bodies, *rig.studio.sent)):
        receive(rig, body)
        if turn % 40 == seed:
            rig.apply()
    rig.apply()
    while rig.look():
        pass
    assert final(rig) == swept
    assert rig.sweep() == 0, "the sweep knows it all"
    assert final(rig) == swept
    rig.database.close()


def test_lost_webhooks_are_found_by_one_sweep(
    answered: tuple[Path, FakeStudio], swept: dict[str, object], tmp_path: Path
) -> None:
    rig, choice = copied(answered, tmp_path), random.Random(5)
    for body in choice.sample(rig.studio.sent, len(rig.studio.sent) // 2):
        receive(rig, body)
    rig.apply()
    rig.sweep()
    assert final(rig) == swept
    rig.database.close()


def test_process_killed_while_it_applies_goes_on_where_it_was(
    answered: tuple[Path, FakeStudio],
    swept: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = copied(answered, tmp_path)
    for body in rig.studio.sent:
        receive(rig, body)
    monkeypatch.setattr("workers.review_apply.MOST_AT_ONCE", 7)
    for _ in range(3):
        rig.apply()
    rig.database.close()
    rig = ReviewRig(Database(f"sqlite:///{tmp_path / 'copy.db'}"), answered[1])
    while rig.apply():
        pass
    while rig.look():
        pass
    assert final(rig) == swept
    rig.database.close()
