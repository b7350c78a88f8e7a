"""What answers make of a record."""

from __future__ import annotations

from dataclasses import replace

from annotation.correction import (
    ILLEGIBLE_TEXT,
    NOT_THERE_TEXT,
    ROW_REMOVED_TEXT,
    fold,
)
from annotation.values import Answer, Correctedness, Mark, ReviewTask, Verdict
from extraction.values import Box, Record
from tests.annotation.small_form import (
    DECLARATION,
    all_fields,
    answer,
    box_drawn,
    cell_box,
    cell_source,
    field,
    retyped,
    shown,
    small_record,
    small_task,
    texts,
    unchanged,
)


def _fold(task: ReviewTask, record: Record, *answers: Answer, **settled: str) -> Correctedness:
    return fold(task, record, answers, DECLARATION, settled)


def _verdicts(folded: Correctedness) -> dict[str, Verdict]:
    return {item.path: item.verdict for item in folded.corrections}


def _changed(before: Record, after: Record) -> dict[str, str]:
    old = texts(before)
    return {path: text for path, text in texts(after).items() if old.get(path) != text}


def test_without_an_answer_nothing_changes() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    skipped = replace(answer(task), regions=None)
    assert _fold(task, record) == Correctedness(record)
    assert _fold(task, record, skipped) == Correctedness(record)


def test_what_was_left_alone_is_confirmed_and_the_rest_stays_unknown() -> None:
    record = small_record()
    task = small_task(record, "buyer", "items[0].shelf")
    folded = _fold(task, record, answer(task))
    assert _changed(record, folded.record) == {}
    assert _verdicts(folded) == {
        "buyer": Verdict.CONFIRMED,
        "signed": Verdict.CONFIRMED,
        "items[0].shelf": Verdict.CONFIRMED,
        "items[1].shelf": Verdict.CONFIRMED,
    }
    fields = dict(all_fields(folded.record))
    assert (fields["buyer"].confidence, fields["buyer"].reasons) == (1.0, ("confirmed",))
    assert (fields["signed"].route, fields["signed"].confidence) == ("accept", None)
    shown_paths = {"buyer", "signed", "items[0].shelf", "items[1].shelf"}
    old = dict(all_fields(record))
    assert all(fields[path] == old[path] for path in old if path not in shown_paths)


def test_a_retyped_text_has_its_value_and_the_checks_run_again() -> None:
    record = small_record({"items[0].amount": field("3", cell_source("amount", 0))})
    assert next(check for check in record.checks if check.name == "total").passed is False
    task = small_task(record, "items[0].amount")
    folded = _fold(
        task, record, answer(task, {"items[0].amount": retyped(task, "items[0].amount", "8")})
    )
    new = folded.record.groups["items"][0]["amount"]
    assert (new.text, new.value, new.reasons) == ("8", 8.0, ("corrected",))
    assert new.source == record.groups["items"][0]["amount"].source
    assert next(check for check in folded.record.checks if check.name == "total").passed is True
    assert _verdicts(folded)["items[0].amount"] is Verdict.RETYPED


def test_the_tables_cell_says_what_the_field_says() -> None:
    record = small_record()
    task = small_task(record, "items[1].article")
    folded = _fold(
        task, record, answer(task, {"items[1].article": retyped(task, "items[1].article", "杏")})
    )
    old = {(cell.row, cell.column): cell for cell in record.tables[0].cells}
    new = {(cell.row, cell.column): cell for cell in folded.record.tables[0].cells}
    assert (new[2, 1].text, new[2, 1].confidence, new[2, 1].box) == ("杏", 1.0, old[2, 1].box)
    assert {place for place in new if new[place] != old[place]} == {(2, 1)}


def test_a_field_that_is_a_part_of_its_cell_changes_that_part() -> None:
    source = cell_source("limit", 2)
    record = small_record({"items[2].limit": field("30", source)})
    table = record.tables[0]
    cells = tuple(
        replace(cell, text="限额：30件") if (cell.row, cell.column) == (3, 2) else cell
        for cell in table.cells
    )
    record = replace(record, tables=(replace(table, cells=cells),))
    task = small_task(record, "items[2].limit")
    folded = _fold(
        task, record, answer(task, {"items[2].limit": retyped(task, "items[2].limit", "80")})
    )
    assert "限额：80件" in {cell.text for cell in folded.record.tables[0].cells}


