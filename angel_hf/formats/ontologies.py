"""The formats of knowledge bases: the reading of a file or folder in whichever it is.

To add a format: a file with its reader, and a line in FORMATS here; those of single vocabularies have a table of their
own, `vocabularies.vocabulary_format`.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from angel_hf.formats import json_names, json_terms, obo, obo_graphs, owl
from angel_hf.formats.guarded import guarded, guarded_folder
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, fault_of
from angel_hf.formats.vocabularies.vocabulary_format import (
    FOLDER_FORMATS,
    VOCABULARY_FORMATS,
    VocabularyFormat,
    folder_format_of,
    vocabulary_format_of,
)
from angel_hf.formats.xml_records import root_name
from angel_hf.types import Concept

Items = Iterator[Term | Retired | Rejected]

_OBO_STANZA = re.compile(r"^\[Term\]", re.MULTILINE)
_OBO_HEADER = re.compile(r"\s*format-version:")
_NAMES_OBJECT = re.compile(r'\s*\{\s*(?:\}|"(?:[^"\\]|\\.)*"\s*:)', re.DOTALL)
_GRAPHS = re.compile(r'"graphs"\s*:\s*\[')


def _is_obo(source: Source, head: str) -> bool:
    return bool(head) and (
        source.ending == ".obo" or _OBO_HEADER.match(head) is not None or _OBO_STANZA.search(head) is not None
    )


def _is_owl(source: Source, head: str) -> bool:
    return head.lstrip().startswith("<") and root_name(head) in owl.ROOTS


def _is_term_lines(source: Source, head: str) -> bool:
    """An object on the first line, which is whole, and whose keys are those of a term."""
    try:
        value = json.loads(head.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return source.ending in (".jsonl", ".ndjson") and head.lstrip().startswith("{")
    return isinstance(value, dict) and bool({"id", "concept_id"} & value.keys()) and "graphs" not in value


# The first that recognises a file has it; all before those of vocabularies.
FORMATS = (
    VocabularyFormat("OBO", _is_obo, obo.read, obo.HEEDED),
    VocabularyFormat(
        "OBO Graphs JSON", lambda _, head: _GRAPHS.search(head[:4096]) is not None, obo_graphs.read, obo_graphs.HEEDED
    ),
    VocabularyFormat("OWL in RDF/XML", _is_owl, owl.read, owl.HEEDED),
    VocabularyFormat(
        'JSON lines of terms {"id", "name", "synonyms"}',
        _is_term_lines,
        lambda source, _: json_terms.read_lines(source),
    ),
    VocabularyFormat(
        "GenBioEL's target_kb.json, {concept_id: [name, ...]}",
        lambda _, head: _NAMES_OBJECT.match(head) is not None,
        lambda source, _: json_names.read(source),
    ),
    VocabularyFormat(
        'a JSON list of terms {"id", "name", "synonyms"}',
        lambda _, head: re.match(r"\s*\[\s*[\]{]", head) is not None,
        lambda source, _: json_terms.read_list(source),
    ),
)
_NORMALIZED_ALREADY = FORMATS[4]


def open_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> tuple[Iterator[Term | Retired], str]:
    """Recognise the format of a file or folder of concepts by its content, and start to read it.

    Args:
        path: a file, gzipped or not, or the folder of a vocabulary that takes several files.
        selection: which part of it.
        rejections: takes the records that cannot be read; None: they are logged as a warning at the end.

    Returns:
        The terms, with their cross-references and definitions where the format has them, and the retired identifiers,
        read lazily; and the name of the normalisation that fits the format: "lowercase" for a file that is already
        normalised, else "lowercase-punctuation".

    Raises:
        ValueError: the format is unknown or knows nothing of what is selected; from the iterator: the rest of the file
            cannot be read, or nothing of it.
        OSError: the file cannot be opened.
    """
    path = Path(path)
    if path.is_dir():
        folder_format = folder_format_of(path)
        if folder_format is None:
            known = ", ".join(one.name for one in FOLDER_FORMATS)
            raise ValueError(f"{path}: a folder of no known vocabulary; expected {known}")
        selection.check_heeded(folder_format.heeded, f"{path}: {folder_format.name}")
        items: Items = guarded_folder(path, lambda folder: folder_format.read(folder, selection))
        return accepted(usable(items, str(path)), str(path), rejections), "lowercase-punctuation"
    with Source(path) as source:
        head = source.head().lstrip("\r\n")
        format_ = next((one for one in FORMATS if one.is_it(source, head)), None) or vocabulary_format_of(source)
    if format_ is None:
        raise _unknown(path, head)
    selection.check_heeded(format_.heeded, f"{path}: {format_.name}")
    normalization = "lowercase" if format_ is _NORMALIZED_ALREADY else "lowercase-punctuation"
    items = usable(_read_file(path, format_, selection), str(path))
    return accepted(items, str(path), rejections), normalization


def read_concepts(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> tuple[Iterator[Concept], str]:
    """The concepts of `open_terms`, and the normalisation that fits them.

    Raises:
        ValueError: as `open_terms`.
    """
    terms, normalization = open_terms(path, selection, rejections)
    return (term.concept for term in terms if isinstance(term, Term)), normalization


def read_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, rejections: Rejections | None = None
) -> Iterator[Term]:
    """The terms of `open_terms` that are in use.

    Raises:
        ValueError: as `open_terms`.
    """
    return (term for term in open_terms(path, selection, rejections)[0] if isinstance(term, Term))


def accepted(items: Items, name: str, rejections: Rejections | None = None) -> Iterator[Term | Retired]:
    """Everything but what was rejected.

    Raises:
        ValueError: the rest cannot be read, as half a vocabulary is none; or all is rejected.
    """
    taken = Rejections() if rejections is None else rejections
    before, has_terms = taken.count, False
    for item in items:
        if isinstance(item, Rejected):
            taken.add(item if item.source else Rejected(item.line, item.cause, item.raw, name, item.is_rest))
        else:
            has_terms = has_terms or isinstance(item, Term)
            yield item
    if not has_terms and taken.count > before:
        only = taken.first[-1] if taken.first else name
        raise ValueError(str(only) if taken.count == before + 1 else f"{name}: nothing can be used, as {only}")
    if rejections is None and taken.count:
        logging.getLogger(__name__).warning(taken.told())


def usable(items: Iterable[Term | Retired | Rejected], name: str) -> Items:
    """The items with names and identifiers that a knowledge base can hold; others are left out, and told."""
    for item in items:
        if not isinstance(item, Term):
            yield item
            continue
        concept = item.concept
        fault = fault_of(concept.concept_id)
        if fault is not None:
            yield Rejected(0, f"concept id {concept.concept_id!r:.60} {fault}", source=name)
            continue
        bad = [(place, fault) for place, text in enumerate(concept.names, start=1) if (fault := fault_of(text))]
        for place, fault in bad:
            text = concept.names[place - 1]
            cause = f"name {place} of concept {concept.concept_id!r:.60}, {text!r:.60}, {fault}; left out"
            yield Rejected(0, cause, source=name)
        if bad:
            names = tuple(text for text in concept.names if fault_of(text) is None)
            item = replace(item, concept=replace(concept, names=names))
        if item.concept.names:
            yield item


def _read_file(path: Path, format_: VocabularyFormat, selection: Selection) -> Items:
    with Source(path) as source:
        items: Items = guarded(source, lambda opened: format_.read(opened, selection))
        yield from items


def _unknown(path: Path, head: str) -> ValueError:
    first = next((line for line in head.splitlines() if line.strip()), "")
    names = [one.name for one in (*FORMATS, *VOCABULARY_FORMATS, *FOLDER_FORMATS)]
    return ValueError(
        f"{path}: starts with {first[:80]!r}; expected {', '.join(names[:-1])} or {names[-1]}; build any other "
        "knowledge base with KnowledgeBase.from_names({concept_id: [name, ...]})"
    )
