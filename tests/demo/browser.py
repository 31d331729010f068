"""A running page and a real browser for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCREENSHOTS = Path(os.environ.get("ANGEL_SCREENSHOTS", "build/screenshots"))
"""Where the pictures of a run go; CI keeps them."""

READY_SECONDS = 1200
"""Generous: a start takes seconds, on a busy machine minutes; a page that dies ends the wait at once."""

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WAIT = 400_000
"""Milliseconds; a busy machine is slow, and nothing here measures speed."""


def browser_path() -> str:
    """Chromium of the system; the error says how to get it."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError(
            f"no browser: none of {', '.join(BROWSERS)} is on the PATH; on Debian: apt-get install chromium. The other "
            "tests of the demo need none"
        )
    return found


@contextmanager
def running_page(model: str | Path, port: int, log: Path) -> Iterator[str]:
    """`python -m demo`, until the end of the block; gives its address once it is ready."""
    with log.open("w") as stream:
        command = [sys.executable, "-m", "demo", "--model", str(model), "--port", str(port)]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            limit = time.monotonic() + READY_SECONDS
            while "ready on" not in log.read_text():
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError(f"the page did not start:\n{log.read_text()}")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(timeout=30)


def record_outside_request(url: str, faults: list[str]) -> None:
    """Add a request to any other address than this machine's to the faults."""
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        faults.append(f"request to {url}")
