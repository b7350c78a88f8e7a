from __future__ import annotations

import pytest

from extraction.declarations import load_declarations
from extraction.fields.form_type import find_form_type
from extraction.values import Box
from tests.extraction.truth_forms import NAMES, grid_of, read_truth, word

DECLARATIONS = load_declarations()
KIN = [
    ["单位名称", "水务局", "", "", "", ""],
    ["", "年初预算数", "全年预算数", "全年执行数", "分值", "得分"],
    ["年度资金总额", "10", "10", "10", "10", "10"],
    ["一级指标", "二级指标", "三级指标", "年度指标值", "实际完成值", "得分"],
    ["产出指标", "数量指标", "清淤", "3", "3", "10"],
]


def type_of(title: str, rows: list[list[str]]) -> str | None:
    line = (word(title, Box(100, 20, 500, 60)),) if title else ()
    found, _, _ = find_form_type(DECLARATIONS, (grid_of(rows),), line, {})
    return None if found is None else found.name


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_known_with_and_without_labels_and_title(name: str) -> None:
    form = read_truth(name)
    for loose, labelled in ((form.loose, form.labelled), (form.loose, {}), ((), {})):
        found, probability, reasons = find_form_type(DECLARATIONS, form.grids, loose, labelled)
        assert found is not None
        assert found.name == "project_self_evaluation"
        assert probability > 0.5
        assert reasons


@pytest.mark.parametrize(
    "title",
    [
        "项目支出绩效自评表",
        "项 目 支 出 绩 效 自 评 表",
        "北京市市级项目支出绩效自评表",
        "2021年度县级预算项目绩效自评表",
        "项目支出缋效自评表",
        "项目支出绩效自评表（2021年度）",
    ],
)
def test_titles_are_known_with_prefixes_spaces_and_slips(title: str) -> None:
    assert type_of(title, [["项目名称", "河道清淤"], ["单位名称", "水务局"]]) is not None


@pytest.mark.parametrize(
    "title",
    ["部门整体支出绩效自评表", "单位整体支出绩效自评表", "项目支出绩效运行监控表", "课程表"],
)
def test_kin_with_the_same_headers_but_another_title_is_unknown(title: str) -> None:
    assert type_of(title, KIN) is None


@pytest.mark.parametrize(
    "lines",
    [
        ("公开13表", "项目支出绩效音评清沉表"),
        ("转移支付支出绩效自评表",),
    ],
)
def test_a_title_that_a_fax_garbled_does_not_hide_a_form_that_prints_all_else(
    lines: tuple[str, ...],
) -> None:
    """Two whole records were lost: 公开13表 and 转移支付支出… passed for other titles."""
    loose = tuple(
        word(line, Box(100, 20 + 60 * at, 500, 60 + 60 * at)) for at, line in enumerate(lines)
    )
    form = read_truth(NAMES[0])
    found, _, _ = find_form_type(DECLARATIONS, form.grids, loose, form.labelled)
    assert found is not None
    assert found.name == "project_self_evaluation"


@pytest.mark.parametrize(
    "title", ["部门整休支出绩效自评表", "项目支出绩效运行监拉表", "公开13表", "河道管护合同登记表"]
)
def test_a_form_that_prints_all_else_under_another_title_is_unknown(title: str) -> None:
    form = read_truth(NAMES[0])
    line = word(title, Box(100, 20, 500, 60))
    found, _, _ = find_form_type(DECLARATIONS, form.grids, (line,), form.labelled)
    assert found is None


def test_target_and_evaluation_are_told_apart_by_their_titles() -> None:
    rows = [["项目名称", "河道清淤"], ["主管部门", "水务局"], ["实施单位", "河道处"]]
    assert type_of("项目支出绩效目标申报表", rows) == "project_performance_target"
    assert type_of("项目支出绩效目标自评表", rows) == "project_self_evaluation"


@pytest.mark.parametrize(
    "rows",
    [
        [["星期一", "星期二"], ["语文", "数学"]],
        [["项目名称", "主管部门", "预算数"], ["河道清淤", "水务局", "300"]],
        [["一级指标", "二级指标"], ["产出指标", "数量指标"]],
    ],
)
def test_other_tables_without_a_title_are_unknown(rows: list[list[str]]) -> None:
    assert type_of("", rows) is None


def test_nothing_read_is_unknown() -> None:
    found, probability, _ = find_form_type(DECLARATIONS, (), (), {})
    assert found is None
    assert probability < 0.1
