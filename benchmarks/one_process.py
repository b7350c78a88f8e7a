"""A process that reads files over and over, and says after each how much memory it holds.

python -m benchmarks.one_process --pages 300 FILE…
"""

from __future__ import annotations

import argparse
import json
import resource
from itertools import cycle
from pathlib import Path

import psutil

from benchmarks.quality import read_source
from extraction.pipeline import extract_document
from workers.stations import build_stations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    stations = build_stations()
    process = psutil.Process()
    read = 0
    for path in cycle(options.files):
        read += len(extract_document(read_source(path), stations).record.pages)
        resident = process.memory_info().rss / 1e6
        # Linux counts it in KiB.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        print(json.dumps({"pages": read, "resident_mb": resident, "peak_mb": peak}), flush=True)
        if read >= options.pages:
            return


if __name__ == "__main__":
    main()
