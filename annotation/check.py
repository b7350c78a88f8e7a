"""``python -m annotation.check``: whether the Label Studio that is named can be used.

Says in one line what it is or what to do; the exit code is 0 where all is well.
"""

from __future__ import annotations

import os
import sys

from annotation.client import LabelStudioClient
from annotation.errors import StudioError


def main() -> int:
    url = os.environ.get("FORMLOOP_LABEL_STUDIO_URL", "")
    token = os.environ.get("FORMLOOP_LABEL_STUDIO_TOKEN", "")
    try:
        state = LabelStudioClient(url, token, timeout_s=10.0).check()
    except StudioError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"Label Studio {state.version} at {url} knows us as {state.user}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
