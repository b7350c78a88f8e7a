"""Vector paths of a born-digital page to its ruling lines.

Programs draw one border in many ways: a stroke, four strokes of a rectangle, a thin filled
rectangle or trapezium, a picture one pixel high; LibreOffice and Excel draw it anew for
each cell. All of them become edges, joined where they touch.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from extraction.pages.pdf_objects import Handle, Matrix, PageObject, fill_color, stroke_color
from extraction.values import Axis, Box, Edge, Image

THICKEST_PT = 3.0
SHORTEST_PT = 3.0
TOUCH_PT = 1.5
"""Gap between pieces of one line, and the shift between them, that is still joined."""
DOUBLE_PT = 3.0
"""Two strokes of a double border; no row of a form is as low as this."""
STRAIGHT = 0.01
"""Largest slope of a line that counts as axis-parallel."""
PALE_LEVEL = 235
VISIBLE_CONTRAST = 12.0
FAINTEST_ALPHA = 20


@dataclass(frozen=True, slots=True)
class _Piece:
    """A drawn piece of a line, in points as displayed."""

    axis: Axis
    at: float
    start: float
    end: float
    thickness: float
    pale: bool


def find_rulings(
    objects: Iterable[PageObject], image: Image, pixels_per_point: float
) -> tuple[Edge, ...]:
    """Ruling lines in pixels of ``image``, which is the page as rendered."""
    pieces = [piece for item in objects for piece in _object_pieces(item)]
    if any(piece.pale for piece in pieces):
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        pieces = [p for p in pieces if not p.pale or _shows(p, gray, pixels_per_point)]
    edges = [*merge_pieces(pieces, "horizontal"), *merge_pieces(pieces, "vertical")]
    return tuple(
        Edge(e.axis, e.at * pixels_per_point, e.start * pixels_per_point, e.end * pixels_per_point)
        for e in edges
    )


def _object_pieces(item: PageObject) -> Iterator[_Piece]:
    if item.kind == pdfium_c.FPDF_PAGEOBJ_PATH:
        pieces = _path_pieces(item)
    elif item.kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
        corners = [item.to_display.point(x, y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
        pieces = list(_filled_pieces([corners], False))
    else:
        return
    if not pieces:
        return
    clip = clip_box(item)
    for piece in pieces:
        clipped = piece if clip is None else _clipped(piece, clip)
        if clipped is not None:
            yield clipped


def _path_pieces(item: PageObject) -> list[_Piece]:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium_c.FPDFPath_GetDrawMode(item.raw, fill, stroke):
        return []
    if not fill.value and not stroke.value:
        return []
    subpaths = list(_subpaths(item))
    pieces: list[_Piece] = []
    if stroke.value:
        *rgb, alpha = stroke_color(item.raw)
        if alpha >= FAINTEST_ALPHA:
            width = ctypes.c_float()
            pdfium_c.FPDFPageObj_GetStrokeWidth(item.raw, width)
            thickness = width.value * item.to_display.scale
            pieces += _stroked_pieces(subpaths, thickness, min(rgb) >= PALE_LEVEL)
    if fill.value:
        *rgb, alpha = fill_color(item.raw)
        if alpha >= FAINTEST_ALPHA:
            pieces += _filled_pieces(subpaths, min(rgb) >= PALE_LEVEL)
    return pieces


def _subpaths(item: PageObject) -> Iterator[list[tuple[float, float]]]:
    """Corner points of each subpath in points as displayed; curves count as their ends."""
    points: list[tuple[float, float]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    matrix = item.to_display
    for i in range(pdfium_c.FPDFPath_CountSegments(item.raw)):
        segment = pdfium_c.FPDFPath_GetPathSegment(item.raw, i)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        moves = pdfium_c.FPDFPathSegment_GetType(segment) == pdfium_c.FPDF_SEGMENT_MOVETO
        if moves and points:
            yield points
            points = []
        points.append(matrix.point(x.value, y.value))
        if pdfium_c.FPDFPathSegment_GetClose(segment) and points[0] != points[-1]:
            points.append(points[0])
    if points:
        yield points


def _stroked_pieces(
    subpaths: Iterable[Sequence[tuple[float, float]]], thickness: float, pale: bool
) -> Iterator[_Piece]:
    if thickness > 2 * THICKEST_PT:
        return
    for points in subpaths:
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            width, height = abs(x1 - x0), abs(y1 - y0)
            if width > 0 and height <= max(STRAIGHT * width, 0.05):
                start, end = sorted((x0, x1))
                yield _Piece("horizontal", (y0 + y1) / 2, start, end, thickness, pale)
            elif height > 0 and width <= max(STRAIGHT * height, 0.05):
                start, end = sorted((y0, y1))
                yield _Piece("vertical", (x0 + x1) / 2, start, end, thickness, pale)


def _filled_pieces(
    subpaths: Iterable[Sequence[tuple[float, float]]], pale: bool
) -> Iterator[_Piece]:
    for points in subpaths:
        # More corners than a mitred rectangle has belong to a glyph drawn as a path.
        if not 3 <= len(points) <= 7:
            continue
        xs, ys = zip(*points, strict=True)
        x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
        width, height = x1 - x0, y1 - y0
        if height <= THICKEST_PT and width > 1.5 * height:
            yield _Piece("horizontal", (y0 + y1) / 2, x0, x1, height, pale)
        elif width <= THICKEST_PT and height > 1.5 * width:
            yield _Piece("vertical", (x0 + x1) / 2, y0, y1, width, pale)


def clip_box(item: PageObject) -> Box | None:
    """Bounds of the object's clip in points as displayed; None where nothing is clipped."""
    clip = pdfium_c.FPDFPageObj_GetClipPath(item.raw)
    count = pdfium_c.FPDFClipPath_CountPaths(clip) if clip else 0
    if count <= 0:
        return None
    box = Box(-np.inf, -np.inf, np.inf, np.inf)
    for i in range(count):
        points = _clip_points(clip, i, item.form_to_display)
        if points:
            xs, ys = zip(*points, strict=True)
            box = box.intersection(Box(min(xs), min(ys), max(xs), max(ys)))
    return box


