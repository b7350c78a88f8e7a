from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.declarations import ValueKind
from extraction.normalise import says_nothing, text_to_quantity, text_to_value


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("2,926.000000", "number", 2926.0),
        ("２，９２６．５０", "number", 2926.5),
        ("60万元", "number", 60.0),
        ("51.3 万元", "number", 51.3),
        ("￥1,200.00", "number", 1200.0),
        ("10分", "number", 10.0),
        ("（10）", "number", 10.0),
        ("-3.5", "number", -3.5),
        ("1,46.62", "number", None),
        ("12-15个", "number", None),
        ("-", "number", None),
        ("≥90%", "number", None),
        ("85.50%", "percent", 0.855),
        ("85.50％", "percent", 0.855),
        ("93.51", "percent", 0.9351),
        ("0.9351", "percent", 0.9351),
        ("100", "percent", 1.0),
        ("2021", "year", 2021),
        ("（2021年度）", "year", 2021),
        ("二〇二一年度", "year", 2021),
        ("20210", "year", None),
        ("55578007", "phone", "55578007"),
        ("010-5557 8007", "phone", "01055578007"),
        ("13800138000/88827103", "phone", "13800138000"),
        ("郭睿", "phone", None),
        ("2021年3月5日", "date", "2021-03-05"),
        ("2021-13-05", "date", None),
        ("  王 小 明 ", "text", "王小明"),
        ("HICOOL  Summit", "text", "HICOOL Summit"),
        ("", "text", None),
    ],
)
def test_texts_become_values(text: str, kind: ValueKind, value: object) -> None:
    assert text_to_value(text, kind) == pytest.approx(value)


def test_a_choice_takes_its_declared_spelling_also_when_ticked() -> None:
    choices = ("新增项目", "延续项目")
    assert text_to_value("延续 项目", "choice", choices) == "延续项目"
    assert text_to_value("□新增项目☑延续项目", "choice", choices) == "延续项目"
    assert text_to_value("其他", "choice", choices) == "其他"


def test_the_last_printed_place_is_kept() -> None:
    percent = text_to_quantity("85.50%")
    assert percent is not None
    assert (percent.value, percent.last_place) == (Decimal("0.8550"), Decimal("0.0001"))


@pytest.mark.parametrize("text", ["", " ", "-", "—", "/", "无"])
def test_signs_for_nothing(text: str) -> None:
    assert says_nothing(text)


@given(st.decimals(min_value=0, max_value=10**9, places=6))
def test_any_printed_number_is_read_exactly(number: Decimal) -> None:
    quantity = text_to_quantity(f"{number:,.6f}")
    assert quantity is not None
    assert quantity.value == number


@given(
    st.text(max_size=30),
    st.sampled_from(["number", "percent", "year", "phone", "date", "code", "choice", "text"]),
)
def test_no_text_raises(text: str, kind: ValueKind) -> None:
    value = text_to_value(text, kind)
    assert value is None or isinstance(value, str | int | float)
