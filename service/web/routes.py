"""All pages. Each states its right by the type of ``person``, as the API does."""

from __future__ import annotations

from fastapi import APIRouter

from service.web import (
    account_pages,
    archive_pages,
    callback_pages,
    document_pages,
    entry_pages,
    key_pages,
    lexicon_pages,
    model_pages,
    ocr_pages,
    operator_pages,
    promise_pages,
    review_pages,
)
from service.web.rendering import mount_static

__all__ = ["mount_static", "router"]

router = APIRouter(include_in_schema=False)
for _pages in (
    entry_pages,
    archive_pages,
    document_pages,
    account_pages,
    key_pages,
    lexicon_pages,
    model_pages,
    ocr_pages,
    operator_pages,
    callback_pages,
    review_pages,
    promise_pages,
):
    router.include_router(_pages.router)
