"""A corpus of damaged and hostile files, the same at every run.

Eight whole files of the formats that can be read are cut short, have bits flipped and
stretches zeroed; beside them stand files built by hand to do harm.
"""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from reportlab.pdfgen.canvas import Canvas

from extraction.values import Image
from tests.extraction.drawn_pages import drawn_pdf, encoded, picture_pdf, tiff_of, written_page

CUTS = (0.0, 0.002, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 0.995, 0.9999)
FLIPS = (1, 2, 4, 8, 16, 64, 256, 1024)
ZEROED = ((0.0, 0.01), (0.1, 0.2), (0.45, 0.55), (0.9, 1.0))


@dataclass(frozen=True, slots=True)
class DamagedFile:
    name: str
    data: bytes


def whole_files() -> dict[str, bytes]:
    """One good file of each format; small, so that hundreds of copies are read quickly."""
    page = written_page(dpi=60.0)
    pages = {"a.pdf": picture_pdf(page), "b.png": encoded(page, "PNG")}
    return {
        "scan.pdf": picture_pdf(page, pages=2),
        "text.pdf": drawn_pdf(_draw_cell, pages=2),
        "fax.tif": tiff_of([page, page]),
        "page.png": encoded(page, "PNG"),
        "page.jpg": encoded(page, "JPEG"),
        "page.bmp": encoded(page, "BMP"),
        "page.webp": encoded(page, "WEBP"),
        "pages.zip": zipped(pages),
    }


def _draw_cell(canvas: Canvas) -> None:
    canvas.grid([50, 99], [50, 99])
    canvas.drawString(60, 60, "表")


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def damaged_corpus() -> list[DamagedFile]:
    whole = whole_files()
    return [*_cut(whole), *_flipped(whole), *_zeroed(whole), *_misnamed(whole), *_hostile(whole)]


def _cut(whole: Mapping[str, bytes]) -> Iterator[DamagedFile]:
    for name, data in whole.items():
        for share in CUTS:
            yield DamagedFile(f"cut_{share}_{name}", data[: int(share * len(data))])


def _flipped(whole: Mapping[str, bytes]) -> Iterator[DamagedFile]:
    for name, data in whole.items():
        for count in FLIPS:
            rng = random.Random(f"{name} {count}")
            broken = bytearray(data)
            for _ in range(count):
                broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
            yield DamagedFile(f"flipped_{count}_{name}", bytes(broken))


def _zeroed(whole: Mapping[str, bytes]) -> Iterator[DamagedFile]:
    for name, data in whole.items():
        for start, end in ZEROED:
            first, last = int(start * len(data)), int(end * len(data))
            broken = data[:first] + bytes(last - first) + data[last:]
            yield DamagedFile(f"zeroed_{start}_{name}", broken)


def _misnamed(whole: Mapping[str, bytes]) -> Iterator[DamagedFile]:
    suffixes = [name.rpartition(".")[2] for name in whole]
    for (name, data), suffix in zip(whole.items(), suffixes[3:] + suffixes[:3], strict=True):
        yield DamagedFile(f"misnamed_{name}.{suffix}", data)


def _hostile(whole: Mapping[str, bytes]) -> Iterator[DamagedFile]:
    page = written_page(dpi=60.0)
    yield from _plain_nonsense()
    yield from _picture_bombs()
    yield from _odd_pictures(page)
    yield from _hostile_pdfs(page)
    yield from _hostile_zips(whole)


def _plain_nonsense() -> Iterator[DamagedFile]:
    rng = random.Random(7)
    for suffix in ("pdf", "tif", "png", "jpg", "zip"):
        yield DamagedFile(f"nothing.{suffix}", b"")
        yield DamagedFile(f"one_byte.{suffix}", b"%")
        yield DamagedFile(f"zeros.{suffix}", bytes(4096))
        yield DamagedFile(f"noise.{suffix}", rng.randbytes(4096))
    yield DamagedFile("page_not_found.pdf", b"<!DOCTYPE html><html><body>404</body></html>")
    yield DamagedFile("feed.pdf", b'<?xml version="1.0"?><rss></rss>')
    yield DamagedFile("word.pdf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))
    yield DamagedFile("letter.pdf", "这是一封信".encode())
    yield DamagedFile("phone.jpg", b"\x00\x00\x00\x18ftypheic" + bytes(64))


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, body: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(body))
        + png_chunk(b"IEND", b"")
    )


