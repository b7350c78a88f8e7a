from __future__ import annotations

from dataclasses import replace

from extraction.declarations import load_declarations
from extraction.fields.drafts import Row
from extraction.fields.find import find_drafts
from extraction.values import Cell, Grid, Word
from tests.extraction.truth_forms import grid_of, labelled_word

TARGET, EVALUATION = load_declarations()
HEADER = [
    "一级指标",
    "二级指标",
    "三级指标",
    "年度指标值",
    "实际完成值",
    "分值",
    "得分",
    "偏差原因",
]


def indicators(*grids: Grid, declaration=EVALUATION) -> tuple[Row, ...]:  # type: ignore[no-untyped-def]
    return find_drafts(declaration, grids, (), {}).groups["indicators"]


def texts(rows: tuple[Row, ...], *columns: str) -> list[tuple[str, ...]]:
    return [tuple(row[column].text for column in columns) for row in rows]


def row_of(name: str, *, level1: object = "产出指标", level2: object = "数量指标") -> list[object]:
    return [level1, level2, name, "3公里", "3公里", "10", "10", ""]


def test_a_merged_cell_stands_in_each_row_that_it_covers_with_one_source() -> None:
    grid = grid_of([HEADER, row_of("清淤", level1=("产出指标", 2, 1)), row_of("清障", level1=None)])
    first, second = indicators(grid)
    assert first["level1"].text == second["level1"].text == "产出指标"
    assert first["level1"].source == second["level1"].source


def test_an_empty_cell_is_a_field_and_an_unprinted_column_has_no_source() -> None:
    grid = grid_of([HEADER[:-1], row_of("清淤")[:-1]])
    (row,) = indicators(grid)
    assert row["deviation"].source is None
    (full,) = indicators(grid_of([HEADER, row_of("清淤")]))
    assert full["deviation"].text == ""
    assert full["deviation"].source is not None


def test_columns_in_another_order_are_told_by_their_headers() -> None:
    order = [0, 1, 2, 5, 3, 4, 6, 7]
    grid = grid_of([[HEADER[k] for k in order], [row_of("清淤")[k] for k in order]])
    assert texts(indicators(grid), "weight", "target", "score") == [("10", "3公里", "10")]


def test_a_column_of_no_field_between_the_others_is_left_out() -> None:
    grid = grid_of(
        [[*HEADER[:3], "计量单位", *HEADER[3:]], ["产出", "数量", "清淤", "公里", *"34567"]]
    )
    assert texts(indicators(grid), "level3", "target", "actual") == [("清淤", "3", "4")]


def test_the_totals_row_ends_the_group_and_gives_the_totals() -> None:
    grid = grid_of([HEADER, row_of("清淤"), [("总分", 1, 5), *[None] * 4, "100", "98.5", ""]])
    drafts = find_drafts(EVALUATION, (grid,), (), {})
    assert len(drafts.groups["indicators"]) == 1
    assert drafts.fields["total_weight"].text == "100"
    assert drafts.fields["total_score"].text == "98.5"


def test_the_totals_row_ends_the_group_where_its_key_was_cut_by_a_line_that_is_none() -> None:
    total: list[object] = ["", ("总分", 1, 4), *[None] * 3, "100", "98.5", ""]
    drafts = find_drafts(EVALUATION, (grid_of([HEADER, row_of("清淤"), total]),), (), {})
    assert len(drafts.groups["indicators"]) == 1
    assert drafts.fields["total_score"].text == "98.5"


def test_a_totals_row_without_a_legible_key_is_known_by_its_shape() -> None:
    grid = grid_of([HEADER, row_of("清淤"), [("", 1, 5), *[None] * 4, "100", "98.5", ""]])
    drafts = find_drafts(EVALUATION, (grid,), (), {})
    assert len(drafts.groups["indicators"]) == 1
    assert drafts.fields["total_weight"].text == "100"
    assert drafts.fields["total_score"].text == "98.5"


