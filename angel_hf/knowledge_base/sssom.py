"""Mappings as SSSOM/TSV, the Simple Standard for Sharing Ontology Mappings (w3id.org/sssom)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO
from uuid import NAMESPACE_URL, uuid5

from angel_hf.knowledge_base.crosswalk import Mapping
from angel_hf.text.identifiers import iri_prefix, parse_identifier
from angel_hf.version import __version__

_COLUMNS = (
    "subject_id",
    "subject_label",
    "predicate_id",
    "object_id",
    "object_label",
    "mapping_justification",
    "comment",
)
# A cross-reference does not say how close the two are; what a third identifier joins is closer to a guess.
_PREDICATES = {
    "alternative": ("skos:exactMatch", "semapv:UnspecifiedMatching"),
    "direct": ("oboInOwl:hasDbXref", "semapv:UnspecifiedMatching"),
    "shared": ("skos:closeMatch", "semapv:MappingChaining"),
}
_LICENSE = "https://w3id.org/sssom/license/unspecified"


def write_sssom(stream: TextIO, mappings: Iterable[Mapping]) -> None:
    """Write mappings with the metadata that the standard requires; the comment names the files, and a third identifier.

    Raises:
        ValueError: an identifier is bare, and so no CURIE.
    """
    rows = list(mappings)
    prefixes = dict.fromkeys(_prefix(one) for row in rows for one in (row.from_id, row.to_id))
    stream.write("#curie_map:\n")
    for prefix in prefixes:
        stream.write(f"#  {json.dumps(prefix)}: {json.dumps(iri_prefix(prefix))}\n")
    told = uuid5(NAMESPACE_URL, "\n".join(f"{row.from_id} {row.relation} {row.via} {row.to_id}" for row in rows))
    for slot, value in (
        ("license", _LICENSE),
        ("mapping_set_id", f"urn:uuid:{told}"),
        ("mapping_tool", "angel_hf"),
        ("mapping_tool_version", __version__),
    ):
        stream.write(f"#{slot}: {json.dumps(value)}\n")
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        predicate, justification = _PREDICATES[row.relation]
        comment = f"via {row.via} in " * bool(row.via) + ", ".join(row.sources)
        writer.writerow([row.from_id, row.from_name, predicate, row.to_id, row.to_name, justification, comment])


def _prefix(identifier: str) -> str:
    prefix = parse_identifier(identifier).prefix
    if not prefix:
        raise ValueError(
            f"{identifier!r} has no prefix, and SSSOM wants PREFIX:ID; write .tsv, .csv or .jsonl instead, or give the "
            "file's identifiers their prefix"
        )
    return prefix