def tiff_directory(entries: Sequence[tuple[int, int, int, int]], following: int) -> bytes:
    body = struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        body += struct.pack("<HHII", tag, kind, count, value)
    return body + struct.pack("<I", following)


def tiff_header_of(width: int, height: int, following: int = 0, strip_bytes: int = 100) -> bytes:
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, strip_bytes),
    ]
    return b"II*\x00" + struct.pack("<I", 8) + tiff_directory(tags, following)


def _picture_bombs() -> Iterator[DamagedFile]:
    for side in (20_000, 100_000, 2**31 - 1):
        yield DamagedFile(f"bomb_{side}.png", png_of(side, side, bytes(1000)))
        yield DamagedFile(f"bomb_{side}.tif", tiff_header_of(side, side))
        bmp = b"BM" + struct.pack("<IHHI", 200, 0, 0, 54)
        bmp += struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
        yield DamagedFile(f"bomb_{side}.bmp", bmp + bytes(100))
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 65500, 65500)
    frame += b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    yield DamagedFile("bomb.jpg", b"\xff\xd8" + frame + b"\xff\xd9")
    webp = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff\xff\xff" * 2
    yield DamagedFile("bomb.webp", b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp)
    yield DamagedFile("no_pixels.png", png_of(0, 0, b""))
    yield DamagedFile("text_bomb.png", _png_with_text())
    yield DamagedFile("circle.tif", tiff_header_of(9, 9, following=8))
    yield DamagedFile("far_away.tif", tiff_header_of(9, 9, following=2**32 - 2))
    yield DamagedFile("no_directory.tif", b"II*\x00" + struct.pack("<I", 2**31))


def _png_with_text() -> bytes:
    text = b"note\x00\x00" + zlib.compress(bytes(5_000_000), 9)
    plain = png_of(10, 10, bytes(310))
    return plain[:33] + png_chunk(b"zTXt", text) + plain[33:]


def _odd_pictures(page: Image) -> Iterator[DamagedFile]:
    yield DamagedFile("one_pixel.png", encoded(page[:1, :1], "PNG"))
    yield DamagedFile("one_row.tif", encoded(page[:1], "TIFF"))
    yield DamagedFile("one_column.bmp", encoded(np.ascontiguousarray(page[:, :1]), "BMP"))
    yield DamagedFile("long.png", encoded(np.full((4, 60_000, 3), 200, np.uint8), "PNG"))
    yield DamagedFile("sixteen_bits.png", encoded(page[:, :, 0].astype(np.uint16) * 257, "PNG"))
    yield DamagedFile("cmyk.jpg", encoded(page, "JPEG", "CMYK"))
    yield DamagedFile("cmyk.tif", encoded(page, "TIFF", "CMYK"))
    nan = np.full((50, 50), np.nan, np.float32)
    yield DamagedFile("not_a_number.tif", encoded(nan, "TIFF"))
    yield DamagedFile("white.png", encoded(np.full_like(page, 255), "PNG"))
    yield DamagedFile("black.jpg", encoded(np.zeros_like(page), "JPEG"))
    buffer = io.BytesIO()
    exif = PillowImage.Exif()
    exif[0x0112] = 99
    PillowImage.fromarray(page).save(buffer, "JPEG", exif=exif)
    yield DamagedFile("odd_orientation.jpg", buffer.getvalue())


def pdf_of(objects: Sequence[bytes]) -> bytes:
    """A PDF of numbered objects, the first of them its catalogue."""
    out = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return out + b"startxref\n%d\n%%%%EOF\n" % at


def stream(data: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(data, 9)
    head = b"<< /Length %d /Filter /FlateDecode %s >>" % (len(packed), entries)
    return head + b"\nstream\n" + packed + b"\nendstream"


def one_page_pdf(page: bytes, *others: bytes) -> bytes:
    """Page entries as written; ``others`` are the objects from number 4 on."""
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R %s >>" % page,
            *others,
        ]
    )