def test_a_totals_row_over_all_names_is_no_row_of_the_group_whatever_it_says() -> None:
    """Of its key 分 was left, and the total became an indicator of 100 points."""
    total = [("分", 1, 3), None, None, "", "", "100", "92.76", ""]
    grid = grid_of([HEADER, row_of("清淤"), row_of("清障"), total])
    drafts = find_drafts(EVALUATION, (grid,), (), {})
    assert texts(drafts.groups["indicators"], "level3") == [("清淤",), ("清障",)]
    assert drafts.fields["total_weight"].text == "100"
    assert drafts.fields["total_score"].text == "92.76"


def test_a_usual_text_cut_in_two_by_the_page_is_whole_again() -> None:
    rows = [HEADER, row_of("清淤", level2="可持续影"), row_of("清障", level2="响指标")]
    assert texts(indicators(on_page_two(grid_of(rows), 2)), "level2") == [
        ("可持续影响指标",),
        ("可持续影响指标",),
    ]


def test_a_header_repeated_on_the_next_page_gives_no_row() -> None:
    grid = on_page_two(grid_of([HEADER, row_of("清淤"), HEADER, row_of("清障")]), 2)
    assert texts(indicators(grid), "level3") == [("清淤",), ("清障",)]


def test_a_repeated_header_that_was_read_better_takes_no_rows_from_the_pages_before() -> None:
    """All rows but the last page's were lost, since its header alone was read without a slip."""
    misread = [*HEADER[:3], "年皮指杯佰", *HEADER[4:]]
    grid = grid_of([misread, row_of("清淤"), row_of("清障"), HEADER, row_of("绿化")])
    assert texts(indicators(grid), "level3") == [("清淤",), ("清障",), ("绿化",)]


def test_a_section_that_reads_like_a_header_is_not_as_high_as_one() -> None:
    """All rows were lost, since the section's cell covers them and two headers alone were read."""
    header = [("绩效指标", 3, 1), "级指标", "级指标", "级指标", "指标值"]
    rows = [
        [None, level1, "数量指标", name, "3公里"]
        for level1, name in (("产出指标", "清淤"), ("产出指标", "清障"))
    ]
    found = indicators(grid_of([header, *rows]), declaration=TARGET)
    assert [row["target"].text for row in found] == ["3公里", "3公里"]


def test_a_merged_cell_cut_by_the_page_is_filled_from_its_other_half() -> None:
    grid = on_page_two(
        grid_of([HEADER, row_of("清淤"), row_of("清障", level1="", level2="质量指标")]), 2
    )
    grid = continuing(grid, {(2, 0)})
    assert texts(indicators(grid), "level1", "level2") == [
        ("产出指标", "数量指标"),
        ("产出指标", "质量指标"),
    ]


def test_a_blank_merged_cell_under_a_repeated_header_belongs_to_the_page_before() -> None:
    rows = [HEADER, row_of("清淤"), HEADER, row_of("清障", level1="")]
    grid = on_page_two(grid_of(rows), 2)
    assert texts(indicators(grid), "level1") == [("产出指标",), ("产出指标",)]


def test_a_repeated_header_is_never_the_first_half_of_the_cell_below_it() -> None:
    rows = [HEADER, row_of("清淤"), HEADER, row_of("清障", level1="")]
    grid = continuing(on_page_two(grid_of(rows), 2), {(3, 0)})
    assert texts(indicators(grid), "level1") == [("产出指标",), ("产出指标",)]


def test_a_row_cut_by_the_page_runs_on_below_a_repeated_header() -> None:
    tail = ["", "", "", "，其中城区一公里", "", "", "", ""]
    rows = [HEADER, row_of("清淤"), HEADER, tail, row_of("清障")]
    grid = continuing(on_page_two(grid_of(rows), 2), {(3, column) for column in range(8)})
    assert texts(indicators(grid), "level3", "target") == [
        ("清淤", "3公里，其中城区一公里"),
        ("清障", "3公里"),
    ]


