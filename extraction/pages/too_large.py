"""What is said of files and pages that go beyond the limits."""

from __future__ import annotations

from extraction.errors import TooLarge
from extraction.limits import Limits


def too_many_bytes(limits: Limits, name: str) -> TooLarge:
    size_mb = round(limits.max_bytes / 2**20)
    return TooLarge(f"larger than {size_mb} MB", name=name, facts={"megabytes": size_mb})


def too_many_pages(limits: Limits, name: str, count: int | None = None) -> TooLarge:
    """``count`` is None where the pages were counted no further than the limit."""
    most = limits.max_pages
    reason = f"more than {most} pages" if count is None else f"{count} pages, more than {most}"
    return TooLarge(reason, name=name, facts={"pages": most})


def too_many_pixels(
    limits: Limits, name: str | None = None, page: int | None = None, dpi: float | None = None
) -> TooLarge:
    """``dpi`` is that at which the page would have been drawn, None for a picture."""
    million = round(limits.max_pixels / 1e6)
    where = "" if dpi is None else f" at {dpi:.0f} dpi"
    reason = f"more than {million} million pixels{where}"
    return TooLarge(reason, name=name, page=page, facts={"million_pixels": million})