def _hostile_pdfs(page: Image) -> Iterator[DamagedFile]:
    a4 = b"/MediaBox [0 0 595 842]"
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    yield DamagedFile("encrypted.pdf", drawn_pdf(lambda c: c.drawString(9, 9, "x"), password="k"))
    yield DamagedFile("no_pages.pdf", pdf_of([catalog, b"<< /Type /Pages /Kids [] /Count 0 >>"]))
    many = b"<< /Type /Pages /Kids [%s] /Count 3000 >>" % (b"3 0 R " * 3000)
    leaf = b"<< /Type /Page /Parent 2 0 R %s >>" % a4
    yield DamagedFile("many_pages.pdf", pdf_of([catalog, many, leaf]))
    lie = b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>"
    yield DamagedFile("count_lies.pdf", pdf_of([catalog, lie, leaf]))
    minus = b"<< /Type /Pages /Kids [3 0 R] /Count -5 >>"
    yield DamagedFile("count_below_zero.pdf", pdf_of([catalog, minus, leaf]))
    circle = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 /Parent 2 0 R >>"
    yield DamagedFile("circle.pdf", pdf_of([catalog, circle]))
    missing = b"<< /Type /Pages /Kids [9 0 R 3 0 R] /Count 2 >>"
    yield DamagedFile("missing_page.pdf", pdf_of([catalog, missing, leaf]))
    for box in (b"0 0 0 0", b"0 0 14400 14400", b"0 0 1e9 1e9", b"5 5 -5 -5", b"a b c d", b""):
        sized = b"/MediaBox [%s] /Contents 4 0 R" % box
        ink = stream(b"0 0 m 500 500 l S 10 10 100 100 re f")
        yield DamagedFile(f"box_{box.decode().replace(' ', '_')}.pdf", one_page_pdf(sized, ink))
    yield from _content_bombs(a4)
    yield from _image_bombs(a4)
    yield DamagedFile("noise_after.pdf", picture_pdf(page) + bytes(2000))
    yield DamagedFile("noise_before.pdf", bytes(500) + picture_pdf(page))


def _content_bombs(a4: bytes) -> Iterator[DamagedFile]:
    used = a4 + b" /Contents 4 0 R"
    yield DamagedFile("paths.pdf", one_page_pdf(used, stream(b"0 0 m 9 9 l S\n" * 110_000)))
    yield DamagedFile("states.pdf", one_page_pdf(used, stream(b"q " * 500_000)))
    yield DamagedFile("arrays.pdf", one_page_pdf(used, stream(b"[" * 500_000)))
    yield DamagedFile("nonsense.pdf", one_page_pdf(used, stream(bytes(range(256)) * 50)))
    itself = b" /Resources << /XObject << /F 5 0 R >> >> "
    form = stream(b"/F Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]" + itself)
    yield DamagedFile("form_in_itself.pdf", one_page_pdf(used + itself, stream(b"/F Do"), form))
    yield DamagedFile("deep.pdf", one_page_pdf(a4 + b" /X " + b"[" * 5000 + b"]" * 5000))


def _image_bombs(a4: bytes) -> Iterator[DamagedFile]:
    used = a4 + b" /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >>"
    show = stream(b"595 0 0 842 0 0 cm /I Do")
    for width, height in ((100_000, 100_000), (2**31 - 1, 1), (0, 0), (-5, 7)):
        entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d " % (width, height)
        entries += b"/ColorSpace /DeviceGray /BitsPerComponent 8"
        image = stream(bytes(1000), entries)
        yield DamagedFile(f"image_{width}_{height}.pdf", one_page_pdf(used, show, image))
    jpeg = b"<< /Type /XObject /Subtype /Image /Width 900 /Height 900 /ColorSpace /DeviceRGB "
    jpeg += (
        b"/BitsPerComponent 8 /Filter /DCTDecode /Length 9 >>\nstream\n\xff\xd8nothing\nendstream"
    )
    yield DamagedFile("image_broken.pdf", one_page_pdf(used, show, jpeg))


def _hostile_zips(whole: Mapping[str, bytes]) -> Iterator[DamagedFile]:
    good = whole["page.png"]
    for i, name in enumerate(("../up.png", "/root.png", "C:/x.png", "a/../../x.png", "..")):
        yield DamagedFile(f"path_{i}.zip", zipped({name: good, "good.png": good}))
    yield DamagedFile("bomb.zip", zipped({"bomb.bmp": b"BM" + bytes(70 * 2**20)}))
    yield DamagedFile("empty.zip", zipped({}))
    yield DamagedFile("empty_entry.zip", zipped({"a.pdf": b""}))
    yield DamagedFile("many.zip", zipped({f"{i}.png": b"" for i in range(5001)}))
    deep = whole["pages.zip"]
    for _ in range(4):
        deep = zipped({"in.zip": deep})
    yield DamagedFile("deep.zip", deep)
    yield DamagedFile("office.zip", zipped({"[Content_Types].xml": b"<x/>"}))
    link = zipfile.ZipInfo("link.pdf")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    yield DamagedFile("link.zip", buffer.getvalue())
