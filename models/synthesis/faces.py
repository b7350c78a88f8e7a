"""Faces of type that forms are printed in, and what each can print."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from extraction.errors import ModelError

FONTS = Path("/usr/share/fonts")
_NOT_A_CHARACTER = "\U0010fffe"
_MEASURE_PX = 200


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a file; ``pdf_name`` names the TrueType face that stands for it in a PDF."""

    name: str
    path: str
    index: int
    pdf_name: str
    held_out: bool = False


_KNOWN = (
    Face("uming", "truetype/arphic/uming.ttc", 0, "uming"),
    Face("ukai", "truetype/arphic/ukai.ttc", 0, "ukai"),
    Face("gkai", "truetype/arphic-gkai00mp/gkai00mp.ttf", 0, "gkai"),
    Face("zenhei", "truetype/wqy/wqy-zenhei.ttc", 0, "zenhei"),
    Face("microhei", "truetype/wqy/wqy-microhei.ttc", 0, "microhei"),
    Face("noto-sans", "opentype/noto/NotoSansCJK-Regular.ttc", 2, "zenhei"),
    Face("noto-sans-bold", "opentype/noto/NotoSansCJK-Bold.ttc", 2, "zenhei"),
    Face("songti", "truetype/arphic-gbsn00lp/gbsn00lp.ttf", 0, "songti", held_out=True),
    Face("noto-serif", "opentype/noto/NotoSerifCJK-Regular.ttc", 2, "uming", held_out=True),
    Face("noto-serif-bold", "opentype/noto/NotoSerifCJK-Bold.ttc", 2, "uming", held_out=True),
)
_KNOWN_LATIN = (
    Face("liberation-sans", "truetype/liberation/LiberationSans-Regular.ttf", 0, "zenhei"),
    Face("liberation-serif", "truetype/liberation/LiberationSerif-Regular.ttf", 0, "uming"),
    Face("dejavu-sans", "truetype/dejavu/DejaVuSans.ttf", 0, "zenhei"),
)


@cache
def installed_faces() -> tuple[Face, ...]:
    found = tuple(face for face in _KNOWN if (FONTS / face.path).exists())
    if not found:
        raise ModelError(
            f"no Chinese face under {FONTS}; install fonts-wqy-zenhei or fonts-noto-cjk"
        )
    return found


@cache
def latin_faces() -> tuple[Face, ...]:
    return tuple(face for face in _KNOWN_LATIN if (FONTS / face.path).exists())


def face_named(name: str) -> Face | None:
    return next((face for face in installed_faces() if face.name == name), None)


@lru_cache(maxsize=256)
def font_at(face: Face, px: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        str(FONTS / face.path), px, index=face.index, layout_engine=ImageFont.Layout.BASIC
    )


@lru_cache(maxsize=64)
def _missing_glyph(face: Face) -> bytes:
    return _glyph(face, _NOT_A_CHARACTER)


def _glyph(face: Face, character: str) -> bytes:
    mask = font_at(face, 40).getmask(character)
    return np.array(mask).tobytes() + repr(mask.size).encode()


@lru_cache(maxsize=65536)
def prints(face: Face, character: str) -> bool:
    """Whether the face has a glyph, and not an empty one, for the character."""
    if character.isspace():
        return True
    mask = font_at(face, 40).getmask(character)
    return mask.getbbox() is not None and _glyph(face, character) != _missing_glyph(face)


@lru_cache(maxsize=65536)
def advance_em(face: Face, character: str) -> float:
    """How far the pen moves on, in ems."""
    return float(font_at(face, _MEASURE_PX).getlength(character)) / _MEASURE_PX


@lru_cache(maxsize=65536)
def face_for(character: str, face: Face, latin: Face) -> Face | None:
    """The face that prints the character: the wanted one, else any that can, else None."""
    wanted = latin if character.isascii() else face
    for candidate in (wanted, face, *installed_faces()):
        if prints(candidate, character):
            return candidate
    return None


def text_to_runs(text: str, face: Face, latin: Face) -> tuple[tuple[str, Face], ...]:
    """Split a text where its face changes; characters that no face has are left out."""
    runs: list[tuple[str, Face]] = []
    for character in text:
        chosen = face_for(character, face, latin)
        if chosen is None:
            continue
        if runs and runs[-1][1] == chosen:
            runs[-1] = (runs[-1][0] + character, chosen)
        else:
            runs.append((character, chosen))
    return tuple(runs)


def printable(text: str, face: Face, latin: Face) -> str:
    return "".join(c for c in text if c == "\n" or face_for(c, face, latin) is not None)


def text_width_em(text: str, face: Face, latin: Face) -> float:
    return sum(
        advance_em(chosen, c) for run, chosen in text_to_runs(text, face, latin) for c in run
    )
