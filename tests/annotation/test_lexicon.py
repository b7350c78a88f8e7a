from __future__ import annotations

import random

from annotation.lexicon import Learnt, LearntEntry, LexiconSettings, SeenText, learn_lexicon
from annotation.lexicon_json import learnt_from_json, learnt_to_json
from tests.annotation.small_form import DECLARATION

FORM = DECLARATION.name


def seen(
    text: str, documents: int, authors: str = "ab", name: str = "buyer", first: int = 0, **more: str
) -> list[SeenText]:
    return [
        SeenText(FORM, name, f"doc-{first + n}", authors[n % len(authors)], text, **more)
        for n in range(documents)
    ]


def learn(texts: list[SeenText], **more: object) -> Learnt:
    return learn_lexicon(texts, [DECLARATION], **more)  # type: ignore[arg-type]


def entry(learnt: Learnt, text: str) -> LearntEntry:
    return next(item for item in learnt.entries if item.text == text)


COMPANIES = seen("东风公司", 8) + seen("西风公司", 8, first=8)


def test_texts_of_a_closed_field_get_in() -> None:
    learnt = learn(COMPANIES)
    vocabulary = learnt.lexicon.find(FORM, "buyer")
    assert vocabulary is not None
    assert vocabulary.entries == {"东风公司": 8, "西风公司": 8}
    assert vocabulary.unseen < 0.1


def test_field_of_ever_new_texts_is_not_closed() -> None:
    texts = [item for n in range(30) for item in seen(f"公司{n}", 1, first=n)]
    assert learn(COMPANIES + texts).lexicon.find(FORM, "buyer") is None


def test_one_person_alone_gets_nothing_in() -> None:
    """However often: a careless annotator must not poison it."""
    learnt = learn(COMPANIES + seen("东凤公司", 40, "c", first=20))
    assert not entry(learnt, "东凤公司").used
    assert entry(learnt, "东风公司").used
    alone = learn(COMPANIES + seen("东凤公司", 40, "c", first=20, read="东风公司"))
    assert not any(item.used for item in alone.confusions)


def test_few_documents_get_nothing_in() -> None:
    assert not entry(learn(COMPANIES + seen("南风公司", 2, first=40)), "南风公司").used
    settings = LexiconSettings(least_documents=2)
    assert entry(
        learn(COMPANIES + seen("南风公司", 2, first=40), settings=settings), "南风公司"
    ).used


def test_declared_choices_are_known_before_anybody_answers() -> None:
    vocabulary = learn([]).lexicon.find(FORM, "items.article")
    assert vocabulary is not None
    assert set(vocabulary.entries) == {"总计", "苹果", "梨", "香蕉"}
    assert vocabulary.unseen == 0.5


def test_numbers_have_no_lexicon() -> None:
    learnt = learn(seen("50", 40, name="total"))
    assert learnt.lexicon.find(FORM, "total") is None
    assert all(item.name != "total" for item in learnt.entries)


def test_removed_text_is_kept_in_sight_but_not_used() -> None:
    key = (FORM, "buyer", "东风公司")
    learnt = learn(COMPANIES, removed={key})
    assert entry(learnt, "东风公司").removed and not entry(learnt, "东风公司").used
    vocabulary = learnt.lexicon.find(FORM, "buyer")
    assert vocabulary is not None and set(vocabulary.entries) == {"西风公司"}


def test_text_whose_repairs_people_undo_is_used_no_more() -> None:
    undone = seen("东凤公司", 2, first=30, read="东凤公司", repaired="东风公司")
    learnt = learn(COMPANIES + undone)
    assert (entry(learnt, "东风公司").undone, entry(learnt, "东风公司").used) == (2, False)
    kept = seen("东风公司", 3, first=40, read="东凤公司", repaired="东风公司")
    learnt = learn(COMPANIES + undone + kept)
    assert (entry(learnt, "东风公司").confirmed, entry(learnt, "东风公司").used) == (3, True)


def test_misreadings_are_counted_once_a_document() -> None:
    texts = seen("东风公司", 4, read="东凤公司")
    learnt = learn(texts + texts + seen("西风公司", 1, first=9, read="西凤公司"))
    (item,) = learnt.confusions
    assert (item.printed, item.read, item.times, item.documents, item.people) == (
        "风",
        "凤",
        5,
        5,
        2,
    )
    assert item.used and learnt.lexicon.confusions.counts == {("风", "凤"): 5}


def test_text_read_elsewhere_is_no_misreading() -> None:
    assert not learn(seen("东风公司", 9, read="负责人王建国")).confusions


def test_missing_and_added_characters_are_counted() -> None:
    texts = seen("东风公司", 3, read="东风公司-") + seen("西风公司", 3, first=9, read="西风公")
    assert {(item.printed, item.read) for item in learn(texts).confusions} == {
        ("", "-"),
        ("司", ""),
    }


def test_order_makes_no_difference_and_json_keeps_all() -> None:
    texts = COMPANIES + seen("南风公司", 4, first=50, read="南凤公司")
    mixed = list(texts)
    random.Random(3).shuffle(mixed)
    learnt = learn(texts)
    assert learn(mixed) == learnt
    assert learnt_from_json(learnt_to_json(learnt)) == learnt
