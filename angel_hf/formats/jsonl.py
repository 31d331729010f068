"""JSON lines, one object a line.

records     `{"text": ..., "spans": [[start, end], ...], ...}`; linked, the same with `mentions`
texts       `{"text": ..., "id": ...}`; annotated, id, text and `mentions`
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn, TextIO

from angel_hf.formats.document import Document
from angel_hf.formats.lines import Line, open_lines
from angel_hf.formats.record_lines import read_each
from angel_hf.formats.records import LinkedRecord, Record
from angel_hf.formats.rejected import Rejected
from angel_hf.results import Annotated
from angel_hf.types import Candidate, Linked, Mention

_EXPECTED = 'expected {"text": "...", "spans": [[start, end], ...]}'


def read_jsonl(lines: Iterable[Line]) -> Iterator[Record | Rejected]:
    """Read records, one a line; empty lines are passed over."""
    return read_each(lines, _record)


def _record(line: Line) -> Record:
    fields = _parse_object(line.text)
    return Record(line.number, line.text, fields, _mentions(fields))


def read_jsonl_texts(path: str | os.PathLike[str]) -> Iterator[Document]:
    """Stream the texts of a file, `.gz` included; a line without `id` has its number for one.

    Raises:
        ValueError: a line is no object with a string `text`; the error names file and line.
    """
    name = os.fspath(path)
    for number, line in enumerate(open_lines(name), start=1):
        if line.strip():
            try:
                row = json.loads(line)
                text = row["text"]
            except (json.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
                raise ValueError(f'{name}:{number}: {error!r}; expected {{"text": "...", "id": ...}}') from None
            if not isinstance(text, str):
                raise ValueError(f"{name}:{number}: text is {text!r:.60}; expected a string")
            yield Document.of_text(str(row.get("id", number)), text)


class JsonlWriter:
    """Writes linked records as JSON lines: the record's fields, then `mentions` (a given one is replaced).

    A mention has the key `read_as` where an abbreviation in it was written out.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, linked_record: LinkedRecord) -> None:
        """Write one record."""
        record = linked_record.record
        extra = record.mention_fields or ({},) * len(record.mentions)
        mentions = [
            _mention_row(linked, read_as, fields)
            for linked, read_as, fields in zip(linked_record.linked, linked_record.read_as, extra)
        ]
        self._stream.write(to_json({**record.fields, "mentions": mentions}) + "\n")


class AnnotatedJsonlWriter:
    """JSON lines: id, text, and mentions with confidence and candidates."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream = stream
        self._kind = kind

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        mentions = [
            {
                "start": one.mention.start,
                "end": one.mention.end,
                "text": one.mention.surface,
                "type": self._kind,
                "read_as": one.read_as,
                "confidence": None if one.confidence is None else round(one.confidence, 4),
                "nil": one.is_nil,
                "candidates": [_candidate_row(candidate) for candidate in one.candidates],
            }
            for one in annotated
        ]
        self._stream.write(to_json({"id": document.document_id, "text": document.text, "mentions": mentions}) + "\n")

    def close(self) -> None:
        """Nothing follows the last document."""


def to_json(row: dict[str, Any]) -> str:
    """One line of JSON in readable letters; half a surrogate pair, which UTF-8 cannot hold, stays escaped."""
    line = json.dumps(row, ensure_ascii=False)
    return line if is_utf8(line) else json.dumps(row)


def _mention_row(linked: Linked, read_as: str, fields: dict[str, Any]) -> dict[str, Any]:
    mention = linked.mention
    return {
        "start": mention.start,
        "end": mention.end,
        "text": mention.surface,
        **({} if read_as == mention.surface else {"read_as": read_as}),
        **fields,
        "candidates": [_candidate_row(candidate) for candidate in linked.candidates],
    }


def _candidate_row(candidate: Candidate) -> dict[str, Any]:
    # Adding 0.0 makes a rounded -0.0 a plain zero.
    score = round(candidate.score, 6) + 0.0
    return {"name": candidate.name, "concept_ids": list(candidate.concept_ids), "score": score}


def _parse_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error}); {_EXPECTED}") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}; {_EXPECTED}")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _mentions(fields: dict[str, Any]) -> tuple[Mention, ...]:
    for key in ("text", "spans"):
        if key not in fields:
            raise ValueError(f"no {key!r} among the keys {', '.join(map(repr, fields)) or '(none)'}; {_EXPECTED}")
    text, spans = fields["text"], fields["spans"]
    if not isinstance(text, str) or not is_utf8(text):
        raise ValueError(f"text is {text!r:.80}; expected a string of whole characters")
    if not isinstance(spans, list):
        raise ValueError(f"spans is {spans!r:.80}; expected [[start, end], ...]")
    return tuple(_mention(text, number, span) for number, span in enumerate(spans, start=1))


def _mention(text: str, number: int, span: object) -> Mention:
    # A bool is an int in Python, and true is no offset.
    if not (isinstance(span, list) and len(span) == 2 and all(type(offset) is int for offset in span)):
        raise ValueError(f"span {number} is {span!r:.80}; expected [start, end], two whole numbers")
    try:
        return Mention(text, *span)
    except ValueError as error:
        raise ValueError(f"span {number}: {error}") from None


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair, as JSON and a command line may have, it cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
