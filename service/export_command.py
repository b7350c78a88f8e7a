"""``formloop export``: the records of an archive as one file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from extraction.errors import FormloopError
from service.client import find_address, open_client
from service.client_options import ExportOptions
from service.options import STDOUT
from service.terminal import messages, say_error


def run(options: ExportOptions) -> int:
    """Write the export; 1 where it failed, and then nothing is left of it."""
    try:
        with open_client(find_address(options.data)) as client:
            archive_id = client.find_archive_id(options.archive)
            path = f"/api/archives/{archive_id}/export"
            with client.stream(path, format=options.format) as pieces:
                size = _write(pieces, options.out)
    except FormloopError as error:
        say_error(str(error))
        return 1
    except BrokenPipeError:
        # Whoever reads has had enough; what is still to be flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        say_error(f"{options.out}: {error.strerror or error}")
        return 1
    if options.out != STDOUT:
        messages().print(f"{options.out}: {size:,} bytes", highlight=False, markup=False)
    return 0


def _write(pieces: Iterator[bytes], out: str) -> int:
    if out == STDOUT:
        return sum(sys.stdout.buffer.write(piece) for piece in pieces)
    target = Path(out)
    part = target.with_name(f"{target.name}.part-{os.getpid()}")
    try:
        with part.open("wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size
