"""What the processor of this machine does well."""

from __future__ import annotations

from pathlib import Path


def has_fast_bfloat16() -> bool:
    """Whether the processor has matrix units for bfloat16; elsewhere it only loses time."""
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and "amx_bf16" in flags.read_text(encoding="utf-8")
