"""The query string that chooses documents, for lists and for exports."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from archive.search import DocumentQuery
from archive.states import DocumentState

Words = Annotated[str, Field(max_length=200, description="Words printed in it, or in its name.")]
Sort = Annotated[str, Field(max_length=320, description="A column, or `field:NAME`.")]


class DocumentFilters(BaseModel):
    """All that is given has to match."""

    archive: Annotated[str | None, Field(max_length=64)] = None
    state: list[DocumentState] = []
    form_type: Annotated[str | None, Field(max_length=100)] = None
    q: Words = ""
    sort: Sort = "id"
    descending: bool = False
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    def to_query(self) -> DocumentQuery:
        return DocumentQuery(
            archive_id=self.archive,
            states=tuple(self.state),
            form_type=self.form_type,
            text=self.q,
            sort=self.sort,
            descending=self.descending,
            page=self.page,
        )