def test_a_cell_of_several_rows_changes_in_all_of_them() -> None:
    record = small_record()
    task = small_task(record, "items[0].shelf")
    folded = _fold(
        task, record, answer(task, {"items[0].shelf": retyped(task, "items[0].shelf", "丙")})
    )
    assert _changed(record, folded.record) == {"items[0].shelf": "丙", "items[1].shelf": "丙"}
    assert [cell.text for cell in folded.record.tables[0].cells].count("丙") == 1


def test_a_moved_box_moves_its_source_into_the_cell_it_stands_in() -> None:
    record = small_record()
    task = small_task(record, "items[0].amount")
    there = cell_box("amount", 1)
    moved = replace(unchanged(shown(task, "items[0].amount")), box=there)
    folded = _fold(task, record, answer(task, {"items[0].amount": moved}))
    assert _verdicts(folded)["items[0].amount"] is Verdict.MOVED
    source = folded.record.groups["items"][0]["amount"].source
    assert source == cell_source("amount", 1)


def test_a_box_that_moved_by_the_rounding_of_percent_did_not_move() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    region = unchanged(shown(task, "buyer"))
    nudged = replace(region, box=Box(*(side + 0.4 for side in region.box)))
    folded = _fold(task, record, answer(task, {"buyer": nudged}))
    assert _verdicts(folded)["buyer"] is Verdict.CONFIRMED


def test_a_deleted_box_empties_its_field() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    folded = _fold(task, record, answer(task, {"buyer": None}))
    assert _verdicts(folded)["buyer"] is Verdict.REMOVED
    new = folded.record.fields["buyer"]
    assert (new.text, new.source, new.route) == ("", None, "accept")


def test_a_missing_field_that_was_drawn_is_there() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    drawn = box_drawn("signed", Box(100, 700, 300, 740), "2026年11月20日", page=2)
    folded = _fold(task, record, answer(task, drawn=[drawn]))
    new = folded.record.fields["signed"]
    assert (new.text, new.value) == ("2026年11月20日", "2026-11-20")
    assert new.source is not None
    assert new.source.page == 2
    assert _verdicts(folded)["signed"] is Verdict.DRAWN


def test_a_field_in_two_pieces_is_read_from_top_to_bottom() -> None:
    record = small_record()
    task = small_task(record)
    pieces = [
        box_drawn("signed", Box(100, 740, 300, 780), "20日", key="b"),
        box_drawn("signed", Box(100, 700, 300, 740), "2026年11月", key="c"),
    ]
    folded = _fold(task, record, answer(task, drawn=pieces))
    assert folded.record.fields["signed"].value == "2026-11-20"


def test_a_second_box_goes_on_where_the_first_one_ends() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    box = shown(task, "buyer").box
    rest = box_drawn("buyer", Box(box.x0, box.bottom, box.x1, box.bottom + 40), "第二分厂")
    folded = _fold(task, record, answer(task, drawn=[rest]))
    assert folded.record.fields["buyer"].text == "东风公司第二分厂"
    assert _verdicts(folded)["buyer"] is Verdict.RETYPED


def test_a_box_with_another_field_leaves_the_one_and_fills_the_other() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    renamed = replace(unchanged(shown(task, "buyer")), name="signed", text="2026-11-20")
    folded = _fold(task, record, answer(task, {"buyer": renamed}))
    assert _verdicts(folded) == {"buyer": Verdict.RENAMED, "signed": Verdict.RENAMED}
    assert folded.record.fields["buyer"].text == ""
    assert folded.record.fields["signed"].value == "2026-11-20"


