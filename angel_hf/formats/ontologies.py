"""The formats of knowledge bases, recognised by their content."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from angel_hf.formats.genbioel import read_genbioel
from angel_hf.formats.guarded import guarded, guarded_folder
from angel_hf.formats.obo import read_obo, read_obo_terms
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term
from angel_hf.formats.term_json import read_term_json, read_term_json_terms
from angel_hf.formats.vocabularies.vocabulary_format import (
    FOLDER_FORMATS,
    VOCABULARY_FORMATS,
    VocabularyFormat,
    folder_format_of,
    vocabulary_format_of,
)
from angel_hf.types import Concept


@dataclass(frozen=True, slots=True)
class _Format:
    """A file format of concepts: how to recognise it, and the normalisation that fits its names."""

    name: str
    head: re.Pattern[str]
    read: Callable[[str | os.PathLike[str]], Iterator[Concept]]
    normalization: str


# To add a format: a file beside this one, and a line here. `head` is matched at the start of the text. Those of
# vocabularies have a table of their own, `vocabularies.vocabulary_format`.
_FORMATS = (
    _Format("GenBioEL's target_kb.json", re.compile(r'\s*\{\s*(?:\}|"[^"]*"\s*:)'), read_genbioel, "lowercase"),
    _Format("OBO", re.compile(r"\s*format-version:"), read_obo, "lowercase-punctuation"),
    _Format(
        'a JSON list of terms {"id", "name", "synonyms"}',
        re.compile(r"\s*\[\s*\{"),
        read_term_json,
        "lowercase-punctuation",
    ),
)
_TERM_READERS: dict[Callable[[str | os.PathLike[str]], Iterator[Concept]], Callable[[str], Iterator[Term]]] = {
    read_obo: read_obo_terms,
    read_term_json: read_term_json_terms,
}


def open_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> tuple[Iterator[Term], str]:
    """Recognise the format of a file or folder of concepts by its content, and start to read it.

    Args:
        path: a file, gzipped or not, or the folder of a vocabulary that takes several files.
        selection: which part of it.
        rejections: takes the records that can't be read; without it the first one is an error.

    Returns:
        The terms, with their cross-references and definitions where the format has them, read lazily; and the name of
        the normalisation that fits the format: "lowercase" for a file that is already normalised, else
        "lowercase-punctuation".

    Raises:
        ValueError: the format is unknown or knows nothing of what is selected, or the file is not UTF-8 or not gzip;
            from the iterator: a row is malformed, or the file is cut short.
    """
    format_ = None if Path(path).is_dir() else _recognise(path)
    if format_ is None:
        items = read_vocabulary(Path(path), selection)
        return _usable(Path(path), items, rejections or Rejections(strict=True)), "lowercase-punctuation"
    selection.check_heeded((), f"{os.fspath(path)}: {format_.name}")
    if format_.read in _TERM_READERS:
        return _TERM_READERS[format_.read](os.fspath(path)), format_.normalization
    return (Term(concept) for concept in format_.read(path)), format_.normalization


def read_concepts(path: str | os.PathLike[str], selection: Selection = EVERYTHING) -> tuple[Iterator[Concept], str]:
    """The concepts of `open_terms`, and the normalisation that fits them.

    Raises:
        ValueError: as `open_terms`.
    """
    terms, normalization = open_terms(path, selection)
    return (term.concept for term in terms), normalization


def read_terms(path: str | os.PathLike[str], selection: Selection = EVERYTHING) -> Iterator[Term]:
    """The terms of `open_terms`.

    Raises:
        ValueError: as `open_terms`.
    """
    return open_terms(path, selection)[0]


def _usable(path: Path, items: Iterator[Term | Retired | Rejected], rejections: Rejections) -> Iterator[Term]:
    """The terms in use; a name with control characters costs that name.

    Raises:
        ValueError: all is rejected, or `rejections` is strict.
    """
    has_terms = False
    for item in items:
        if isinstance(item, Term):
            names = [name for name in item.concept.names if _is_printed(name)]
            for name in item.concept.names if len(names) < len(item.concept.names) else ():
                if not _is_printed(name):
                    cause = f"name {name[:80]!r} of {item.concept.concept_id} holds a control character"
                    rejections.add(Rejected(0, f"{cause}; its other names are read", source=str(path)))
            if names:
                has_terms = True
                yield item if len(names) == len(item.concept.names) else _with_names(item, names)
        elif isinstance(item, Rejected):
            rejections.add(item if item.source else Rejected(item.line, item.cause, item.raw, str(path), item.is_rest))
    if not has_terms and rejections.first:
        raise ValueError(str(rejections.first[0]))


def _is_printed(name: str) -> bool:
    return name.isprintable() or not any(unicodedata.category(one) in ("Cc", "Cs") for one in name)


def _with_names(term: Term, names: list[str]) -> Term:
    return replace(term, concept=replace(term.concept, names=tuple(names)))


def read_vocabulary(path: Path, selection: Selection = EVERYTHING) -> Iterator[Term | Retired | Rejected]:
    """Recognise the format of a vocabulary's file or folder, and start to read all that its reader yields.

    Raises:
        ValueError: no known format, or one that knows nothing of what is selected.
    """
    if path.is_dir():
        folder_format = folder_format_of(path)
        if folder_format is None:
            known = ", ".join(one.name for one in FOLDER_FORMATS)
            raise ValueError(f"{path}: a folder of no known vocabulary; expected {known}")
        selection.check_heeded(folder_format.heeded, f"{path}: {folder_format.name}")
        return guarded_folder(path, lambda folder: folder_format.read(folder, selection))
    with Source(path) as source:
        head = source.head().lstrip("\r\n")
        format_ = vocabulary_format_of(source)
    if format_ is None:
        raise _unknown(path, head)
    selection.check_heeded(format_.heeded, f"{path}: {format_.name}")
    return _read_file(path, format_, selection)


def _read_file(path: Path, format_: VocabularyFormat, selection: Selection) -> Iterator[Term | Retired | Rejected]:
    with Source(path) as source:
        items: Iterator[Term | Retired | Rejected] = guarded(source, lambda opened: format_.read(opened, selection))
        yield from items


def _recognise(path: str | os.PathLike[str]) -> _Format | None:
    """The format of a file; None for that of a vocabulary, or of nothing known."""
    head = _read_head(path)
    return next((format_ for format_ in _FORMATS if format_.head.match(head)), None)


def _unknown(path: Path, head: str) -> ValueError:
    first = next((line for line in head.splitlines() if line.strip()), "")
    names = [one.name for one in (*_FORMATS, *VOCABULARY_FORMATS)]
    return ValueError(
        f"{path}: starts with {first[:80]!r}; expected {', '.join(names)}, or "
        f"{', '.join(one.name for one in FOLDER_FORMATS)}; build any other knowledge base with "
        "KnowledgeBase.from_names({concept_id: [name, ...]})"
    )


def _read_head(path: str | os.PathLike[str]) -> str:
    """The first characters of a file, without empty lines in front."""
    with Source(Path(path)) as source:
        return source.head().lstrip("\r\n")
