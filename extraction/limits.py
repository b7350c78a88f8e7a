"""How much one input may hold before it is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on one input; what goes beyond is refused as ``TooLarge``.

    ``max_bytes`` holds for a single file, also one inside an archive; ``max_pixels`` for one
    page. ``max_zip_bytes`` counts all that comes out of one archive and of those inside it,
    and ``max_zip_ratio`` is how much it may grow once it has passed ``free_zip_bytes``.
    """

    max_bytes: int = 200 * 2**20
    max_pages: int = 500
    max_pixels: int = 120_000_000
    max_zip_files: int = 5000
    max_zip_bytes: int = 4 * 2**30
    max_zip_ratio: float = 250.0
    free_zip_bytes: int = 64 * 2**20
