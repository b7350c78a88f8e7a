from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from extraction.declarations import load_declarations
from extraction.fields.drafts import Drafts
from extraction.fields.find import find_drafts
from extraction.values import Box, LabelledWord
from tests.extraction.truth_forms import (
    NAMES,
    TruthForm,
    grid_of,
    labelled_word,
    read_truth,
    with_noisy_labels,
    word,
)

TARGET, EVALUATION = load_declarations()


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def drafts_of(form: TruthForm) -> Drafts:
    return find_drafts(EVALUATION, form.grids, form.loose, form.labelled)


def mistakes(form: TruthForm, drafts: Drafts) -> list[str]:
    wrong = [
        name
        for name, text in form.truth["fields"].items()  # type: ignore[attr-defined]
        if plain(drafts.fields[name].text) != plain(text)
    ]
    for group in ("funds", "indicators"):
        rows = form.truth[group]
        found = drafts.groups[group]
        if len(rows) != len(found):  # type: ignore[arg-type]
            wrong.append(f"{group} has {len(found)} rows")
        for number, (row, own) in enumerate(zip(rows, found, strict=False)):  # type: ignore[call-overload]
            wrong += [
                f"{group}[{number}].{column}"
                for column, text in row.items()
                if plain(own[column].text) != plain(text)
            ]
    return wrong


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_reading_gives_the_truth(name: str) -> None:
    form = read_truth(name)
    assert mistakes(form, drafts_of(form)) == []


@pytest.mark.parametrize("name", NAMES)
def test_one_word_in_ten_mislabelled_changes_nothing(name: str) -> None:
    form = read_truth(name)
    for seed in range(5):
        noisy = with_noisy_labels(form, 0.1, seed)
        assert mistakes(noisy, drafts_of(noisy)) == []


@pytest.mark.parametrize("name", NAMES)
def test_printed_keys_alone_are_enough(name: str) -> None:
    form = replace(read_truth(name), labelled={})
    assert mistakes(form, drafts_of(form)) == []


def test_each_printed_field_says_where_it_stands() -> None:
    form = read_truth("seed_001")
    drafts = drafts_of(form)
    for path, draft in drafts.paths():
        assert draft.source is not None, path
        if draft.source.table is not None:
            cells = form.grids[draft.source.table].cells
            place = (draft.source.row, draft.source.column)
            cell = next(c for c in cells if (c.row, c.column) == place)
            assert (draft.source.page, draft.source.box) == (cell.page, cell.box)


def test_labels_find_values_whose_keys_are_unknown() -> None:
    grid = grid_of([["甲方案", "道路养护工程"], ["乙机构", "交通运输局"]])
    cells = {cell.text: cell.words[0] for cell in grid.cells}
    labelled = {
        cells["甲方案"]: labelled_word(cells["甲方案"], "key"),
        cells["道路养护工程"]: labelled_word(cells["道路养护工程"], "project_name"),
        cells["乙机构"]: labelled_word(cells["乙机构"], "key"),
        cells["交通运输局"]: labelled_word(cells["交通运输局"], "department"),
    }
    drafts = find_drafts(EVALUATION, (grid,), (), labelled)
    assert drafts.fields["project_name"].text == "道路养护工程"
    assert drafts.fields["department"].text == "交通运输局"


def test_a_blank_value_is_a_field_with_a_place_and_no_text() -> None:
    grid = grid_of([["项目负责人", "", "联系电话", "88827103"]])
    drafts = find_drafts(EVALUATION, (grid,), (), {})
    leader = drafts.fields["leader"]
    assert (leader.text, leader.value) == ("", None)
    assert leader.source is not None
    assert leader.source.column == 1
    assert drafts.fields["phone"].text == "88827103"


def test_a_field_that_the_form_does_not_print_has_no_source() -> None:
    drafts = find_drafts(EVALUATION, (), (), {})
    assert all(draft.source is None for draft in drafts.fields.values())
    assert drafts.groups == {"funds": (), "indicators": ()}


@pytest.mark.parametrize("key", ["项目名称：", "项目名 称", "项日名称", "项目(专项)名称"])
def test_keys_are_found_with_slips_spaces_and_marks(key: str) -> None:
    grid = grid_of([[key, "河道清淤"]])
    assert find_drafts(EVALUATION, (grid,), (), {}).fields["project_name"].text == "河道清淤"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("主管部门", "department"),
        ("主管部门及代码", "department_code"),
        ("主管部门(代码)", "department_code"),
    ],
)
def test_a_key_as_it_stands_is_of_the_field_that_declares_it_so(key: str, name: str) -> None:
    """主管部门 was 主管部门(代码) without its brackets as well, and its value that field's."""
    grid = grid_of([[key, "漯河市农机管理局"]])
    (value,) = grid.cells[1].words
    unsure = LabelledWord(value, "department_code", 0.5, "department", 0.45)
    if name == "department_code":
        unsure = LabelledWord(value, "department", 0.5, "department_code", 0.45)
    fields = find_drafts(TARGET, (grid,), (), {value: unsure}).fields
    assert {n for n, draft in fields.items() if draft.text} == {name}


