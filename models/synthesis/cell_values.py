"""Values of cells by their kind, for forms of any type."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from models.synthesis.content import Author, phrases
from models.synthesis.wordings import words_stored

Maker = Callable[[Author], str]


def value_of(kind: str, author: Author) -> str:
    """A printed value of the kind; a kind that is a list of wordings gives one of them."""
    maker = _makers().get(kind)
    if maker is not None:
        return maker(author)
    return author.phrase(kind if kind in phrases() else kind + "s")


def sum_of_money(author: Author, low: float = 0.5, high: float = 9000) -> str:
    value = float(author.rng.uniform(low, high))
    places = author.pick(("0", "1", "2", "2", "2", "4", "6"))
    return f"{value:,.{places}f}" if author.chance(0.6) else f"{value:.{places}f}"


@cache
def _makers() -> dict[str, Maker]:
    makers: dict[str, Maker] = {
        "blank": lambda a: "",
        "money": sum_of_money,
        "money_or_blank": lambda a: "" if a.chance(0.4) else sum_of_money(a),
        "yuan": lambda a: a.pick(("¥", "￥", "")) + sum_of_money(a),
        "int": lambda a: str(int(10 ** a.rng.uniform(0, 2.6))),
        "decimal": lambda a: f"{a.rng.uniform(0, 40):.{a.number(1, 3)}f}",
        "decimal_sign": lambda a: f"{a.rng.uniform(-20, 20):+.1f}",
        "percent": Author.percent,
        "serial": lambda a: str(a.number(1, 60)),
        "person": Author.person,
        "phone": Author.phone,
        "date": Author.date,
        "month": lambda a: f"{a.number(1960, 2002)}{a.pick(('.', '年'))}{a.number(1, 12):02d}",
        "year": lambda a: str(a.year),
        "bureau": Author.bureau,
        "unit": Author.unit,
        "project": Author.project,
        "work": lambda a: a.pick(a.sector.works),
        "place": lambda a: a.phrase("places"),
        "measure": lambda a: a.phrase("units"),
        "subject_code": lambda a: "2" + a.digits(2 * a.number(1, 3)),
        "code": lambda a: a.pick(("", "ZC", "GD-", "")) + str(a.year) + a.digits(a.number(4, 12)),
        "account": lambda a: a.pick(("62", "91", "11", "6217 ")) + a.digits(a.number(10, 16)),
        "idcard": lambda a: a.digits(17) + a.pick("0123456789X"),
        "criterion": lambda a: a.phrase("criteria"),
        "goods": lambda a: a.pick(phrases()["goods"]),
        "firm": lambda a: (
            a.place
            + a.pick(phrases()["given"][0])
            + a.pick(phrases()["given"][0])
            + a.phrase("firms")
        ),
        "email": lambda a: (
            a.pick("abcdefgh")
            + a.digits(6)
            + "@"
            + a.pick(("163.com", "qq.com", "gov.cn", "126.com"))
        ),
        "address": lambda a: f"{a.place}{a.phrase('places')[:2]}路{a.number(1, 900)}号",
        "sex": lambda a: a.pick("男女"),
        "party": lambda a: a.pick(("中共党员", "群众", "共青团员", "民盟盟员")),
        "degree": lambda a: a.pick(("本科", "大专", "硕士研究生", "博士", "高中", "理学学士")),
        "sentence": lambda a: a.sentences("goal_sentences", a.number(8, 60), False, False),
        "goal": lambda a: a.sentences("goal_sentences", a.number(40, 220), True, a.chance(0.5)),
        "prose": lambda a: a.sentences("prose", a.number(30, 240), False, False),
        "stamp": lambda a: a.pick(
            ("（盖章）", "同意。", "签字（盖章）：", "年 月 日", "同意申报。")
        ),
        "capital_money": _capital_money,
        "period": _period,
        "grade": _listed("grades"),
        "kind": _listed("kinds"),
        "fund_kind": _listed("fund_kinds"),
        "nature": _listed("natures"),
        "direction": _listed("directions"),
        "rule": _listed("rules"),
    }
    return makers


def _listed(name: str) -> Maker:
    def pick(author: Author) -> str:
        return author.expand(author.pick(words_stored(name)))

    return pick


def _capital_money(author: Author) -> str:
    digits = "壹贰叁肆伍陆柒捌玖"
    pick = author.pick
    return f"{pick(digits)}万{pick(digits)}仟{pick(digits)}佰{pick(digits)}拾{pick(digits)}元整"


def _period(author: Author) -> str:
    years = author.number(1, 5)
    first, last = author.year, author.year + years - 1
    return author.pick(
        (
            f"{years}年",
            f"{first}-{last}年",
            f"{first}年-{last}年",
            f"{first}年1月至{last}年12月",
            f"{first}.01-{last}.12",
            f"{first}—{last}",
            "长期",
            "1年期",
            f"{first}/1/1-{last}/12/31",
        )
    )