def _clip_points(clip: Handle, index: int, matrix: Matrix) -> list[tuple[float, float]]:
    x, y = ctypes.c_float(), ctypes.c_float()
    points = []
    for i in range(max(0, pdfium_c.FPDFClipPath_CountPathSegments(clip, index))):
        segment = pdfium_c.FPDFClipPath_GetPathSegment(clip, index, i)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        points.append(matrix.point(x.value, y.value))
    return points


def _clipped(piece: _Piece, clip: Box) -> _Piece | None:
    """What the clip leaves of a piece; a line on the clip's own border stays."""
    half = piece.thickness / 2 + 0.1
    if piece.axis == "horizontal":
        across, along = (clip.top, clip.bottom), (clip.x0, clip.x1)
    else:
        across, along = (clip.x0, clip.x1), (clip.top, clip.bottom)
    start, end = max(piece.start, along[0]), min(piece.end, along[1])
    if not across[0] - half <= piece.at <= across[1] + half or end <= start:
        return None
    return _Piece(piece.axis, piece.at, start, end, piece.thickness, piece.pale)


def _shows(piece: _Piece, gray: NDArray[np.uint8], scale: float) -> bool:
    """Whether a pale line differs from what lies on both sides of it: white on a fill."""
    if piece.axis == "vertical":
        gray = gray.T
    reach = piece.thickness * scale / 2 + 2
    start, end = int(piece.start * scale), max(int(piece.end * scale), int(piece.start * scale) + 1)
    rows = np.round(np.array([-reach, 0.0, reach]) + piece.at * scale).astype(int)
    if rows[0] < 0 or rows[2] >= gray.shape[0] or start < 0 or start >= gray.shape[1]:
        return False
    above, on, below = np.median(gray[rows, start:end], axis=1)
    return bool(min(abs(on - above), abs(on - below)) > VISIBLE_CONTRAST)


def merge_pieces(pieces: Iterable[_Piece], axis: Axis) -> list[Edge]:
    """Join pieces of one direction that lie on one line and touch; drop the shortest."""
    chosen = sorted((p for p in pieces if p.axis == axis), key=lambda p: p.at)
    edges: list[Edge] = []
    cluster: list[_Piece] = []
    for piece in chosen:
        if cluster and piece.at - cluster[-1].at > TOUCH_PT:
            edges += _merge_line(cluster, axis)
            cluster = []
        cluster.append(piece)
    edges += _merge_line(cluster, axis)
    edges = [edge for edge in edges if edge.length >= SHORTEST_PT]
    return _without_doubles(edges)


def _merge_line(cluster: list[_Piece], axis: Axis) -> list[Edge]:
    """Runs of touching pieces; each lies at the mean of its pieces by length."""
    edges: list[Edge] = []
    run: list[_Piece] = []
    end = -np.inf
    for piece in sorted(cluster, key=lambda p: p.start):
        if run and piece.start > end + TOUCH_PT:
            edges.append(_run_edge(run, axis))
            run, end = [], -np.inf
        run.append(piece)
        end = max(end, piece.end)
    if run:
        edges.append(_run_edge(run, axis))
    return edges


def _run_edge(run: list[_Piece], axis: Axis) -> Edge:
    lengths = [piece.end - piece.start for piece in run]
    at = float(np.average([piece.at for piece in run], weights=lengths))
    return Edge(axis, at, min(p.start for p in run), max(p.end for p in run))


def _without_doubles(edges: list[Edge]) -> list[Edge]:
    """One edge for the two strokes of a double border, where they run side by side."""
    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: e.at):
        twin = next((k for k in reversed(kept) if _is_double(k, edge)), None)
        if twin is None:
            kept.append(edge)
            continue
        kept[kept.index(twin)] = Edge(
            edge.axis,
            (edge.at + twin.at) / 2,
            min(edge.start, twin.start),
            max(edge.end, twin.end),
        )
    return kept


def _is_double(first: Edge, second: Edge) -> bool:
    if second.at - first.at > DOUBLE_PT:
        return False
    shared = min(first.end, second.end) - max(first.start, second.start)
    return shared > 0.8 * max(first.length, second.length)
