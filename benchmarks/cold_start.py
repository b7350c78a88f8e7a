"""A process that starts, reads the first page of a file and says when it was done.

python -m benchmarks.cold_start FILE
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from extraction.errors import FormloopError
from extraction.pages.read import read_pages
from extraction.pages.sources import iter_sources
from extraction.pipeline import read_page
from workers.stations import build_stations


def main() -> None:
    source = next(iter_sources([Path(sys.argv[1])]))
    if isinstance(source, FormloopError):
        raise source
    raw = next(read_pages(source.data, source.name))
    if isinstance(raw, FormloopError):
        raise raw
    stations = build_stations()
    read_page(raw, stations.rulings, stations.reader)
    print(time.time())


if __name__ == "__main__":
    main()