def test_a_row_cut_by_the_page_is_one_row_and_its_sentence_runs_on() -> None:
    rows = [HEADER, row_of("清淤"), ["", "", "", "，其中城区一公里", "", "", "", ""]]
    grid = continuing(on_page_two(grid_of(rows), 2), {(2, column) for column in range(8)})
    assert texts(indicators(grid), "level3", "target", "actual") == [
        ("清淤", "3公里，其中城区一公里", "3公里")
    ]


def test_a_row_cut_by_the_page_is_mended_also_where_nothing_marks_it() -> None:
    rows = [HEADER, row_of("清淤"), ["", "", "", "，其中城区一公里", "", "", "", ""]]
    grid = on_page_two(grid_of(rows), 2)
    assert texts(indicators(grid), "level3", "target") == [("清淤", "3公里，其中城区一公里")]


def test_a_table_that_was_not_joined_keeps_its_columns_on_the_next_page() -> None:
    first = grid_of([HEADER, row_of("清淤")])
    second = grid_of([row_of("清障"), row_of("绿化")], page=2)  # type: ignore[list-item]
    assert texts(indicators(first, second), "level3", "score") == [
        ("清淤", "10"),
        ("清障", "10"),
        ("绿化", "10"),
    ]


def test_labels_alone_make_rows_where_the_header_is_lost() -> None:
    grid = grid_of([row_of("清淤"), row_of("清障")])  # type: ignore[list-item]
    names = ["level1", "level2", "level3", "target", "actual", "weight", "score"]
    labelled = {
        cell.words[0]: labelled_word(cell.words[0], f"indicators.{names[cell.column]}")
        for cell in grid.cells
        if cell.words
    }
    rows = find_drafts(EVALUATION, (grid,), (), labelled).groups["indicators"]
    assert texts(rows, "level1", "level3", "weight") == [
        ("产出指标", "清淤", "10"),
        ("产出指标", "清障", "10"),
    ]


def test_doubled_columns_give_rows_from_left_to_right_line_by_line() -> None:
    half = ["二级指标", "三级指标", "指标值"]
    grid = grid_of(
        [
            ["一级指标", *half, *half],
            [("产出指标", 2, 1), "数量指标", "甲", "1", "数量指标", "乙", "2"],
            [None, "质量指标", "丙", "3", "质量指标", "丁", "4"],
        ]
    )
    rows = indicators(grid, declaration=TARGET)
    assert texts(rows, "level1", "level3", "target") == [
        ("产出指标", "甲", "1"),
        ("产出指标", "乙", "2"),
        ("产出指标", "丙", "3"),
        ("产出指标", "丁", "4"),
    ]


def test_the_second_half_of_doubled_columns_is_read_where_its_first_header_was_not() -> None:
    """一级指标 came out as 级指标 on a fax, and half of the rows were lost."""
    half = ["二级指标", "三级指标", "指标值"]
    grid = grid_of(
        [
            ["一级指标", *half, "级", *half],
            ["产出指标", "数量指标", "甲", "1", "产出指标", "数量指标", "乙", "2"],
            ["效益指标", "社会效益", "丙", "3", "满意度指标", "服务对象满意度", "丁", "4"],
        ]
    )
    rows = indicators(grid, declaration=TARGET)
    assert texts(rows, "level1", "level3", "target") == [
        ("产出指标", "甲", "1"),
        ("产出指标", "乙", "2"),
        ("效益指标", "丙", "3"),
        ("满意度指标", "丁", "4"),
    ]


def test_funds_side_by_side_are_pairs_from_left_to_right() -> None:
    grid = grid_of(
        [
            [("项目资金（万元）", 2, 1), "中期资金总额：", "300", "年度资金总额：", "100"],
            [None, "其中：财政拨款", "300", "其中：财政拨款", ""],
            ["总体目标", "中期目标", ("年度目标", 1, 3), None, None],
        ]
    )
    rows = find_drafts(TARGET, (grid,), (), {}).groups["funds"]
    assert texts(rows, "item", "amount") == [
        ("中期资金总额：", "300"),
        ("年度资金总额：", "100"),
        ("其中：财政拨款", "300"),
        ("其中：财政拨款", ""),
    ]


