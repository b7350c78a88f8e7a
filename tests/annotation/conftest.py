"""A Label Studio for the tests that need a real one."""

from __future__ import annotations

from tests.annotation.studio import studio

__all__ = ["studio"]
