"""MeSH ASCII: descriptors (`d2026.bin`), supplementary concept records (`c2026.bin`) and qualifiers (`q2026.bin`).

A record starts at a line `*NEWRECORD`; an element is a line `MH = Ataxia`, and may come several times. Bars divide a
term from its attributes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.mesh_tree import TreeParents, registry_references
from angel_hf.formats.vocabularies.names import distinct_names, is_identifier, shown
from angel_hf.types import Concept

NEW_RECORD = "*NEWRECORD"
_HEADINGS = ("MH", "NM", "SH")
"""Of descriptors, supplementary records and qualifiers."""
_ENTRIES = ("PRINT ENTRY", "ENTRY", "SY", "QX")


@dataclass(slots=True)
class _Record:
    line: int
    elements: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    faults: list[tuple[int, str, str]] = field(default_factory=list)

    def first(self, *names: str) -> str:
        return next((value for name in names for value in self.elements.get(name, ()) if value), "")


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the records of a file of MeSH ASCII.

    Names are the heading, then PRINT ENTRY and ENTRY, or SY. The parents of a descriptor stand one step up its tree
    numbers (MN). A supplementary record is mapped to descriptors by their headings (HM): they become parents where the
    descriptors' file of the same year lies beside it. Descriptors come after all is read.
    """
    ids_of_headings: dict[str, str] | None = None
    placed = TreeParents()
    for record in _records(source):
        for line, cause, raw in record.faults:
            yield Rejected(line, cause, raw)
        concept_id, heading = record.first("UI"), record.first(*_HEADINGS).split("|")[0].strip()
        if not is_identifier(concept_id) or not heading:
            lacking = "UI" if heading else "MH, NM or SH"
            yield Rejected(record.line, f"a record without {lacking} ({shown(concept_id or heading)}); expected one")
            continue
        if "NM" not in record.elements:
            placed.add(_term(record, concept_id, heading, []), [one.strip() for one in record.elements.get("MN", ())])
            continue
        if ids_of_headings is None:
            ids_of_headings = _headings_beside(source)
        # `*Heading/qualifier`: an asterisk marks a major topic.
        mapped = [one.lstrip("*").split("/")[0].strip() for one in record.elements.get("HM", ())]
        parents = [ids_of_headings[one] for one in mapped if one in ids_of_headings]
        yield _term(record, concept_id, heading, parents)
    yield from placed.terms()


def _term(record: _Record, concept_id: str, heading: str, parents: list[str]) -> Term:
    entries = (value.split("|")[0] for name in _ENTRIES for value in record.elements.get(name, ()))
    return Term(
        Concept(
            concept_id,
            distinct_names((heading, *entries)),
            semantic_types=tuple(dict.fromkeys(record.elements.get("ST", ()))),
            parents=tuple(dict.fromkeys(parents)),
        ),
        registry_references(record.elements.get("RN", ())),
        record.first("MS", "NO"),
    )


def _records(source: Source) -> Iterator[_Record]:
    record: _Record | None = None
    for line in source.lines():
        text = line.text.strip()
        if text == NEW_RECORD:
            if record is not None:
                yield record
            record = _Record(line.number)
        elif text:
            record = record or _Record(line.number)
            name, separator, value = line.text.partition(" = ")
            if line.fault is not None:
                record.faults.append((line.number, line.fault, line.text))
            elif separator:
                record.elements[name.strip()].append(value.strip())
            elif not text.endswith(" ="):  # an element without a value
                record.faults.append((line.number, f"{shown(text)}; expected `ELEMENT = value`", line.text))
    if record is not None:
        yield record


def _headings_beside(source: Source) -> dict[str, str]:
    """Headings and their ids, of the file of descriptors beside one of supplementary records; empty without one."""
    if source.path is None or not source.path.name.lower().startswith("c"):
        return {}
    name = source.path.name[1:]
    beside = next((path for letter in "dD" if (path := source.path.with_name(letter + name)).is_file()), None)
    return {} if beside is None else _ids_of_headings(beside)


def _ids_of_headings(path: Path) -> dict[str, str]:
    with Source(path) as descriptors:
        return {record.first("MH"): record.first("UI") for record in _records(descriptors)}
