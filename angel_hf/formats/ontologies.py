"""Files and folders of concepts: their formats, recognised by content, and what of them can be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats import genbioel, obo, obographs, owl, term_json
from angel_hf.formats.guarded import guarded, guarded_folder
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.term_format import FileFormat, FolderFormat, Records, has_root, plain, refused, starts_with
from angel_hf.formats.usable_terms import usable
from angel_hf.formats.vocabularies.vocabulary_format import FOLDER_FORMATS, VOCABULARY_FORMATS, folder_format_of
from angel_hf.types import Concept

_CONVERT = "convert it first, as with `robot convert --input FILE --output FILE.owl`"

# To add a format: a file beside this one, and a line here. Those of vocabularies have a table of their own.
FILE_FORMATS = (
    FileFormat("OBO", obo.is_obo, obo.read, obo.HEEDED),
    FileFormat("OBO Graphs JSON", obographs.is_obographs, obographs.read, obographs.HEEDED),
    FileFormat("OWL or SKOS in RDF/XML", has_root("RDF"), owl.read, owl.HEEDED),
    FileFormat("OWL/XML", has_root("Ontology"), refused(f"is OWL/XML; expected RDF/XML: {_CONVERT}")),
    FileFormat(
        "OWL in functional or Manchester syntax",
        starts_with(r"\s*(?:Prefix\(|Ontology\(|Prefix:|Ontology:)"),
        refused(f"is OWL in functional or Manchester syntax; expected RDF/XML: {_CONVERT}"),
    ),
    FileFormat(
        "Turtle",
        starts_with(r"(?i)(?:\s*#[^\n]*\n)*\s*@?(?:prefix|base)\s[^\n]*<"),
        refused(f"is Turtle; expected RDF/XML: {_CONVERT}"),
    ),
    FileFormat("JSON lines, a term each", term_json.is_lines, plain(term_json.read_lines)),
    FileFormat(
        'a JSON list of terms {"id", "name", "synonyms"}', starts_with(r"\s*\[\s*[{\]]"), plain(term_json.read_list)
    ),
    FileFormat(
        'a JSON object {concept_id: {"name", "synonyms"}}',
        starts_with(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{'),
        plain(term_json.read_object),
    ),
    FileFormat(
        "GenBioEL's target_kb.json {concept_id: [name, ...]}",
        starts_with(r'\s*\{\s*(?:\}|"(?:[^"\\]|\\.)*"\s*:)'),
        plain(genbioel.read),
        normalization="lowercase",
    ),
    *VOCABULARY_FORMATS,
)


def recognise(path: str | os.PathLike[str]) -> FileFormat | FolderFormat:
    """The format of a file, gzipped or not, or of the folder of a vocabulary that takes several files.

    Raises:
        OSError: it is not there.
        ValueError: none that is known, or the file is not whole.
    """
    path = Path(path)
    if path.is_dir():
        folder_format = folder_format_of(path)
        if folder_format is None:
            known = ", ".join(one.name for one in FOLDER_FORMATS)
            raise ValueError(f"{path}: a folder of no known vocabulary; expected {known}")
        return folder_format
    with Source(path) as source:
        head = source.head().lstrip("\r\n")
        found = next((one for one in FILE_FORMATS if one.is_it(source, head)), None)
    if found is None:
        raise _unknown(path, head)
    return found


def read_records(path: str | os.PathLike[str], selection: Selection = EVERYTHING) -> Records:
    """All that the reader of a file's or folder's format yields; what stops it is a last rejection.

    Raises:
        OSError: it is not there.
        ValueError: no known format, or one that knows nothing of what is selected.
    """
    path = Path(path)
    format_ = recognise(path)
    selection.check_heeded(format_.heeded, f"{path}: {format_.name}")
    if isinstance(format_, FolderFormat):
        read_folder = format_.read
        return guarded_folder(path, lambda folder: read_folder(folder, selection))
    return _read_file(path, format_, selection)


def read_vocabulary(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> Iterator[Term | Retired]:
    """The terms and retired identifiers of a file or folder that can be used.

    Args:
        path: a file, gzipped or not, or the folder of a vocabulary that takes several files.
        selection: which part of it.
        rejections: takes what cannot be used; without it that is told by a warning in the log.

    Raises:
        OSError: it is not there.
        ValueError: no known format, or one that knows nothing of what is selected; from the iterator: nothing can be
            used, the file is damaged or cut short, or `rejections` is strict and something cannot be used.
    """
    return usable(str(path), read_records(path, selection), rejections)


def read_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> Iterator[Term]:
    """The terms of `read_vocabulary`, with their cross-references and definitions where the format has them."""
    return (one for one in read_vocabulary(path, selection, rejections) if isinstance(one, Term))


def read_concepts(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> tuple[Iterator[Concept], str]:
    """The concepts of `read_vocabulary`, read lazily, and the name of the normalisation that fits the format.

    That is "lowercase" for a file that is normalised already, else "lowercase-punctuation".
    """
    terms = read_terms(path, selection, rejections)
    return (term.concept for term in terms), recognise(path).normalization


def _read_file(path: Path, format_: FileFormat, selection: Selection) -> Records:
    with Source(path) as source:
        records: Records = guarded(source, lambda opened: format_.read(opened, selection))
        yield from records


def _unknown(path: Path, head: str) -> ValueError:
    first = next((line for line in head.splitlines() if line.strip()), "")
    known = ", ".join(one.name for one in FILE_FORMATS)
    return ValueError(
        f"{path}: starts with {first[:80]!r}; expected {known}, or {', '.join(one.name for one in FOLDER_FORMATS)}; "
        "build any other knowledge base with KnowledgeBase.from_names({concept_id: [name, ...]})"
    )
