from __future__ import annotations

from pathlib import Path

import pytest

from extraction.declarations import (
    FORMS_FOLDER,
    check_declaration,
    field_paths,
    labels,
    load_declarations,
)
from extraction.errors import DeclarationError

SMALL = """
name: leave_request
title: 请假单
titles: [请假单]
fields:
  - {name: applicant, title: 申请人, keys: [申请人, 姓名]}
  - {name: days, title: 天数, kind: number, keys: [天数]}
"""


def write(folder: Path, text: str, name: str = "leave_request.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_shipped_declarations_load_and_keep_their_names() -> None:
    assert [d.name for d in load_declarations()] == [
        "project_performance_target",
        "project_self_evaluation",
    ]


def test_labels_open_with_other_and_key_and_name_shared_paths_once() -> None:
    found = labels(load_declarations())
    assert found[:2] == ("other", "key")
    assert len(found) == len(set(found))
    assert {"title", "funds.item", "funds.amount", "indicators.deviation"} <= set(found)


def test_labels_follow_the_order_of_the_declaration() -> None:
    declaration = load_declarations()[1]
    found = labels((declaration,))
    assert found[2:] == field_paths(declaration)
    assert found.index("funds.item") < found.index("indicators.level1")


def test_another_form_type_is_another_file(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    (declaration,) = load_declarations(tmp_path)
    assert labels((declaration,)) == ("other", "key", "applicant", "days")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind: number", "kind: numbr", "kind"),
        ("title: 天数, ", "", "title: missing; add it"),
        ("keys: [天数]", "keyz: [天数]", "keyz: remove it or correct its spelling"),
        ("name: days", "name: applicant", "declared twice"),
        ("name: days", "name: 天数", "name"),
        ("kind: number", "pattern: '([0-9'", "no regular expression"),
        ("kind: number", "pattern: '[0-9]'", "put brackets around"),
        ("name: leave_request", "name: holiday", "rename it or the file"),
        ("fields:", "fields: [", "is not YAML"),
    ],
)
def test_a_wrong_declaration_names_file_place_and_cure(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    path = write(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(DeclarationError) as raised:
        check_declaration(path)
    assert expected in str(raised.value)
    assert str(path) in str(raised.value)


def test_a_check_of_a_field_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    checks = "checks:\n  - {kind: format, name: days_format, fields: [day]}\n"
    path = write(tmp_path, SMALL + checks)
    with pytest.raises(DeclarationError, match="nothing is named 'day'"):
        check_declaration(path)


def test_missing_file_and_empty_folder_are_declaration_errors(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="cannot be read"):
        check_declaration(tmp_path / "none.yaml")
    with pytest.raises(DeclarationError, match="put a form declaration there"):
        load_declarations(tmp_path)


def test_no_python_file_names_a_field_of_a_form() -> None:
    telling = {"goal_expected", "goal_medium_term", "budget_initial", "execution_rate"}
    root = FORMS_FOLDER.parents[1]
    packages = ("extraction", "models", "annotation", "archive", "workers", "service")
    naming = [
        path
        for package in packages
        for path in (root / package).rglob("*.py")
        if any(name in path.read_text("utf-8") for name in telling)
    ]
    assert naming == []