def test_two_boxes_that_swap_their_fields_swap_them() -> None:
    record = small_record()
    task = small_task(record, "buyer", "total")
    buyer, total = unchanged(shown(task, "buyer")), unchanged(shown(task, "total"))
    folded = _fold(
        task,
        record,
        answer(
            task, {"buyer": replace(buyer, name="total"), "total": replace(total, name="buyer")}
        ),
    )
    assert _changed(record, folded.record) == {"buyer": "50", "total": "东风公司"}


def test_a_box_given_another_row_changes_both_rows() -> None:
    record = small_record()
    task = small_task(record, "items[0].amount")
    region = replace(unchanged(shown(task, "items[0].amount")), row=1)
    folded = _fold(task, record, answer(task, {"items[0].amount": region}))
    assert _changed(record, folded.record) == {"items[0].amount": "", "items[1].amount": "8"}


def test_a_box_drawn_anew_in_place_of_one_that_was_deleted_is_the_same_field() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    box = shown(task, "buyer").box
    again = box_drawn("buyer", Box(box.x0 + 1, box.top, box.x1, box.bottom), "西风公司")
    folded = _fold(task, record, answer(task, {"buyer": None}, drawn=[again]))
    assert _verdicts(folded)["buyer"] is Verdict.RETYPED
    assert folded.record.fields["buyer"].text == "西风公司"


def test_illegible_empties_the_text_and_keeps_the_place() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    region = retyped(task, "buyer", "东风公司", Mark.ILLEGIBLE)
    folded = _fold(task, record, answer(task, {"buyer": region}))
    new = folded.record.fields["buyer"]
    assert (new.text, new.route, new.reasons) == ("", "accept", ("illegible",))
    assert new.source == record.fields["buyer"].source


def test_printed_so_stays_accepted_though_its_check_still_fails() -> None:
    wrong = {"items[1].amount": field("22", cell_source("amount", 1))}
    record = small_record(wrong)
    task = small_task(record, "items[1].amount")
    region = retyped(task, "items[1].amount", "22", Mark.PRINTED_SO)
    folded = _fold(task, record, answer(task, {"items[1].amount": region}))
    assert any(check.passed is False for check in folded.record.checks)
    new = folded.record.groups["items"][1]["amount"]
    assert (new.route, new.reasons) == ("accept", ("confirmed", "printed_so"))


def test_a_check_that_fails_only_now_sends_what_nobody_saw_to_review() -> None:
    record = small_record()
    task = small_task(record, "items[0].amount")
    folded = _fold(
        task, record, answer(task, {"items[0].amount": retyped(task, "items[0].amount", "9")})
    )
    fields = dict(all_fields(folded.record))
    assert fields["items[0].amount"].route == "accept"
    assert fields["total"].route == "review"
    assert fields["items[1].amount"].reasons == ("check_failed:total",)
    assert fields["buyer"].route == "accept"


def test_a_check_that_failed_before_sends_nothing_new_to_review() -> None:
    record = small_record({"total": field("51", small_record().fields["total"].source)})
    task = small_task(record, "buyer")
    task = replace(task, regions=tuple(region for region in task.regions if region.name == "buyer"))
    folded = _fold(task, record, answer(task))
    assert dict(all_fields(folded.record))["items[1].amount"].route == "accept"


def test_a_row_that_was_struck_out_goes_and_those_after_it_move_up() -> None:
    record = small_record()
    task = small_task(record, "items[1].article")
    struck = retyped(task, "items[1].article", "梨", Mark.NO_SUCH_ROW)
    folded = _fold(task, record, answer(task, {"items[1].article": struck}))
    rows = folded.record.groups["items"]
    assert [row["article"].text for row in rows] == ["苹果", "香蕉"]
    assert _verdicts(folded)["items[1].amount"] is Verdict.ROW_REMOVED
    total = next(check for check in folded.record.checks if check.name == "total")
    assert total.passed is False
    assert rows[1]["amount"].reasons == ("check_failed:total",)


