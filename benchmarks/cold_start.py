"""A process that starts, reads the first page of a file and says when it was done.

python -m benchmarks.cold_start FILE
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.quality import read_source
from extraction.errors import FormloopError
from extraction.pages.read import read_pages
from extraction.pipeline import read_page
from workers.stations import build_stations


def main() -> None:
    source = read_source(Path(sys.argv[1]))
    raw = next(read_pages(source.data, source.name))
    if isinstance(raw, FormloopError):
        raise raw
    stations = build_stations()
    read_page(raw, stations.rulings, stations.reader)
    print(time.time())


if __name__ == "__main__":
    main()
