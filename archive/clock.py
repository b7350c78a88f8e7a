"""The time, always aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    return datetime.now(UTC)


def doubling_wait(attempts: int, first: timedelta, longest: timedelta) -> timedelta:
    """How long to wait after so many attempts: doubles with each, up to ``longest``."""
    return min(longest, first * (1 << min(20, max(0, attempts - 1))))
