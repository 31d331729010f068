"""JSON lines, one document a line.

read        `{"text": ..., "id": ..., "spans": [[start, end], ...], ...}`; a span may be an object with `start` and
            `end`, and instead of `spans` there may be the `mentions` that the commands write
written     linked, the same with `mentions`; annotated, id, text and `mentions`
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn, TextIO

from angel_hf.formats.answers import LinkedDocument, MappedIds, nothing_mapped
from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.lines import Line
from angel_hf.formats.reading import Offsets, Reading, Utf16Offsets, refuse_utf16_units
from angel_hf.formats.record_lines import read_each
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.results import Annotated
from angel_hf.types import Candidate, Linked, Mention

_EXPECTED = 'expected {"text": "...", "spans": [[start, end], ...]}'
_EXPECTED_TEXT = 'expected {"text": "...", "id": ...}'
_ID_KEYS = ("id", "document_id", "pmid", "_id")


def read_jsonl(source: Source, reading: Reading) -> Iterator[Document | Rejected]:
    """The documents of a file; one without an id has the number of its line for one."""
    return read_each(source.lines(), partial(_document, reading=reading))


def _document(line: Line, reading: Reading) -> Document:
    expected = _EXPECTED if reading.mentions else _EXPECTED_TEXT
    fields = parse_object(line.text, expected)
    for key in ("text",) if "mentions" in fields or not reading.mentions else ("text", "spans"):
        if key not in fields:
            raise ValueError(f"no {key!r} among the keys {', '.join(map(repr, fields)) or '(none)'}; {expected}")
    text = fields["text"]
    if not isinstance(text, str) or not is_utf8(text):
        raise ValueError(f"text is {text!r:.80}; expected a string of whole characters")
    annotations = _annotations(text, fields, reading.offsets) if reading.mentions else None
    sections = (Section(0, len(text), "text"),)
    return Document(_id(fields, line), text, sections, annotations, fields=fields, line=line.number, raw=line.text)


def _id(fields: dict[str, Any], line: Line) -> str:
    value = next((fields[key] for key in _ID_KEYS if fields.get(key) not in (None, "")), line.number)
    if isinstance(value, (dict, list)):
        raise ValueError(f"id is {value!r:.80}; expected a string or a number")
    return str(value)


def parse_object(text: str, expected: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: no JSON, or another value, with what was expected.
        RecursionError: nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ValueError(f"not JSON ({error}); {expected}") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}; {expected}")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _annotations(text: str, fields: dict[str, Any], offsets: Offsets) -> tuple[Annotation, ...]:
    key = "spans" if "spans" in fields else "mentions"
    spans = fields[key]
    if not isinstance(spans, list):
        raise ValueError(f"{key} is {spans!r:.80}; expected [[start, end], ...]")
    convert = Utf16Offsets(text).to_code_points if offsets is Offsets.UTF_16 else None
    annotations = tuple(_annotation(text, number, span, convert) for number, span in enumerate(spans, start=1))
    if convert is None:
        given = (span.get("text") if isinstance(span, dict) else None for span in spans)
        refuse_utf16_units(text, [(one.start, one.end) for one, own in zip(annotations, given) if own != one.surface])
    return annotations


def _annotation(text: str, number: int, span: object, convert: Callable[[int], int] | None) -> Annotation:
    kind, given = "", None
    pair = span
    if isinstance(span, dict):
        pair = [span.get("start"), span.get("end")]
        kind = next((span[key] for key in ("type", "label") if isinstance(span.get(key), str)), "")
        given = span["identifier"] if isinstance(span.get("identifier"), str) else None
    if isinstance(pair, list) and pair and all(isinstance(part, (list, dict)) for part in pair):
        raise ValueError(f"span {number} is {span!r:.80}, in several pieces; expected one piece, [start, end]")
    # A bool is an int in Python, and true is no offset.
    if not (isinstance(pair, list) and len(pair) == 2 and all(type(offset) is int for offset in pair)):
        raise ValueError(f"span {number} is {span!r:.80}; expected [start, end], two whole numbers")
    try:
        start, end = map(convert, pair) if convert else pair
        Mention(text, start, end)  # refuses a span that is blank or does not fit
    except ValueError as error:
        raise ValueError(f"span {number}: {error}") from None
    return Annotation(start, end, text[start:end], kind, given)


class LinkedJsonlWriter:
    """Linked documents: their own fields, then `mentions` (given ones are replaced).

    A mention has the key `read_as` where an abbreviation in it was written out, and the type and identifier that it
    came with. A candidate has the key `because` where a ranking stage put it first, named by it, and `mapped_ids`
    where its concepts have other identifiers.
    """

    def __init__(
        self, stream: TextIO, offsets: Offsets = Offsets.CODE_POINTS, mapped_ids: MappedIds = nothing_mapped
    ) -> None:
        self._stream = stream
        self._offsets = offsets
        self._mapped_ids = mapped_ids

    def write(self, linked: LinkedDocument) -> None:
        """Write one document."""
        document = linked.document
        counted = _counted(document.text, self._offsets)
        mentions = [
            _linked_row(annotation, answer, read_as, counted, self._mapped_ids)
            for annotation, answer, read_as in zip(
                document.annotations or (), linked.linked, linked.read_as, strict=True
            )
        ]
        own = document.fields if "text" in document.fields else {"id": document.document_id, "text": document.text}
        self._stream.write(to_json({**document.fields, **own, "mentions": mentions}) + "\n")

    def close(self) -> None:
        """Nothing follows the last document."""


class AnnotatedJsonlWriter:
    """Annotated documents: id, text, and mentions with confidence and candidates, as of `LinkedJsonlWriter`."""

    def __init__(
        self,
        stream: TextIO,
        kind: str,
        offsets: Offsets = Offsets.CODE_POINTS,
        mapped_ids: MappedIds = nothing_mapped,
    ) -> None:
        self._stream = stream
        self._kind = kind
        self._offsets = offsets
        self._mapped_ids = mapped_ids

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        counted = _counted(document.text, self._offsets)
        mentions = [
            {
                "start": counted(one.mention.start),
                "end": counted(one.mention.end),
                "text": one.mention.surface,
                "type": self._kind,
                "read_as": one.read_as,
                "confidence": None if one.confidence is None else round(one.confidence, 4),
                "nil": one.is_nil,
                "candidates": [_candidate_row(candidate, self._mapped_ids) for candidate in one.candidates],
            }
            for one in annotated
        ]
        self._stream.write(to_json({"id": document.document_id, "text": document.text, "mentions": mentions}) + "\n")

    def close(self) -> None:
        """Nothing follows the last document."""


def to_json(row: dict[str, Any]) -> str:
    """One line of JSON in readable letters; half a surrogate pair, which UTF-8 cannot hold, stays escaped.

    Raises:
        ValueError: a number is not finite, which JSON cannot hold.
    """
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    return line if is_utf8(line) else json.dumps(row, allow_nan=False)


def _counted(text: str, offsets: Offsets) -> Callable[[int], int]:
    return Utf16Offsets(text).from_code_points if offsets is Offsets.UTF_16 else int


def _linked_row(
    annotation: Annotation, linked: Linked, read_as: str, counted: Callable[[int], int], mapped_ids: MappedIds
) -> dict[str, Any]:
    mention = linked.mention
    row: dict[str, Any] = {"start": counted(mention.start), "end": counted(mention.end), "text": mention.surface}
    if read_as != mention.surface:
        row["read_as"] = read_as
    if annotation.type or annotation.identifier is not None:
        row |= {"type": annotation.type, "identifier": annotation.identifier}
    return row | {"candidates": [_candidate_row(candidate, mapped_ids) for candidate in linked.candidates]}


def _candidate_row(candidate: Candidate, mapped_ids: MappedIds) -> dict[str, Any]:
    # Adding 0.0 makes a rounded -0.0 a plain zero.
    score = round(candidate.score, 6) + 0.0
    row: dict[str, Any] = {"name": candidate.name, "concept_ids": list(candidate.concept_ids), "score": score}
    if candidate.because:
        row["because"] = candidate.because
    mapped = mapped_ids(candidate.concept_ids)
    return row | {"mapped_ids": list(mapped)} if mapped else row


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can hold a text: half a surrogate pair, as JSON and a command line may have, it cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
