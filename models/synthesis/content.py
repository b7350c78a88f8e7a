"""Wordings of synthetic forms: names, sums, sentences and indicators, drawn by a seed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "content_data"
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Sector:
    """The wordings of one field of public work."""

    bureaus: tuple[str, ...]
    units: tuple[str, ...]
    works: tuple[str, ...]
    things: tuple[str, ...]
    people: tuple[str, ...]
    counts: tuple[tuple[str, str], ...]
    qualities: tuple[str, ...]
    effects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Achievement:
    """A third-level indicator: what was planned, what was reached, and why they differ."""

    name: str
    planned: str
    reached: str
    reason: str
    measure: str


@cache
def phrases() -> dict[str, tuple[str, ...]]:
    """Lists of wordings by name; a list is one string parted by spaces in the data file."""
    stored: dict[str, str] = json.loads((DATA / "phrases.json").read_text("utf-8"))
    return {name: tuple(text.split(" ")) for name, text in stored.items()}


@cache
def sectors() -> tuple[Sector, ...]:
    stored: list[dict[str, str]] = json.loads((DATA / "sectors.json").read_text("utf-8"))
    return tuple(_sector(entry) for entry in stored)


def _sector(entry: dict[str, str]) -> Sector:
    counts = (pair.partition(":") for pair in entry["counts"].split())
    return Sector(
        bureaus=tuple(entry["bureaus"].split()),
        units=tuple(entry["units"].split()),
        works=tuple(entry["works"].split()),
        things=tuple(entry["things"].split()),
        people=tuple(entry["people"].split()),
        counts=tuple((name, unit) for name, _, unit in counts),
        qualities=tuple(entry["qualities"].split()),
        effects=tuple(entry["effects"].split()),
    )


@cache
def frequent_characters() -> str:
    """The 3,755 characters of the first level of GB 2312."""
    codes = (bytes((row, column)) for row in range(0xB0, 0xD8) for column in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", "ignore") for code in codes)


@cache
def rare_characters() -> str:
    """The characters of the second level of GB 2312."""
    codes = (bytes((row, column)) for row in range(0xD8, 0xF8) for column in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", "ignore") for code in codes)


@cache
def bigrams() -> tuple[str, ...]:
    """Pairs of neighbouring characters of the data files, so that names look plausible."""
    text = "".join((DATA / name).read_text("utf-8") for name in ("sectors.json", "phrases.json"))
    found = {text[i : i + 2] for i in range(len(text) - 1)}
    return tuple(sorted(pair for pair in found if all("一" <= c <= "鿿" for c in pair)))


@dataclass(frozen=True, slots=True)
class Author:
    """Writes the texts of one form about one sector, place and year."""

    rng: np.random.Generator
    sector: Sector
    place: str
    year: int

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def pick(self, options: tuple[str, ...] | str) -> str:
        """One of the options; of a string, one of its characters."""
        return options[int(self.rng.integers(len(options)))]

    def phrase(self, name: str) -> str:
        """One wording of a list, its slots filled."""
        return self.expand(self.pick(phrases()[name]))

    def expand(self, template: str) -> str:
        return _SLOT.sub(lambda slot: self._slot(slot.group(1)), template)

    def _slot(self, name: str) -> str:
        own = {
            "work": self.sector.works,
            "thing": self.sector.things,
            "people": self.sector.people,
            "effect": self.sector.effects,
            "quality_name": self.sector.qualities,
        }
        if name in own:
            return self.pick(own[name])
        makers = {
            "n": self._any_number,
            "pct": self.percent,
            "year": lambda: str(self.year),
            "next_year": lambda: str(self.year + 1),
            "month": lambda: str(self.number(1, 12)),
            "day": lambda: str(self.number(1, 28)),
            "money": lambda: self.decimal(1, 900),
            "place1": lambda: self.place[0],
            "sector1": lambda: self.pick(self.sector.bureaus)[0],
            "count_name": lambda: self._count()[0],
            "count_unit": lambda: self._count()[1],
            "unit_name": self.unit,
            "bureau": self.bureau,
            "bigram": lambda: self.pick(bigrams()),
            "rare": lambda: self.pick(rare_characters()) + self.pick(frequent_characters()),
            "person": self.person,
            "phone": self.phone,
            "date": self.date,
        }
        if name in makers:
            return makers[name]()
        return self.phrase(name if name in phrases() else name + "s")

    def _count(self) -> tuple[str, str]:
        return self.sector.counts[int(self.rng.integers(len(self.sector.counts)))]

    def _any_number(self) -> str:
        top = int(10 ** self.rng.uniform(0.5, 4.2))
        return str(self.number(1, top))

    def percent(self) -> str:
        sign = "%" if self.chance(0.93) else "％"
        if self.chance(0.25):
            return f"{self.rng.uniform(50, 100):.{self.number(1, 2)}f}{sign}"
        return f"{self.pick(('100', '95', '90', '98', '85', '80', '99', '96', '60', '92'))}{sign}"

    def decimal(self, low: float, high: float) -> str:
        value = self.rng.uniform(low, high)
        return f"{value:.{self.number(0, 2)}f}"

    def bureau(self) -> str:
        bureau = self.pick(self.sector.bureaus)
        return self.place + bureau if self.chance(0.8) else bureau

    def unit(self) -> str:
        form = self.rng.random()
        if form < 0.15:
            return self.bureau() + self.pick(("本级", "机关", "（本级）", "办公室"))
        if form < 0.25:
            return self.phrase("places") + self.phrase("places") + self.pick(self.sector.bureaus)
        if form < 0.32:
            return (
                self.place
                + self.pick(bigrams())
                + self.pick(bigrams())
                + self.pick(
                    ("中心", "站", "办事处", "研究所", "管理处", "镇人民政府", "街道办事处")
                )
            )
        return self.place + self.pick(self.sector.units)

    def project(self) -> str:
        work = self.pick(self.sector.works)
        if self.chance(0.15):
            work = self.pick(bigrams()) + self.pick(bigrams()) + work
        before = self.pick(
            (
                "",
                "",
                f"{self.year}年",
                f"{self.year}年度",
                self.place,
                "市级",
                f"提前下达{self.year}年",
                "“" + self.phrase("slogans") + "”",
            )
        )
        after = self.pick(
            (
                "",
                "项目",
                "经费",
                "专项资金",
                "补助资金",
                "项目支持资金",
                "（二期）",
                f"（{self.place}）",
                "-" + self.pick(self.sector.things) + "采购",
            )
        )
        return before + work + after

    def person(self) -> str:
        given = phrases()["given"][0]
        size = 1 if self.chance(0.3) else 2
        pool = given if self.chance(0.85) else frequent_characters() + rare_characters()
        return self.phrase("surnames") + "".join(self.pick(pool) for _ in range(size))

    def digits(self, count: int) -> str:
        return "".join(str(d) for d in self.rng.integers(0, 10, count))

    def phone(self) -> str:
        form = self.rng.random()
        if form < 0.35:
            return self.pick(("13", "15", "18", "17", "19")) + self.digits(9)
        if form < 0.65:
            return str(self.number(2, 8)) + self.digits(self.number(6, 7))
        area = self.pick(("010", "021", "0571", "0531", "023", "0871", "0991"))
        separator = self.pick(("-", "-", "—", ""))
        return area + separator + str(self.number(2, 8)) + self.digits(7)

    def date(self) -> str:
        month, day = self.number(1, 12), self.number(1, 28)
        form = self.pick(
            ("{y}年{m}月{d}日", "{y}-{m:02d}-{d:02d}", "{y}.{m}.{d}", "{y}/{m}/{d}", "{y}年{m}月")
        )
        return form.format(y=self.year, m=month, d=day)

    def sentences(self, kind: str, length: int, numbered: bool, broken: bool) -> str:
        """About ``length`` characters of sentences; ``broken`` starts each on its own line."""
        text, count = "", 0
        while len(text) < length:
            count += 1
            number = f"{count}{self.pick(('、', '.', '．')) if count == 1 else '、'}"
            text += ("\n" if broken and text else "") + (number if numbered else "")
            text += self.phrase(kind)
            if self.chance(0.04):
                text += f"（{self.phrase('latin')}）"
        return text[: length + 40] if length < 40 else text

    def achievement(self, kind: str) -> Achievement:
        """An indicator of a kind: counted, satisfaction, cost, timely, quality or effect."""
        makers = {
            "counted": self._counted,
            "satisfaction": self._satisfaction,
            "cost": self._cost,
            "timely": self._timely,
        }
        return makers[kind]() if kind in makers else self._descriptive(kind)

    def level3(self) -> str:
        return self.phrase("level3_patterns")

    def _counted(self) -> Achievement:
        name, unit = self._count()
        if self.chance(0.4):
            name, unit = self.level3(), self.phrase("units")
        planned = int(10 ** self.rng.uniform(0, 4))
        reached = (
            planned if self.chance(0.55) else max(0, int(planned * self.rng.normal(1.05, 0.2)))
        )
        sign = self.pick(("", "", "≥", "≥", "不少于", "=", "大于等于", "＞", "≤"))
        shown = unit if self.chance(0.8) else ""
        between = self.chance(0.05)
        target = f"{planned}-{planned + 3}{shown}" if between else f"{sign}{planned}{shown}"
        reason = self.phrase("reasons") if reached < planned * 0.9 or self.chance(0.08) else ""
        return Achievement(name, target, f"{reached}{shown}", reason, unit)

    def _satisfaction(self) -> Achievement:
        name = self.pick(self.sector.people) + self.pick(("满意度", "满意率", "综合满意度"))
        planned = self.pick(
            ("≥90%", "≥95%", "≥85%", "90%以上", "≥90％", "95%", "满意", "不低于90%")
        )
        reached = planned if self.chance(0.4) else self.percent()
        return Achievement(name, planned, reached, "", "%")

    def _cost(self) -> Achievement:
        name = (
            self.pick(("项目预算控制数", "项目总成本", "成本控制率", "单位成本"))
            if self.chance(0.4)
            else self.pick(self.sector.things)
            + self.pick(("成本", "采购单价", "经费", "费用标准", "支出"))
        )
        planned = self.decimal(2, 3000)
        reached = planned if self.chance(0.6) else self.decimal(1, float(planned) + 1)
        sign = self.pick(("", "≤", "不超过", "控制在"))
        unit = self.pick(("万元", "万元", "元", "元/人", "元/平方米", "%"))
        return Achievement(name, f"{sign}{planned}{unit}", f"{reached}{unit}", "", unit)

    def _timely(self) -> Achievement:
        name = (
            self.pick(
                ("资金拨付及时率", "项目完成时间", "按进度拨付资金", "经费支出进度", "完成及时率")
            )
            if self.chance(0.45)
            else self.level3()
        )
        month = self.number(3, 12)
        planned = self.pick(
            (
                f"{self.year}年{month}月底前完成",
                f"{month}月底前",
                "及时",
                "按时完成",
                f"{self.year}年{month}月30日前支出{self.percent()}",
                "≥95%",
                f"{self.year}年1月-12月",
                "100%",
                f"{self.year}.{month}",
            )
        )
        late = self.chance(0.3)
        reached = (
            f"{self.year}年{self.number(month, 12)}月{self.number(1, 28)}日完成"
            if late
            else planned
        )
        return Achievement(name, planned, reached, self.phrase("reasons") if late else "", "")

    def _descriptive(self, kind: str) -> Achievement:
        own = self.sector.qualities if kind == "quality" else self.sector.effects
        name = self.pick(own) if self.chance(0.55) else self.level3()
        form = self.rng.random()
        reason = self.phrase("reasons") if self.chance(0.15) else ""
        if form < 0.35:
            return Achievement(name, "≥" + self.percent(), self.percent(), reason, "%")
        if form < 0.7:
            return Achievement(
                name, self.phrase("short_targets"), self.phrase("short_actuals"), reason, ""
            )
        length = self.number(12, 110)
        return Achievement(
            name,
            self.sentences("goal_sentences", length, False, False),
            self.sentences("done_sentences", length, False, False),
            reason,
            "",
        )


def author_of(rng: np.random.Generator) -> Author:
    """An author with a sector, a place and a year of its own."""
    sector = sectors()[int(rng.integers(len(sectors())))]
    places = phrases()["places"]
    place = places[int(rng.integers(len(places)))]
    return Author(rng, sector, place, int(rng.integers(2016, 2027)))