def test_a_row_drawn_between_others_stands_between_them() -> None:
    record = small_record()
    middle = {"items": (record.groups["items"][0], record.groups["items"][2])}
    record = replace(record, groups=middle)
    task = small_task(record, "buyer")
    drawn = [
        box_drawn("items.article", cell_box("article", 1), "梨"),
        box_drawn("items.amount", cell_box("amount", 1), "12"),
    ]
    folded = _fold(task, record, answer(task, drawn=drawn))
    rows = folded.record.groups["items"]
    assert [row["article"].text for row in rows] == ["苹果", "梨", "香蕉"]
    assert rows[1]["amount"].value == 12.0
    assert _verdicts(folded)["items[2].article"] is Verdict.ROW_ADDED
    assert rows[1]["limit"].text == ""
    # The shelf's cell reaches over the new row.
    assert rows[1]["shelf"].text == "甲"


def test_a_drawn_cell_belongs_to_the_row_it_is_level_with() -> None:
    record = small_record({"items[1].amount": field("", None)})
    task = small_task(record, "buyer")
    drawn = box_drawn("items.amount", cell_box("amount", 1), "12")
    folded = _fold(task, record, answer(task, drawn=[drawn]))
    assert _changed(record, folded.record) == {"items[1].amount": "12"}


def test_a_drawn_cell_of_a_merged_column_belongs_to_all_rows_beside_it() -> None:
    gone = {f"items[{row}].shelf": field("", None) for row in range(3)}
    record = small_record(gone)
    task = small_task(record, "buyer")
    drawn = box_drawn("items.shelf", cell_box("shelf", 0, 3), "丁")
    folded = _fold(task, record, answer(task, drawn=[drawn]))
    assert [row["shelf"].text for row in folded.record.groups["items"]] == ["丁"] * 3


def test_a_named_row_goes_before_the_place() -> None:
    record = small_record({"items[2].limit": field("", None)})
    task = small_task(record, "buyer")
    drawn = box_drawn("items.limit", cell_box("limit", 0), "33", row=2)
    folded = _fold(task, record, answer(task, drawn=[drawn]))
    assert _changed(record, folded.record) == {"items[2].limit": "33"}


def test_a_row_struck_out_and_drawn_anew_is_a_new_row() -> None:
    record = small_record()
    task = small_task(record, "items[1].article")
    struck = retyped(task, "items[1].article", "梨", Mark.NO_SUCH_ROW)
    drawn = box_drawn("items.article", cell_box("article", 1), "枣")
    folded = _fold(task, record, answer(task, {"items[1].article": struck}, drawn=[drawn]))
    rows = folded.record.groups["items"]
    assert [row["article"].text for row in rows] == ["苹果", "枣", "香蕉"]
    assert rows[1]["amount"].text == ""


def test_people_who_agree_are_of_one_mind_whatever_the_width_of_their_signs() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    first = answer(task, {"buyer": retyped(task, "buyer", "东风(集团)")}, author="a")
    second = answer(
        task, {"buyer": retyped(task, "buyer", "东风（集团） ")}, author="b", annotation_id=2
    )
    folded = _fold(task, record, first, second)
    assert folded.disagreements == ()
    assert folded.record.fields["buyer"].text == "东风（集团）"


def test_people_who_disagree_leave_the_field_open() -> None:
    record = small_record()
    task = small_task(record, "buyer", "total")
    first = answer(task, {"buyer": retyped(task, "buyer", "甲公司")}, author="a")
    second = answer(task, {"buyer": retyped(task, "buyer", "乙公司")}, author="b", annotation_id=2)
    folded = _fold(task, record, first, second)
    (open_one,) = folded.disagreements
    assert (open_one.path, open_one.texts) == ("buyer", {"a": "甲公司", "b": "乙公司"})
    field_now = folded.record.fields["buyer"]
    assert (field_now.text, field_now.route) == ("东风公司", "review")
    assert "disagreement" in field_now.reasons
    assert folded.record.fields["total"].reasons == ("confirmed",)


def test_a_third_vote_makes_a_majority() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    said = ["甲公司", "乙公司", "甲公司"]
    answers = [
        answer(
            task,
            {"buyer": retyped(task, "buyer", text)},
            author=f"person {number}",
            annotation_id=number,
        )
        for number, text in enumerate(said)
    ]
    folded = _fold(task, record, *answers)
    assert folded.disagreements == ()
    assert folded.record.fields["buyer"].text == "甲公司"


