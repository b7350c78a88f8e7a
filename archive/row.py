"""What all rows have in common: how Python's types are stored."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from sqlalchemy.orm import DeclarativeBase

from archive.column_types import UtcTime, text_enum


class Row(DeclarativeBase):
    type_annotation_map = {datetime: UtcTime(), Enum: text_enum(Enum)}  # noqa: RUF012 - its form