def test_key_and_value_may_share_a_cell_or_a_line() -> None:
    grid = grid_of([[("项目名称：河道清淤", 1, 2), None], ["甲", "乙"]])
    line = word("主管部门：水务局  联系电话：88827103", Box(100, 50, 600, 70))
    fields = find_drafts(EVALUATION, (grid,), (line,), {}).fields
    assert fields["project_name"].text == "河道清淤"
    assert fields["department"].text.strip() == "水务局"
    assert fields["phone"].text == "88827103"


def test_a_label_whose_cut_off_head_is_the_key_of_the_year_is_no_year() -> None:
    """年度总体目标 beside the goals was cut after 年度, and its rest was the year."""
    grid = grid_of([["年度", "计划目标"], ["总体目标及完成情况", "河道清淤"]])
    line = word("〔2025年度〕", Box(300, 20, 420, 40))
    fields = find_drafts(EVALUATION, (grid,), (line,), {}).fields
    assert fields["year"].text == "2025"


def test_a_row_whose_rulings_the_scan_lost_is_read_by_its_keys() -> None:
    """The first row of a fax stood above its table, and the form had no name."""
    grid = grid_of([["主管部门", "水务局"], ["联系电话", "88827103"]])
    line = [
        word("项目（专项）名称", Box(100, 50, 240, 70)),
        word("河道清淤", Box(300, 50, 380, 70)),
        word("实施单位", Box(500, 50, 580, 70)),
        word("河道管理所", Box(640, 50, 740, 70)),
        word("主管部门", Box(800, 50, 880, 70)),
        word("财政局", Box(900, 50, 960, 70)),
    ]
    fields = find_drafts(EVALUATION, (grid,), line, {}).fields
    assert fields["project_name"].text == "河道清淤"
    assert fields["implementing_unit"].text == "河道管理所"
    # A cell that a key points to is nearer than words above the table.
    assert fields["department"].text == "水务局"


def test_an_opening_of_a_goal_that_reads_like_a_key_stays_in_its_text() -> None:
    grid = grid_of(
        [["预期目标", "实际完成情况"], ["年度目标：清淤三公里", "完成情况：已清淤三公里"]]
    )
    fields = find_drafts(EVALUATION, (grid,), (), {}).fields
    assert fields["goal_expected"].text == "年度目标：清淤三公里"
    assert fields["goal_actual"].text == "完成情况：已清淤三公里"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("（2021年度）", "2021"),
        ("( 2021 年 度 )", "2021"),
        ("年度：2021", "2021"),
        ("二〇二一年度", "二〇二一"),
    ],
)
def test_the_year_is_taken_out_of_its_line(line: str, text: str) -> None:
    words = (word("项目支出绩效自评表", Box(300, 20, 700, 60)), word(line, Box(400, 70, 600, 90)))
    year = find_drafts(EVALUATION, (), words, {}).fields["year"]
    assert (year.text, year.value) == (text, 2021)


def test_a_spaced_title_is_one_text() -> None:
    words = tuple(
        word(letter, Box(100 + 40 * k, 20, 130 + 40 * k, 50))
        for k, letter in enumerate("项目支出绩效自评表")
    )
    assert find_drafts(EVALUATION, (), words, {}).fields["title"].text == "项目支出绩效自评表"


def test_a_title_in_the_first_merged_row_is_found() -> None:
    grid = grid_of([[("2021年度项目支出绩效自评表", 1, 2), None], ["项目名称", "河道清淤"]])
    fields = find_drafts(EVALUATION, (grid,), (), {}).fields
    assert fields["title"].text == "2021年度项目支出绩效自评表"
    assert fields["year"].text == "2021"
    assert fields["title"].source is not None
    assert fields["title"].source.table == 0


def test_department_and_code_share_a_key_and_so_a_field() -> None:
    grid = grid_of([["主管部门及代码", "水务局 136", "实施单位", "河道管理处"]])
    fields = find_drafts(TARGET, (grid,), (), {}).fields
    assert fields["department_code"].text == "水务局 136"
    assert fields["department"].text == ""
    assert fields["implementing_unit"].text == "河道管理处"


def test_goals_below_their_keys_are_told_from_the_section_beside_them() -> None:
    grid = grid_of(
        [
            [("总体目标", 2, 1), "中期目标（2021年—2023年）", "年度目标"],
            [None, "三年清淤九公里", "清淤三公里"],
        ]
    )
    fields = find_drafts(TARGET, (grid,), (), {}).fields
    assert fields["goal_medium_term"].text == "三年清淤九公里"
    assert fields["goal_annual"].text == "清淤三公里"