def test_an_engineer_settles_a_disagreement() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    first = answer(task, {"buyer": retyped(task, "buyer", "甲公司")}, author="a")
    second = answer(task, {"buyer": None}, author="b", annotation_id=2)
    open_one = _fold(task, record, first, second)
    assert open_one.disagreements[0].texts == {"a": "甲公司", "b": NOT_THERE_TEXT}
    by_choice = {
        "甲公司": "甲公司",
        "丙公司": "丙公司",
        NOT_THERE_TEXT: "",
        ILLEGIBLE_TEXT: "",
    }
    for choice, expected in by_choice.items():
        folded = _fold(task, record, first, second, buyer=choice)
        assert folded.disagreements == ()
        assert folded.record.fields["buyer"].text == expected
        assert folded.record.fields["buyer"].route == "accept"


def test_one_who_strikes_a_row_out_and_one_who_keeps_it_disagree() -> None:
    record = small_record()
    task = small_task(record, "items[1].article")
    struck = retyped(task, "items[1].article", "梨", Mark.NO_SUCH_ROW)
    first = answer(task, {"items[1].article": struck}, author="a")
    second = answer(task, author="b", annotation_id=2)
    folded = fold(task, record, [first, second], DECLARATION)
    assert len(folded.record.groups["items"]) == 3
    assert [one.path for one in folded.disagreements] == ["items[1].article"]
    settled = fold(
        task, record, [first, second], DECLARATION, {"items[1].article": ROW_REMOVED_TEXT}
    )
    assert len(settled.record.groups["items"]) == 2
    kept = fold(task, record, [first, second], DECLARATION, {"items[1].article": "梨"})
    assert len(kept.record.groups["items"]) == 3
    assert kept.disagreements == ()


def test_one_who_draws_what_another_found_missing_disagrees() -> None:
    record = small_record()
    task = small_task(record)
    drawn = box_drawn("signed", Box(100, 700, 300, 740), "2026-11-20")
    first = answer(task, drawn=[drawn], author="a")
    second = answer(task, author="b", annotation_id=2)
    folded = _fold(task, record, first, second)
    assert [one.path for one in folded.disagreements] == ["signed"]


def test_the_newest_annotation_of_one_person_counts() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    old = answer(task, {"buyer": retyped(task, "buyer", "甲公司")}, annotation_id=1)
    new = answer(task, {"buyer": retyped(task, "buyer", "乙公司")}, annotation_id=2, minutes=5)
    folded = _fold(task, record, new, old)
    assert folded.record.fields["buyer"].text == "乙公司"
    assert {item.annotation_id for item in folded.corrections} == {2}


def test_an_edited_annotation_replaces_what_it_said_before() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    wrong = answer(task, {"buyer": retyped(task, "buyer", "甲公司")})
    right = answer(task, minutes=1)
    folded = _fold(task, record, right, wrong)
    assert folded.record.fields["buyer"].text == "东风公司"


def test_pages_are_those_of_the_record_though_one_was_never_read() -> None:
    record = small_record()
    record = replace(record, pages=(replace(record.pages[0], number=2),))
    task = small_task(record)
    drawn = box_drawn("signed", Box(100, 700, 300, 740), "2026-11-20", page=1)
    folded = _fold(task, record, answer(task, drawn=[drawn]))
    source = folded.record.fields["signed"].source
    assert source is not None
    assert source.page == 2


def test_corrections_say_who_when_and_whether_it_was_the_audit() -> None:
    record = small_record()
    task = small_task(record, "buyer")
    task = replace(task, regions=tuple(replace(region, audit=True) for region in task.regions))
    said = answer(task, {"buyer": retyped(task, "buyer", "甲公司")}, author="a")
    (correction, _) = _fold(task, record, said).corrections
    assert correction.before is not None
    assert correction.after is not None
    assert (correction.before.text, correction.after.text) == ("东风公司", "甲公司")
    assert (correction.author, correction.annotation_id) == ("a", 1)
    assert (correction.at, correction.audit) == (said.updated_at, True)
