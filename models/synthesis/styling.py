"""Faces, sizes, rulings and paper of a form, drawn by a seed."""

from __future__ import annotations

import numpy as np

from models.synthesis.faces import Face, face_named, installed_faces, latin_faces
from models.synthesis.specification import BLACK, CutText, Sheet, Style
from models.synthesis.wordings import Split

_A4 = (595.3, 841.9)
_A3 = (841.9, 1190.6)
_LETTER = (612.0, 792.0)
_CUT_TEXTS: tuple[CutText, ...] = ("both", "both", "first", "second")
_GREYS = (BLACK, BLACK, BLACK, BLACK, (60, 60, 60), (110, 110, 110), (140, 140, 140))


def _faces(split: Split) -> tuple[Face, ...]:
    """Faces for running text: the held-out ones only, and only they, in the test split."""
    upright = [face for face in installed_faces() if not face.name.endswith("-bold")]
    chosen = [face for face in upright if face.held_out == (split == "test")]
    return tuple(chosen or upright)


def draw_style(rng: np.random.Generator, split: Split) -> Style:
    def one_of(options: tuple[float, ...]) -> float:
        return float(options[int(rng.integers(len(options)))])

    faces = _faces(split)
    face = faces[int(rng.integers(len(faces)))]
    latin = (
        latin_faces()[int(rng.integers(len(latin_faces())))]
        if (latin_faces() and rng.random() < 0.25)
        else face
    )
    bold = face_named("noto-serif-bold" if split == "test" else "noto-sans-bold")
    title_face = bold if bold and rng.random() < 0.6 else face
    size = round(float(rng.uniform(6.8, 10.8)), 1)
    return Style(
        face=face,
        latin=latin,
        title_face=title_face,
        size_pt=size,
        title_pt=round(float(rng.uniform(12, 20)), 1),
        leading=float(rng.uniform(1.02, 1.35)),
        side_pad_pt=float(rng.uniform(0.6, 4.0)),
        end_pad_pt=float(rng.uniform(-0.8, 3.5)),
        row_pt=size * float(rng.uniform(1.25, 2.6)),
        rule_pt=one_of((0.25, 0.4, 0.5, 0.5, 0.75, 1.0)),
        frame_pt=one_of((0.25, 0.5, 0.5, 0.75, 1.0, 1.5)),
        double_frame=bool(rng.random() < 0.05),
        dashed=bool(rng.random() < 0.05),
        rule_ink=_GREYS[int(rng.integers(len(_GREYS)))],
        kinsoku=bool(rng.random() < 0.4),
        whole_words=bool(rng.random() < 0.5),
        cut_rows=bool(rng.random() < 0.3),
        cut_text=_CUT_TEXTS[int(rng.integers(len(_CUT_TEXTS)))],
        repeat_header=bool(rng.random() < 0.25),
    )


def draw_sheet(rng: np.random.Generator) -> Sheet:
    """A4 as a rule; upright or landscape, with margins of a spreadsheet print."""
    papers = (_A4, _A4, _A4, _A4, _A4, _A4, _A3, _LETTER)
    width, height = papers[int(rng.integers(len(papers)))]
    if rng.random() < 0.25:
        width, height = height, width
    left, right = rng.uniform(16, 64, 2)
    if rng.random() < 0.6:
        right = left
    top, bottom = rng.uniform(16, 70, 2)
    return Sheet(width, height, float(left), float(right), float(top), float(bottom))
