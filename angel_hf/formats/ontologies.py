"""The formats of knowledge bases: the reading of a file or folder in whichever it is.

To add a format: a file with its reader, and a line in FORMATS here; those of single vocabularies have a table of their
own, `vocabularies.vocabulary_format`.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from angel_hf.formats import json_names, json_terms, obo, obo_graphs, owl
from angel_hf.formats.guarded import guarded, guarded_folder
from angel_hf.formats.rejected import Rejected
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

_logger = logging.getLogger(__name__)
MOST_CAUSES_SHOWN = 20

Items = Iterator[Term | Retired | Rejected]
OnRejected = Callable[[Rejected], None]
"""Called with each record that cannot be read; it may raise to refuse the file."""

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


@dataclass(frozen=True, slots=True)
class Opened:
    """A file or folder whose format was recognised.

    Attributes:
        name: of the format.
        normalization: of names that fits it: "lowercase" for what is normalised already, else "lowercase-punctuation".
        items: what it holds, read lazily; what cannot be read is among it, rejected.
    """

    name: str
    normalization: str
    items: Items


def open_terms(path: str | os.PathLike[str], selection: Selection = EVERYTHING) -> Opened:
    """Recognise the format of a file or folder of concepts by its content, and start to read it.

    Args:
        path: a file, gzipped or not, or the folder of a vocabulary that takes several files.
        selection: which part of it.

    Raises:
        ValueError: the format is unknown, or knows nothing of what is selected.
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
        return Opened(folder_format.name, "lowercase-punctuation", usable(items, str(path)))
    with Source(path) as source:
        head = source.head().lstrip("\r\n")
        format_ = next((one for one in FORMATS if one.is_it(source, head)), None) or vocabulary_format_of(source)
    if format_ is None:
        raise _unknown(path, head)
    selection.check_heeded(format_.heeded, f"{path}: {format_.name}")
    normalization = "lowercase" if format_ is _NORMALIZED_ALREADY else "lowercase-punctuation"
    return Opened(format_.name, normalization, usable(_read_file(path, format_, selection), str(path)))


def read_terms(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, on_rejected: OnRejected | None = None
) -> Iterator[Term | Retired]:
    """The terms of a file with their cross-references and definitions, and its retired identifiers.

    Args:
        path: as for `open_terms`.
        selection: which part of it.
        on_rejected: called with what cannot be read; None logs it as a warning.

    Raises:
        ValueError: as `open_terms`; from the iterator: the rest of the file cannot be read.
    """
    return accepted(open_terms(path, selection).items, on_rejected or LoggedRejections(str(path)))


def read_concepts(
    path: str | os.PathLike[str], selection: Selection = EVERYTHING, on_rejected: OnRejected | None = None
) -> tuple[Iterator[Concept], str]:
    """The concepts of a file, and the name of the normalisation that fits it; arguments as for `read_terms`.

    Raises:
        ValueError: as `read_terms`.
    """
    opened = open_terms(path, selection)
    items = accepted(opened.items, on_rejected or LoggedRejections(str(path)))
    return (item.concept for item in items if isinstance(item, Term)), opened.normalization


def accepted(items: Items, on_rejected: OnRejected) -> Iterator[Term | Retired]:
    """Everything but what was rejected.

    Raises:
        ValueError: the rest cannot be read: half a vocabulary is none.
    """
    for item in items:
        if not isinstance(item, Rejected):
            yield item
        elif item.is_rest:
            raise ValueError(str(item))
        else:
            on_rejected(item)


class LoggedRejections:
    """Logs the first rejected records as warnings, and then that there are more."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0

    def __call__(self, rejected: Rejected) -> None:
        """Log one."""
        self.count += 1
        if self.count <= MOST_CAUSES_SHOWN:
            _logger.warning("%s", rejected)
        elif self.count == MOST_CAUSES_SHOWN + 1:
            _logger.warning("%s: more records were left out", self._name)


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
