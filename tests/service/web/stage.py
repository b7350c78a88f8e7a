"""Documents to look at in the pages, and the steps that every browser test begins with."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from archive.blobs import picture_key
from archive.tables import Role
from extraction.values import (
    Box,
    Check,
    Field,
    PageSummary,
    Record,
    Source,
    Table,
    TableCell,
)
from tests.service.worlds import PASSWORD, World, pdf

WIDTH, HEIGHT = 600, 840
BrowserPage = Any
"""``playwright.sync_api.Page``; playwright may be absent."""


@dataclass(frozen=True, eq=False)
class Stage:
    world: World
    address: str
    browser: Any

    def sign_in(self, page: BrowserPage, role: Role = Role.ADMINISTRATOR) -> None:
        page.goto(f"{self.address}/login")
        page.fill("[name=username]", role)
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url(f"{self.address}/")

    def add_document(self, name: str = "表.pdf", record: Record | None = None) -> tuple[str, str]:
        """The ids of an archive and of its one document, read to the end."""
        archive_id, (document_id,) = self.world.upload((name, pdf(name)), name=f"箱 {name}")
        finish(self.world, document_id, record or form_record(name))
        return archive_id, document_id


def finish(world: World, document_id: str, record: Record) -> None:
    """Let the document go all its way, with pictures of the size that its record says."""
    world.finish(document_id, record)
    for page in record.pages:
        key = picture_key(document_id, 1, page.number)
        world.service.blobs.write(key, page_picture(record, page.number))


def form_record(name: str = "表.pdf", text: str = "智慧校园建设", pages: int = 2) -> Record:
    """Three rows of key and value on each page; one of them doubtful, one against a check."""
    fields: dict[str, Field] = {}
    cells: list[TableCell] = []
    for number in range(1, pages + 1):
        for row, (path, shown, confidence, reasons) in enumerate(_values(number, text)):
            at = len(cells) // 2
            key_box, value_box = _box(row, 40, 200), _box(row, 200, 560)
            source = Source(number, value_box, 0, at, 1)
            route = "review" if reasons else "accept"
            value = float(shown) if shown.isdecimal() and len(shown) < 4 else shown
            fields[path] = Field(shown, value, confidence, route, reasons, source)
            cells.append(TableCell(at, 0, 1, 1, f"键{number}{row}", number, key_box, 0.84))
            cells.append(TableCell(at, 1, 1, 1, shown, number, value_box, 0.7))
    return Record(
        name=name,
        sha256="0" * 64,
        form_type="project_self_evaluation",
        producer={"ocr": "test", "labeller": "test", "formloop": "test"},
        fields=fields,
        groups={},
        tables=(Table(tuple(range(1, pages + 1)), 3 * pages, 2, "joined", tuple(cells)),),
        checks=(
            Check("total_score", False, "分项之和99，合计98", ("total_score",)),
            Check("phone_format", True, "联系电话格式正确", ()),
        ),
        pages=tuple(
            PageSummary(number, WIDTH, HEIGHT, 72.0, "ocr", {}) for number in range(1, pages + 1)
        ),
    )


def page_picture(record: Record, page: int) -> bytes:
    """A PNG with the cells of one page drawn as a form would."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    for table in record.tables:
        for cell in table.cells:
            if cell.page == page:
                draw.rectangle(tuple(cell.box), outline="black")
    out = io.BytesIO()
    picture.save(out, "png")
    return out.getvalue()


def _values(page: int, text: str) -> tuple[tuple[str, str, float, tuple[str, ...]], ...]:
    if page == 1:
        return (
            ("project_name", text, 0.99, ()),
            ("leader", "郭睿", 0.62, ("low_confidence",)),
            ("phone", "55578007", 0.98, ()),
        )
    return (
        (f"department_{page}" if page > 2 else "department", "教育局", 0.98, ()),
        (
            f"total_score_{page}" if page > 2 else "total_score",
            "98",
            0.9,
            ("check_failed:total_score",),
        ),
        (f"goal_{page}" if page > 2 else "goal_expected", "建成", 0.7, ("low_confidence",)),
    )


def _box(row: int, x0: float, x1: float) -> Box:
    top = 100.0 + 220.0 * row
    return Box(x0, top, x1, top + 60.0)
