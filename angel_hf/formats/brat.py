"""brat, the annotation tool: standoff files beside the texts, written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

from angel_hf.arrays.array_file import written_whole
from angel_hf.formats.document import Document
from angel_hf.results import Annotated

_LONGEST_NAME = 100  # of a document's files; file systems take 255 bytes


class BratWriter:
    """A folder of standoff files: `ID.txt` and `ID.ann` for each document, `ID-2` and so on where an id comes again.

    Args:
        folder: made where it is missing.
        kind: the type of the annotations.

    Raises:
        ValueError: the folder is a file.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise ValueError(f"{folder}: is a file; brat needs a folder, for two files a document") from None
        self._folder = folder
        self._kind = re.sub(r"\W", "_", kind)
        self._taken: set[str] = set()
        self._renamed: list[str] = []

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Write one document."""
        lines = []
        for number, one in enumerate(annotated, start=1):
            # As long as in the text: brat compares them.
            surface = re.sub(r"\s", " ", one.mention.surface)
            lines.append(f"T{number}\t{self._kind} {one.mention.start} {one.mention.end}\t{surface}\n")
            if one.best is not None and not one.is_nil:
                lines += [
                    f"N{number}.{place}\tReference T{number} KB:{_one_line(concept_id)}\t{_one_line(one.best.name)}\n"
                    for place, concept_id in enumerate(one.best.concept_ids, start=1)
                ]
            if one.confidence is not None:
                lines.append(f"#{number}\tAnnotatorNotes T{number}\tconfidence {one.confidence:.4f}\n")
        name = self._name(document.document_id)
        for ending, content in ((".txt", document.text), (".ann", "".join(lines))):
            path = self._folder / f"{name}{ending}"
            # Line ends as in the text, which the offsets count.
            with written_whole(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(content)

    def close(self) -> str | None:
        """Nothing follows the last document; returns how many documents share the name of another."""
        if not self._renamed:
            return None
        return (
            f"{len(self._renamed):,} documents came under the name of another, and have a number after it, as in "
            f"{self._folder / self._renamed[0]}.ann"
        )

    def _name(self, document_id: str) -> str:
        """A name for a document's files that no document before it has."""
        # Identifiers may hold what a file name may not.
        plain = re.sub(r"[^\w.-]", "_", document_id).lstrip(".")[:_LONGEST_NAME] or "document"
        names = chain([plain], (f"{plain}-{number}" for number in count(2)))
        # Some file systems take capitals and small letters for the same.
        name = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        self._renamed += [name] * (name != plain)
        return name


def _one_line(text: str) -> str:
    """White space of any kind as single spaces, so that no line or field ends early."""
    return " ".join(text.split())
