"""A database of made documents, as full as one that has read ten thousand forms.

The rows are written past the front door, which would take an hour; they are the rows that
the front door writes.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from sqlalchemy import Table as DatabaseTable
from sqlalchemy import insert, text

from archive.audit import Action
from archive.clock import utc_now
from archive.database import Database
from archive.documents import add_archive
from archive.ids import new_id
from archive.revisions import NamedField, named_fields
from archive.search_text import fold, fold_lines
from archive.states import DocumentState, StepState
from archive.tables import (
    AuditEntry,
    Document,
    DocumentText,
    Event,
    FieldValue,
    Refusal,
    Revision,
    RevisionKind,
    Row,
    Step,
    StepKind,
)
from extraction.record_json import record_to_json
from extraction.values import (
    Box,
    Check,
    Field,
    PageSummary,
    Record,
    Route,
    Source,
    Table,
    TableCell,
)

PAGES: Final = 2
INDICATORS: Final = 7
FUNDS: Final = ("年度资金总额", "其中:财政拨款", "上年结转资金", "其他资金")
BATCH: Final = 500
AUDIT_LINES: Final = 10
_PHRASES: Final = (
    *(
        "保障",
        "运行",
        "经费",
        "维护",
        "信息",
        "系统",
        "建设",
        "项目",
        "支出",
        "绩效",
        "培训",
        "检查",
    ),
    *("道路", "养护", "学校", "医院", "设备", "采购", "服务", "群众", "满意度", "提升", "不低于"),
    *("完成率", "及时", "覆盖", "农村", "饮水", "安全", "图书馆", "开放", "天数", "改造", "面积"),
)
_LEVELS: Final = (("产出指标", "数量指标"), ("产出指标", "质量指标"), ("效益指标", "社会效益指标"))
_STATES: Final = (*[DocumentState.DONE] * 6, *[DocumentState.IN_REVIEW] * 3, DocumentState.FAILED)

Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Made:
    """What there is to ask for."""

    archive_id: str
    document_ids: tuple[str, ...]
    words: tuple[str, ...]
    values: int


def make_documents(database: Database, count: int, seed: int = 7) -> Made:
    """``count`` documents in one archive, and one archive beside it with a tenth of them."""
    chance, now = random.Random(seed), utc_now()
    with database.write() as session:
        large = add_archive(session, "2026 绩效目标表", None).id
        small = add_archive(session, "2025 绩效目标表", None).id
    ids: list[str] = []
    values = 0
    for start in range(0, count, BATCH):
        rows: dict[type[Row], list[Values]] = {}
        for number in range(start, min(start + BATCH, count)):
            ids.append(new_id())
            archive_id = small if number % 11 == 10 else large
            _add_document(rows, ids[-1], archive_id, number, now, chance)
        values += len(rows[FieldValue])
        _insert(database, rows)
    _insert(database, {Refusal: [_refusal(large, number) for number in range(20)]})
    if not database.is_sqlite:
        # What autovacuum does a minute later.
        with database.engine.begin() as connection:
            connection.execute(text("ANALYZE"))
    return Made(large, tuple(ids), _PHRASES, values)


def made_record(name: str, chance: random.Random) -> Record:
    """46 fields, and the table that they were read from."""
    fields = {
        "title": _field("项目支出绩效目标申报表", chance),
        "year": _field(str(chance.randrange(2019, 2027)), chance),
        "project_name": _field(_phrase(chance, 5), chance),
        "department": _field(_phrase(chance, 2) + "局", chance),
        "department_code": _field(f"{chance.randrange(10**6):06d}", chance),
        "implementing_unit": _field(_phrase(chance, 3) + "中心", chance),
        "attribute": _field(chance.choice(("新增项目", "延续项目")), chance),
        "period": _field(f"{chance.randrange(1, 5)}年", chance),
        "goal_medium_term": _field(_phrase(chance, 30), chance),
        "goal_annual": _field(_phrase(chance, 40), chance),
    }
    groups = {
        "funds": tuple(_fund(item, chance) for item in FUNDS),
        "indicators": tuple(_indicator(number, chance) for number in range(INDICATORS)),
    }
    shown = [
        *fields.values(),
        *(field for rows in groups.values() for r in rows for field in r.values()),
    ]
    cells = tuple(
        TableCell(n // 4, n % 4, 1, 1, field.text, 1, Box(40, 20 * n, 400, 20 * n + 18), 0.97)
        for n, field in enumerate(shown)
    )
    return Record(
        name=name,
        sha256="0" * 64,
        form_type="project_performance_target",
        producer={"ocr": "made", "labeller": "made", "formloop": "made"},
        fields=fields,
        groups=groups,
        tables=(Table((1,), len(cells) // 4 + 1, 4, None, cells),),
        checks=(Check("funds_total", True, "", ("funds[0].amount",)),),
        pages=tuple(
            PageSummary(page, 1654, 2339, 200.0, "ocr", {"ocr": 1.0})
            for page in range(1, PAGES + 1)
        ),
    )


def _fund(item: str, chance: random.Random) -> Mapping[str, Field]:
    amount = round(chance.uniform(1, 5000), 2)
    return {"item": _field(item, chance), "amount": _field(f"{amount:.2f}", chance, amount)}


def _indicator(number: int, chance: random.Random) -> Mapping[str, Field]:
    first, second = _LEVELS[number % len(_LEVELS)]
    return {
        "level1": _field(first, chance),
        "level2": _field(second, chance),
        "level3": _field(_phrase(chance, 3), chance),
        "target": _field(f"≥{chance.randrange(1, 100)}%", chance),
    }


def _phrase(chance: random.Random, length: int) -> str:
    return "".join(chance.choices(_PHRASES, k=length))


def _field(shown: str, chance: random.Random, value: float | None = None) -> Field:
    confidence = round(1 - chance.random() ** 6 / 2, 4)
    route: Route = "accept" if confidence > 0.7 else "review"
    source = Source(1, Box(40, 40, 400, 58), 0, 0, 0)
    return Field(shown, shown if value is None else value, confidence, route, (), source)


def _add_document(
    rows: dict[type[Row], list[Values]],
    document_id: str,
    archive_id: str,
    number: int,
    now: datetime,
    chance: random.Random,
) -> None:
    name = f"{chance.choice(_PHRASES)}/申报表-{number:05d}.pdf"
    record = made_record(name, chance)
    fields = tuple(named_fields(record))
    at = now - timedelta(seconds=chance.uniform(600, 10**6))
    made: Values = {"document_id": document_id}
    rows.setdefault(Document, []).append(_document(document_id, archive_id, number, record, at))
    rows.setdefault(FieldValue, []).extend(made | _field_value(item) for item in fields)
    lines = (part for item in fields for part in (item.field.text, str(item.field.value)))
    rows.setdefault(DocumentText, []).append(made | {"text": fold_lines((name, *lines))})
    rows.setdefault(Revision, []).append(
        made
        | {"number": 1, "kind": RevisionKind.EXTRACTION, "generation": 1, "created_at": at}
        | {"producer": dict(record.producer), "record": record_to_json(record)}
    )
    rows.setdefault(Step, []).extend(
        made | _step(archive_id, kind, page, at)
        for kind, page in (
            (StepKind.SPLIT, 0),
            *((StepKind.PAGE, page) for page in range(1, PAGES + 1)),
            (StepKind.ASSEMBLE, 0),
        )
    )
    rows.setdefault(Event, []).extend(
        made | {"id": new_id(), "at": at, "kind": kind, "detail": {}}
        for kind in ("received", "split", "assembled")
    )
    rows.setdefault(AuditEntry, []).extend(
        _audit_entry(document_id, at, action)
        for action in chance.choices((Action.SAW, Action.CHANGED, Action.EXPORTED), k=AUDIT_LINES)
    )


def _document(
    document_id: str, archive_id: str, number: int, record: Record, at: datetime
) -> Values:
    confidences = [item.field.confidence or 0.0 for item in named_fields(record)]
    doubtful = sum(item.field.route == "review" for item in named_fields(record))
    state = _STATES[number % len(_STATES)]
    return {
        "id": document_id,
        "archive_id": archive_id,
        "name": record.name,
        "sha256": f"{number:064x}",
        "size": 180_000,
        "blob_key": f"sources/{number:064x}",
        "found_form_type": record.form_type,
        "state": state,
        "pages": PAGES,
        "pages_done": PAGES,
        "revision": 1,
        "doubtful": doubtful,
        "lowest_confidence": min(confidences),
        "created_at": at,
        "updated_at": at,
        "finished_at": at,
    }


def _field_value(item: NamedField) -> Values:
    value = item.field.value
    return {
        "path": item.path,
        "revision": 1,
        "name": item.name,
        "text": fold(item.field.text),
        "value": None if value is None else str(value),
        "number": float(value) if isinstance(value, int | float) else None,
        "confidence": item.field.confidence,
        "route": item.field.route,
    }


def _step(archive_id: str, kind: StepKind, page: int, at: datetime) -> Values:
    return {
        "generation": 1,
        "step": kind,
        "page": page,
        "archive_id": archive_id,
        "state": StepState.DONE,
        "attempts": 1,
        "due_at": at,
        "created_at": at,
        "started_at": at,
        "finished_at": at,
    }


def _audit_entry(document_id: str, at: datetime, action: Action) -> Values:
    return {
        "id": new_id(),
        "at": at,
        "username": "clerk",
        "action": str(action),
        "subject": f"document:{document_id}",
        "detail": {},
    }


def _refusal(archive_id: str, number: int) -> Values:
    return {
        "id": new_id(),
        "archive_id": archive_id,
        "name": f"notes-{number}.docx",
        "category": "unsupported",
        "reason": "an Office document; save it as PDF",
    }


def _insert(database: Database, rows: Mapping[type[Row], Sequence[Values]]) -> None:
    with database.write() as session:
        for table, values in rows.items():
            session.execute(insert(cast(DatabaseTable, table.__table__)), list(values))
