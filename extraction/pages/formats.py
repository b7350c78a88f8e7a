"""What a file is, by its first bytes and by its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from extraction.errors import DamagedInput, InputError, UnsupportedInput

Format = Literal["pdf", "tiff", "png", "jpeg", "bmp", "webp", "zip"]

READABLE_SUFFIXES = frozenset(
    {
        ".pdf",
        ".tif",
        ".tiff",
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".bmp",
        ".dib",
        ".webp",
        ".zip",
    }
)
DOCUMENT_SUFFIXES = frozenset(
    {
        ".doc",
        ".docx",
        ".xls",
        ".xlsx",
        ".xlsm",
        ".ppt",
        ".pptx",
        ".wps",
        ".et",
        ".dps",
        ".ofd",
        ".caj",
        ".rtf",
        ".odt",
        ".ods",
        ".heic",
        ".heif",
        ".avif",
        ".gif",
        ".jp2",
        ".djvu",
        ".xps",
        ".html",
        ".htm",
        ".mht",
        ".rar",
        ".7z",
        ".tar",
        ".gz",
        ".tgz",
        ".ps",
        ".eps",
        ".psd",
    }
)
SYSTEM_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin"})
HEAD_BYTES = 1024
STEM_BYTES = 180
"""Longest part of an output path; file systems allow 255 with the suffix."""

_SIGNATURES: tuple[tuple[Format, bytes], ...] = (
    ("tiff", b"II*\x00"),
    ("tiff", b"MM\x00*"),
    ("tiff", b"II+\x00"),
    ("tiff", b"MM\x00+"),
    ("png", b"\x89PNG\r\n\x1a\n"),
    ("jpeg", b"\xff\xd8\xff"),
    ("bmp", b"BM"),
    ("zip", b"PK\x03\x04"),
    ("zip", b"PK\x05\x06"),
)


def find_format(head: bytes) -> Format | None:
    """The format that the first bytes of a file show, whatever its suffix says."""
    for name, signature in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    # Mailers and scanners put a few bytes in front, and readers accept up to 1024.
    return "pdf" if b"%PDF-" in head[:HEAD_BYTES] else None


def is_system_name(name: str) -> bool:
    return name.startswith((".", "~$")) or name.casefold() in SYSTEM_NAMES


def is_document_name(name: str) -> bool:
    suffix = Path(name).suffix.casefold()
    return suffix in READABLE_SUFFIXES or suffix in DOCUMENT_SUFFIXES


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which ``page 9`` stands before ``page 10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    digits = [part.lstrip("0") if part[0] in "0123456789" else None for part in parts]
    return tuple(
        (1, 0, part) if digit is None else (0, len(digit), digit)
        for part, digit in zip(parts, digits, strict=True)
    )


def unreadable(data: bytes, name: str) -> InputError:
    """The most helpful thing to say of bytes that are of no readable format."""
    head = data[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = head[:200].lower()
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return UnsupportedInput("a web page or XML, not a PDF or a picture", name=name)
    if data.startswith((b"\xd0\xcf\x11\xe0", b"{\\rtf")):
        return UnsupportedInput("an Office document; save it as PDF", name=name)
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return UnsupportedInput("a HEIC or AVIF picture; save it as JPEG", name=name)
    if not any(data[:HEAD_BYTES]):
        return DamagedInput("the file holds only zeros", name=name)
    suffix = Path(name).suffix.casefold()
    if suffix in READABLE_SUFFIXES:
        return DamagedInput(f"the content is not what its suffix {suffix} says", name=name)
    return UnsupportedInput(
        "not a PDF, TIFF, PNG, JPEG, BMP, WebP or ZIP by its content", name=name
    )


def safe_stem(output: str) -> str:
    """An output path without suffix that every file system takes and that stays inside."""
    parts = [p for p in output.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    parts[-1:] = [without_suffix(p) for p in parts[-1:]]
    return "/".join(_safe_part(part) for part in parts) or "_"


def without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    known = "." + suffix.casefold() in READABLE_SUFFIXES | DOCUMENT_SUFFIXES
    return stem if dot and stem and known else name


def _safe_part(part: str) -> str:
    part = re.sub(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]', "_", part).strip(" ")
    part = part.rstrip(".") or "_"
    return part.encode()[:STEM_BYTES].decode(errors="ignore") or "_"
