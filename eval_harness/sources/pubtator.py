"""Examples out of PubTator files; the readers of three benchmarks share it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from angel_hf.formats.document import Annotation
from angel_hf.formats.pubtator import PubtatorDocument, read_pubtator
from angel_hf.types import Mention
from eval_harness.bad_records import BadRecords
from eval_harness.example import Example
from eval_harness.sources.text_lines import surrogate_lines

ReadGold = Callable[[Annotation], tuple[tuple[str, ...], ...]]
"""From an annotation to `Example.gold`; raises ValueError on an identifier that the corpus cannot hold."""


def read_documents(path: Path, bad: BadRecords, known_duplicates: Collection[str] = ()) -> Iterator[PubtatorDocument]:
    """The documents of a file in its order.

    Bad records are malformed ones, those that are not UTF-8, and documents that came before, unless
    `known_duplicates` has their id.
    """

    def on_error(line: int, message: str, record: str) -> None:
        # The reader's message starts with its own name of the file and the line.
        bad.report(path, line, message.partition(f":{line}: ")[2] or message)

    seen: dict[str, int] = {}
    for number, document in enumerate(read_pubtator(surrogate_lines(path), on_error), start=1):
        if not _is_utf8(document):
            line = _line_of(path, document.document_id)
            bad.report(path, line, f"document {document.document_id} is not UTF-8; expected a UTF-8 text file")
        elif document.document_id in seen and document.document_id not in known_duplicates:
            line = _line_of(path, document.document_id, again=True)
            first = seen[document.document_id]
            bad.report(path, line, f"document {document.document_id} again, the {first}. of the file had that id")
        else:
            seen.setdefault(document.document_id, number)
            yield document


def read_examples(
    path: Path, bad: BadRecords, gold: ReadGold, known_duplicates: Collection[str] = ()
) -> Iterator[Example]:
    """The annotations of a file, in its order."""
    for document in read_documents(path, bad, known_duplicates):
        yield from document_examples(path, document, bad, gold)


def document_examples(path: Path, document: PubtatorDocument, bad: BadRecords, gold: ReadGold) -> Iterator[Example]:
    """The annotations of a document; one whose identifier `gold` refuses is a bad record."""
    for annotation in document.annotations:
        try:
            parts = gold(annotation)
        except ValueError as error:
            where = f"document {document.document_id}, mention {annotation.surface!r} at {annotation.start}"
            bad.report(path, _line_of(path, document.document_id, annotation), f"{where}: {error}")
            continue
        mention = Mention(document.text, annotation.start, annotation.end)
        yield Example(mention, parts, document.document_id, tuple(annotation.type.split(",")))


def _is_utf8(document: PubtatorDocument) -> bool:
    try:
        f"{document.document_id}{document.text}{document.annotations}".encode()
    except UnicodeEncodeError:
        return False
    return True


def _line_of(path: Path, document_id: str, annotation: Annotation | None = None, again: bool = False) -> int:
    """The line where a document, its second copy, or its annotation stands; located only to report it."""
    start = f"{document_id}|t|" if annotation is None else f"{document_id}\t{annotation.start}\t{annotation.end}\t"
    found = [number for number, line in enumerate(surrogate_lines(path), start=1) if line.startswith(start)]
    return found[1] if again and len(found) > 1 else found[0]
