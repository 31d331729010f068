"""Identifiers of ontologies that write them as IRIs, in the short form that OBO files have for them."""

from __future__ import annotations

import re

from angel_hf.text.identifiers import parse_identifier

# OBO Foundry's identifier policy: http://purl.obolibrary.org/obo/MONDO_0000001 is MONDO:0000001.
_PURL = re.compile(r"https?://purl\.obolibrary\.org/obo/([A-Za-z][\w.]*?)_(\w[\w.\-]*)")
_OF_ANY_SITE = re.compile(r"https?://.*[/#]([A-Za-z][A-Za-z0-9.]*)_(\d[\w.\-]*)")


def compact(iri: str) -> str:
    """`PREFIX:LOCAL` for the IRI of a term; what is no IRI, or of no known form, stays as it is."""
    if not iri.startswith(("http://", "https://")):
        return iri
    found = _PURL.fullmatch(iri)
    if found is None:
        known = parse_identifier(iri)
        if known.prefix and "://" not in known.curie and known.prefix not in ("http", "https"):
            return known.curie
        found = _OF_ANY_SITE.fullmatch(iri)
    return iri if found is None else f"{found[1]}:{found[2]}"
