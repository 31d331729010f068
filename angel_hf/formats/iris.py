"""IRIs of ontologies as the identifiers that people write."""

from __future__ import annotations

import re

_OBO = re.compile(r"https?://purl\.obolibrary\.org/obo/([A-Za-z]+)_(\S+)")
_ORPHANET = re.compile(r"https?://www\.orpha\.net/ORDO/Orphanet_(\d+)")
_EFO = re.compile(r"https?://www\.ebi\.ac\.uk/efo/(EFO)_(\d+)")
_LAST = re.compile(r"https?://\S*[/#]([^/#\s]+)")


def compact(iri: str) -> str:
    """`MONDO:0000001` of an IRI of OBO Foundry, likewise of Orphanet and EFO; of any other IRI its last part."""
    for pattern in (_OBO, _EFO):
        found = pattern.fullmatch(iri)
        if found:
            return f"{found[1]}:{found[2]}"
    orphanet = _ORPHANET.fullmatch(iri)
    if orphanet:
        return f"Orphanet:{orphanet[1]}"
    last = _LAST.fullmatch(iri)
    return last[1] if last else iri
