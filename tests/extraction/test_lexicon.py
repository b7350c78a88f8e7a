from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.declarations import load_declarations
from extraction.fields.drafts import Drafts, FieldDraft
from extraction.lexicon import (
    CONFIDENT,
    NO_LEXICON,
    REPAIRED,
    Confusions,
    Edit,
    Lexicon,
    Repair,
    Vocabulary,
    find_edits,
    find_repair,
    read_as,
    repair_drafts,
)
from extraction.values import Box, Source, Word

ENTRIES = {
    "数量指标": 90,
    "质量指标": 80,
    "生态效益指标": 40,
    "社会效益指标": 45,
    "可持续影响指标": 30,
    "服务对象满意度指标": 60,
    "第一小学": 20,
    "2023年新增项目": 20,
}
LEVELS = Vocabulary("form", "items.level", ENTRIES, 0.01)
NOTHING = Confusions()
TEXTS = st.text(
    "数量质盖指标生态致效益社会可持续影嗨响服务对象满意度第一二小学2023年新增项目.-：", max_size=12
)
SURE = st.floats(CONFIDENT, 1.0)
DOUBTFUL = st.floats(0.0, CONFIDENT, exclude_max=True)


def word(text: str, weakest: float) -> Word:
    return Word(text, Box(0, 0, 10, 10), (1 + weakest) / 2, weakest, 1)


def repaired(
    text: str,
    weakest: float = 0.5,
    vocabulary: Vocabulary = LEVELS,
    confusions: Confusions = NOTHING,
) -> Repair | None:
    return find_repair(text, (word(text, weakest),), vocabulary, confusions)


@pytest.mark.parametrize(
    ("read", "printed"),
    [
        ("生态致益指标", "生态效益指标"),
        ("可持续影嗨指标", "可持续影响指标"),
        ("可持续影响指标.", "可持续影响指标"),
        ("服务对象满意度指标-", "服务对象满意度指标"),
        ("丝数量指标", "数量指标"),
    ],
)
def test_doubtful_reading_near_one_known_text_is_repaired(read: str, printed: str) -> None:
    repair = repaired(read)
    assert repair is not None
    assert (repair.before, repair.after) == (read, printed)


def test_near_two_known_texts_it_stays() -> None:
    """数 and 质 are one character away from what was read, and nothing tells them apart."""
    assert repaired("盖量指标") is None


def test_counted_confusions_tell_near_texts_apart() -> None:
    counts = Confusions({("质", "盖"): 40})
    repair = repaired("盖量指标", confusions=counts)
    assert repair is not None and repair.after == "质量指标"


def test_another_school_is_not_made_the_known_one() -> None:
    assert repaired("第二小学", 0.3) is None


def test_open_vocabulary_is_repaired_less_readily() -> None:
    open_ended = Vocabulary("form", "items.level", {"生态效益指标": 3}, 0.6)
    assert repaired("生态致益指标", 0.9, open_ended) is None
    assert repaired("生态致益指标", 0.9) is not None


@pytest.mark.parametrize("read", ["2028年新增项目", "2023.年新增项目", "023年新增项目"])
def test_digits_stay(read: str) -> None:
    assert repaired(read, 0.2) is None


def test_sign_that_a_form_may_print_stays() -> None:
    assert repaired("数量指标：", 0.2) is None


def test_edit_in_a_sure_word_is_refused_beside_a_doubtful_one() -> None:
    words = (word("生态致益", 0.999), word("指标", 0.3))
    assert find_repair("生态致益指标", words, LEVELS, NOTHING) is None
    words = (word("生态致益", 0.3), word("指标", 0.999))
    assert find_repair("生态致益指标", words, LEVELS, NOTHING) is not None


@given(TEXTS, SURE)
def test_confident_reading_never_changes(text: str, weakest: float) -> None:
    assert repaired(text, weakest) is None


@given(st.sampled_from(sorted(ENTRIES)), DOUBTFUL)
def test_known_text_is_a_fixed_point(text: str, weakest: float) -> None:
    assert repaired(text, weakest) is None


@given(TEXTS, DOUBTFUL)
def test_repair_ends_in_a_known_text_and_keeps_digits(text: str, weakest: float) -> None:
    repair = repaired(text, weakest)
    if repair is not None:
        assert repair.after in ENTRIES and repair.before == text
        assert repaired(repair.after, weakest) is None
        assert [c for c in text if c.isdigit()] == [c for c in repair.after if c.isdigit()]


@given(TEXTS, TEXTS)
def test_edits_make_what_was_read_of_what_was_printed(printed: str, read: str) -> None:
    edits = find_edits(printed, read)
    made = list(read)
    for edit in reversed(edits):
        assert not edit.read or read[edit.place] == edit.read
        made[edit.place : edit.place + len(edit.read)] = [edit.printed]
    assert "".join(made) == printed
    assert len(edits) <= max(len(printed), len(read))


@given(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("abcd")), st.integers(1, 99))
)
def test_confusions_are_chances(counts: dict[tuple[str, str], int]) -> None:
    confusions = Confusions(counts)
    total = math.fsum(confusions.chance(Edit("a", read, 0)) for read in "abcdefgh")
    assert 0.0 < total <= 1.0 + 1e-9


def evaluation_drafts(text: str, weakest: float) -> Drafts:
    draft = FieldDraft(text, text, Source(1, Box(0, 0, 9, 9)), (word(text, weakest),))
    number = FieldDraft("8O", None, Source(1, Box(0, 0, 9, 9)), (word("8O", 0.1),))
    row = {"level2": draft, "weight": number}
    return Drafts({}, {"indicators": (row, row)})


def test_drafts_are_repaired_row_by_row_and_numbers_left() -> None:
    declaration = next(d for d in load_declarations() if d.name == "project_self_evaluation")
    vocabularies = (
        Vocabulary(declaration.name, "indicators.level2", ENTRIES, 0.01),
        Vocabulary(declaration.name, "indicators.weight", {"80": 50}, 0.01),
    )
    lexicon = Lexicon(vocabularies, NOTHING, "1")
    drafts = evaluation_drafts("生态致益指标", 0.5)
    changed, repairs = repair_drafts(drafts, declaration, lexicon)
    assert [row["level2"].text for row in changed.groups["indicators"]] == ["生态效益指标"] * 2
    assert [row["level2"].value for row in changed.groups["indicators"]] == ["生态效益指标"] * 2
    assert {row["weight"].text for row in changed.groups["indicators"]} == {"8O"}
    assert sorted(repairs) == ["indicators[0].level2", "indicators[1].level2"]
    assert repair_drafts(drafts, declaration, NO_LEXICON) == (drafts, {})


def test_the_reason_of_a_repair_tells_what_was_read() -> None:
    assert read_as(("low_confidence", f"{REPAIRED}生态致益指标")) == "生态致益指标"
    assert read_as(("low_confidence",)) is None
