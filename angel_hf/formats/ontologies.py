"""Files and folders of concepts: their formats, recognised by content, and what of them can be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from angel_hf.formats import json_names, json_terms, obo, obo_graphs, owl
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

# To add a format: a file beside this one, and a line here; the first that recognises a file has it. Those of
# vocabularies, which come after these, have a table of their own.
FORMATS = (
    FileFormat("OBO", obo.is_obo, obo.read, obo.HEEDED),
    FileFormat("OBO Graphs JSON", obo_graphs.is_obo_graphs, obo_graphs.read, obo_graphs.HEEDED),
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
    FileFormat("JSON lines, a term each", json_terms.is_lines, plain(json_terms.read_lines)),
    FileFormat(
        'a JSON list of terms {"id", "name", "synonyms"}', starts_with(r"\s*\[\s*[{\]]"), plain(json_terms.read_list)
    ),
    FileFormat(
        'a JSON object {concept_id: {"name", "synonyms"}}',
        starts_with(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{'),
        plain(json_terms.read_object),
    ),
    FileFormat(
        "GenBioEL's target_kb.json {concept_id: [name, ...]}",
        starts_with(r'\s*\{\s*(?:\}|"(?:[^"\\]|\\.)*"\s*:)'),
        plain(json_names.read),
        normalization="lowercase",
    ),
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
        found = next((one for one in (*FORMATS, *VOCABULARY_FORMATS) if one.is_it(source, head)), None)
    if found is None:
        raise _unknown(path, head)
    return found


def read_records(path: str | os.PathLike[str], selection: Selection = EVERYTHING) -> Records:
    """All that the reader of a file's or folder's format yields; what stops it is a last rejection.

    Raises:
        OSError: it is not there.
        ValueError: no known format, or one that knows nothing of what is selected.
    """
    return _records(Path(path), recognise(path), selection)


def _records(path: Path, format_: FileFormat | FolderFormat, selection: Selection) -> Records:
    selection.check_heeded(format_.heeded, f"{path}: {format_.name}")
    if isinstance(format_, FolderFormat):
        read_folder = format_.read
        return guarded_folder(path, lambda folder: read_folder(folder, selection))
    return _read_file(path, format_, selection)


def open_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> tuple[Iterator[Term | Retired], str]:
    """Recognise the format of a file or folder of concepts, and start to read what of it can be used.

    Args:
        path: a file, gzipped or not, or the folder of a vocabulary that takes several files.
        selection: which part of it.
        rejections: takes what cannot be used; without it that is told by a warning in the log.

    Returns:
        The terms, with their cross-references and definitions where the format has them, and the retired identifiers,
        read lazily; and the name of the normalisation that fits the format: "lowercase" for a file that is normalised
        already, else "lowercase-punctuation".

    Raises:
        OSError: it is not there.
        ValueError: no known format, or one that knows nothing of what is selected; from the iterator: nothing can be
            used, the file is damaged or cut short, or `rejections` is strict and something cannot be used.
    """
    format_ = recognise(path)
    records = _records(Path(path), format_, selection)
    return usable(str(path), records, rejections), format_.normalization


def read_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> Iterator[Term]:
    """The terms of `open_terms` that are in use.

    Raises:
        ValueError: as `open_terms`.
    """
    return (term for term in open_terms(path, selection, rejections)[0] if isinstance(term, Term))


def read_concepts(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> tuple[Iterator[Concept], str]:
    """The concepts of `open_terms` that are in use, and the normalisation that fits them.

    Raises:
        ValueError: as `open_terms`.
    """
    terms, normalization = open_terms(path, selection, rejections)
    return (term.concept for term in terms if isinstance(term, Term)), normalization


def _read_file(path: Path, format_: FileFormat, selection: Selection) -> Records:
    with Source(path, is_of_one_encoding=True) as source:
        records: Records = guarded(source, lambda opened: format_.read(opened, selection))
        yield from records


def _unknown(path: Path, head: str) -> ValueError:
    first = next((line for line in head.splitlines() if line.strip()), "")
    known = ", ".join(one.name for one in (*FORMATS, *VOCABULARY_FORMATS))
    return ValueError(
        f"{path}: starts with {first[:80]!r}; expected {known}, or {', '.join(one.name for one in FOLDER_FORMATS)}; "
        "build any other knowledge base with KnowledgeBase.from_names({concept_id: [name, ...]})"
    )
