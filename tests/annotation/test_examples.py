"""Training examples: what is certain after an answer, and that nothing else passes as truth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotation.examples import (
    Reviewed,
    TrainingExample,
    example_labels,
    layout_digest,
    reviewed_to_example,
)
from annotation.examples_json import (
    dataset_digest,
    examples_from_jsonl,
    examples_to_jsonl,
)
from annotation.values import Mark
from extraction.errors import InputError
from extraction.values import Box
from tests.annotation.corrected_forms import reviewed, small_reading
from tests.annotation.small_form import (
    DECLARATION,
    all_fields,
    answer,
    box_drawn,
    field,
    retyped,
    shown,
    small_record,
    small_task,
    unchanged,
)

RECORD = small_record()


def to_example(found: Reviewed) -> TrainingExample:
    return reviewed_to_example(found, DECLARATION)


def said(example: TrainingExample) -> dict[str, str]:
    """The labels by the text of their word; texts of the small form differ but for 甲, 30."""
    return {example.words[number].text: label for number, label in example.labels.items()}


def test_only_what_was_shown_bears_a_field_and_the_rest_is_unknown() -> None:
    task = small_task(RECORD, "total", "items[1].article")
    example = to_example(reviewed(task, [answer(task)], RECORD))
    fields = {text: label for text, label in said(example).items() if label != "key"}
    assert fields == {"50": "total", "梨": "items.article"}
    assert not example.is_whole
    unknown = [
        word.text
        for word, label in zip(example.words, example_labels(example), strict=True)
        if label is None
    ]
    assert {"苹果", "东风公司", "收讫", "8", "12"} <= set(unknown)


def test_keys_in_cells_of_their_own_are_keys_and_others_are_not() -> None:
    task = small_task(RECORD, "total")
    labels = said(to_example(reviewed(task, [answer(task)], RECORD)))
    # No keys are declared for the columns of the group, and 购货单位 stands in no cell.
    assert "key" not in labels.values()
    keyed = DECLARATION.model_copy(
        update={
            "groups": tuple(
                group.model_copy(
                    update={
                        "columns": tuple(
                            column.model_copy(update={"keys": (column.title,)})
                            for column in group.columns
                        )
                    }
                )
                for group in DECLARATION.groups
            )
        }
    )
    example = reviewed_to_example(reviewed(task, [answer(task)], RECORD), keyed)
    assert {text for text, label in said(example).items() if label == "key"} == {
        "货架",
        "品名",
        "限额",
        "数量",
    }


def test_a_retyped_text_changes_the_text_and_not_the_word() -> None:
    task = small_task(RECORD, "items[1].amount")
    given = answer(task, {"items[1].amount": retyped(task, "items[1].amount", "72")})
    example = to_example(reviewed(task, [given], RECORD))
    assert said(example)["12"] == "items.amount"
    (text,) = [item for item in example.texts if item.name == "items.amount"]
    assert (text.text, text.read) == ("72", "12")
    assert [example.words[number].text for number in text.words] == ["12"]


def test_a_renamed_box_teaches_its_new_field_and_not_the_old_one() -> None:
    task = small_task(RECORD, "items[1].limit")
    region = replace(unchanged(shown(task, "items[1].limit")), name="total", row=None)
    example = to_example(reviewed(task, [answer(task, {"items[1].limit": region})], RECORD))
    assert said(example)["20"] == "total"
    assert "items.limit" not in said(example).values()


def test_a_deleted_box_says_nothing_of_its_words() -> None:
    task = small_task(RECORD, "buyer", "total")
    example = to_example(reviewed(task, [answer(task, {"buyer": None})], RECORD))
    assert "东风公司" not in said(example)
    assert [text.name for text in example.texts] == ["total"]


def test_a_drawn_box_labels_the_words_in_it() -> None:
    task = small_task(RECORD, "total")
    drawn = box_drawn("signed", Box(590, 1190, 710, 1250), "2026-11-21")
    example = to_example(reviewed(task, [answer(task, drawn=[drawn])], RECORD))
    assert said(example)["收讫"] == "signed"


def test_an_illegible_field_is_known_by_its_place_but_not_its_text() -> None:
    task = small_task(RECORD, "total")
    region = retyped(task, "total", "50", Mark.ILLEGIBLE)
    example = to_example(reviewed(task, [answer(task, {"total": region})], RECORD))
    assert said(example)["50"] == "total"
    assert example.texts == ()


def test_a_merged_cell_is_one_region_of_one_label() -> None:
    task = small_task(RECORD, "items[0].shelf")
    example = to_example(reviewed(task, [answer(task)], RECORD))
    assert [text.name for text in example.texts] == ["items.shelf"]
    assert said(example)["甲"] == "items.shelf"


def test_a_word_that_an_unseen_field_shares_is_unknown() -> None:
    """Title and year of one printed line: the answer to one says nothing of the other."""
    total = RECORD.fields["total"]
    other = replace(field("5", total.source), text="5")
    record = small_record({"buyer": other})
    task = small_task(record, "total")
    example = to_example(reviewed(task, [answer(task)], record))
    assert "50" not in said(example)


def test_what_people_disagree_on_is_unknown() -> None:
    task = small_task(RECORD, "total", "buyer")
    one = answer(task, {"total": retyped(task, "total", "51")}, author="anna")
    other = answer(task, author="bert", annotation_id=2, minutes=1)
    example = to_example(reviewed(task, [one, other], RECORD))
    assert "50" not in said(example)
    assert said(example)["东风公司"] == "buyer"
    third = answer(
        task, {"total": retyped(task, "total", "51")}, author="cleo", annotation_id=3, minutes=2
    )
    settled = to_example(reviewed(task, [one, other, third], RECORD))
    assert [text.text for text in settled.texts if text.name == "total"] == ["51"]


def test_other_is_certain_only_where_every_field_was_answered() -> None:
    paths = [path for path, _ in all_fields(RECORD)]
    task = small_task(RECORD, *paths)
    whole = to_example(reviewed(task, [answer(task)], RECORD))
    assert whole.is_whole
    assert said(whole)["收讫"] == "other"
    assert None not in example_labels(whole)
    less = small_task(RECORD, *paths[:-1])
    partly = to_example(reviewed(less, [answer(less)], RECORD))
    assert not partly.is_whole
    assert "other" not in partly.labels.values()


def test_lines_come_back_as_they_went_in_and_the_digest_names_the_content() -> None:
    task = small_task(RECORD, "total", "items[1].article")
    first = to_example(reviewed(task, [answer(task)], RECORD))
    second = replace(first, document_id="00EARLIER")
    lines = list(examples_to_jsonl([first, second]))
    assert tuple(examples_from_jsonl(lines)) == (second, first)
    assert dataset_digest([first, second]) == dataset_digest([second, first])
    slower = tuple(replace(reading, elapsed_ms={"ocr": 9.0}) for reading in first.readings)
    assert dataset_digest([replace(first, readings=slower)]) == dataset_digest([first])
    relabelled = replace(first, labels={**first.labels, 0: "total"})
    assert dataset_digest([relabelled]) != dataset_digest([first])


@pytest.mark.parametrize("line", ["no json", "[]", "{}", '{"schema": "formloop.example/1"}'])
def test_a_line_that_is_no_example_is_named(line: str) -> None:
    with pytest.raises(InputError, match="line 1"):
        list(examples_from_jsonl([line]))


def test_a_layout_is_its_keys_in_order_and_not_what_is_filled_in() -> None:
    keyed = DECLARATION.model_copy(
        update={
            "fields": tuple(
                item.model_copy(update={"keys": (key,)})
                for item, key in zip(DECLARATION.fields, ("品名", "限额", "数量"), strict=True)
            )
        }
    )
    same = small_reading(small_record({"buyer": field("西风公司", RECORD.fields["buyer"].source)}))
    assert layout_digest([same], keyed) == layout_digest([small_reading()], keyed)
    assert layout_digest([small_reading()], DECLARATION) != layout_digest([same], keyed)