def test_an_item_and_its_amount_may_share_a_cell() -> None:
    grid = grid_of(
        [[("项目资金", 2, 1), "年度资金总额：100万元"], [None, "其中：财政拨款：60万元"]]
    )
    rows = find_drafts(TARGET, (grid,), (), {}).groups["funds"]
    assert texts(rows, "item", "amount") == [
        ("年度资金总额", "100万元"),
        ("其中：财政拨款", "60万元"),
    ]
    assert rows[0]["amount"].value == 100


def test_the_value_of_another_key_is_no_row_of_funds() -> None:
    grid = grid_of([["资金性质", "财政拨款"], ["年度资金总额", "100"]])
    rows = find_drafts(TARGET, (grid,), (), {}).groups["funds"]
    assert texts(rows, "item") == [("年度资金总额",)]


def on_page_two(grid: Grid, first_row: int) -> Grid:
    """The same grid with its rows from ``first_row`` on the next page."""

    def moved(cell: Cell) -> Cell:
        if cell.row < first_row:
            return cell
        return replace(cell, page=2, words=tuple(_moved(item) for item in cell.words))

    return replace(grid, cells=tuple(map(moved, grid.cells)))


def _moved(item: Word) -> Word:
    return replace(item, page=2)


def continuing(grid: Grid, places: set[tuple[int, int]]) -> Grid:
    cells = (
        replace(cell, continues=True) if (cell.row, cell.column) in places else cell
        for cell in grid.cells
    )
    return replace(grid, cells=tuple(cells))


def test_a_line_that_holds_but_the_end_of_a_merged_text_is_no_row() -> None:
    tail = ["标（10分）", "", "", "", "", "", "", ""]
    rows = [HEADER, row_of("满意率", level1="满意度指"), HEADER, tail]
    found = indicators(on_page_two(grid_of(rows), 2))
    assert texts(found, "level1", "level3") == [("满意度指标（10分）", "满意率")]


def test_a_label_whose_text_a_page_break_cuts_is_one() -> None:
    """满意度 and 指标（10分） were two, though 指标 alone is a header as well."""
    rows = [
        HEADER,
        row_of("家长满意度", level1="满意度", level2="服务对象"),
        row_of("学生满意度", level1="指标（10分）", level2="满意度指标"),
        row_of("教师满意度"),
    ]
    found = indicators(on_page_two(grid_of(rows), 2))
    labels = ("满意度指标（10分）", "服务对象满意度指标")
    assert texts(found, "level1", "level2", "level3")[:2] == [
        (*labels, "家长满意度"),
        (*labels, "学生满意度"),
    ]


def test_two_labels_on_both_sides_of_a_page_break_stay_two() -> None:
    rows = [
        HEADER,
        row_of("清淤", level1="产出指标", level2="数量指标"),
        row_of("验收", level1="产出指标", level2="质量指标"),
    ]
    found = indicators(on_page_two(grid_of(rows), 2))
    assert texts(found, "level2") == [("数量指标",), ("质量指标",)]


def test_a_section_printed_again_on_the_next_page_goes_on_though_it_was_misread_before() -> None:
    """Ten rows of the next page were lost, since 绩效指.标完成情 is not 绩效指标完成情况."""
    grid = grid_of(
        [
            [("绩效指.标完成情", 2, 1), *HEADER],
            [None, *row_of("清淤")],
            [("绩效指标完成情况", 2, 1), *row_of("清障")],
            [None, *row_of("养护")],
        ]
    )
    assert texts(indicators(grid), "level3") == [("清淤",), ("清障",), ("养护",)]
    other = grid_of(
        [
            [("绩效指标", 2, 1), *HEADER],
            [None, *row_of("清淤")],
            [("其他说明", 2, 1), *row_of("清障")],
            [None, *row_of("养护")],
        ]
    )
    assert texts(indicators(other), "level3") == [("清淤",)]
