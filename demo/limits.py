"""Limits for a visitor, so that one cannot take the Space from the others."""

from __future__ import annotations

from pathlib import Path

MOST_CHARACTERS = 10_000
"""Of a text."""

MOST_UPLOAD_BYTES = 5_000_000
"""Of a knowledge base or a batch file."""

MOST_NAMES = 50_000
"""Of a visitor's knowledge base."""

MOST_DOCUMENTS = 200
"""Of a batch."""

MOST_SECONDS = 300
"""Of a batch."""

MOST_WAITING = 32
"""Requests in the queue."""


_GZIP = b"\x1f\x8b"


class VisitorError(ValueError):
    """A visitor's input cannot be used; the message says what came, what was expected and what to do."""


def checked_text(text: str | None) -> str:
    """The text, if it is one that may be annotated.

    Raises:
        VisitorError: it is empty or too long.
    """
    if text is None or not text.strip():
        raise VisitorError("There is no text yet: paste an abstract, or choose one of the examples.")
    if len(text) > MOST_CHARACTERS:
        raise VisitorError(
            f"The text has {len(text):,} characters; this page takes {MOST_CHARACTERS:,}. Cut it, use the Batch tab "
            "for many documents, or run `angel annotate` on your own machine for any amount."
        )
    return text


def checked_file(path: str | Path | None) -> Path:
    """The uploaded file, if it is not too large.

    Raises:
        VisitorError: there is none, it is empty, or it is too large.
    """
    if path is None:
        raise VisitorError("There is no file yet: upload one first.")
    path = Path(path)
    size = path.stat().st_size
    if size == 0:
        raise VisitorError(f"{path.name} is empty.")
    if size > MOST_UPLOAD_BYTES:
        raise VisitorError(
            f"{path.name} has {size / 1e6:.1f} MB; this page takes {MOST_UPLOAD_BYTES / 1e6:.0f} MB. Cut it, or use "
            "the angel_hf package on your own machine."
        )
    with path.open("rb") as stream:
        if stream.read(2) == _GZIP:
            raise VisitorError(f"{path.name} is compressed; unpack it and upload what is in it.")
    return path


def decoded(path: Path) -> str:
    """The text of an uploaded file.

    Raises:
        VisitorError: it is not UTF-8.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise VisitorError(
            f"{path.name} is not UTF-8: byte 0x{raw[error.start]:02x} in line {line}. Save it again as UTF-8 (in a "
            "spreadsheet: 'CSV UTF-8')."
        ) from None
