"""`angel kb map`: the identifiers of another vocabulary, by cross-references."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli.failure import InputError, failures_reported
from angel_hf.cli.kb import knowledge_base_errors
from angel_hf.cli.kb_files import check_ending, terms_of, write_rows
from angel_hf.cli.sink import check_output, open_output
from angel_hf.formats.term import Term
from angel_hf.text.identifiers import vocabulary

_SSSOM = ".sssom.tsv"
_ENDINGS = (".tsv", ".csv", ".jsonl", _SSSOM)


def map_identifiers(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="The vocabulary whose concepts are mapped, then files whose cross-references tell more (MONDO, DOID)."
        ),
    ],
    to: Annotated[str, typer.Option(help="The vocabulary to map to: MESH, OMIM, MONDO, DOID, UMLS, SNOMEDCT, ...")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A file: .tsv, .csv, .jsonl or .sssom.tsv; else a table of tabs to the terminal."
        ),
    ] = None,
) -> None:
    """Map the concepts of a vocabulary to the identifiers of another, by cross-references in either direction.

    A concept that nothing refers to directly is mapped through one third identifier that both sides share.
    """
    from angel_hf.knowledge_base.crosswalk import Crosswalk, Mapping
    from angel_hf.knowledge_base.sssom import write_sssom

    with failures_reported(), knowledge_base_errors():
        if output is not None:
            check_ending(output, _ENDINGS)
            check_output(output)
        vocabulary(to)  # refuses an unknown one before a long read
        names = [str(source) for source in sources]
        if len(set(names)) < len(names):
            raise InputError(f"{' '.join(names)}: a file is named twice; expected different files")
        terms = [[term for term in terms_of(source) if isinstance(term, Term)] for source in sources]
        mappings = list(Crosswalk(zip(names, terms)).mappings(names[0], to))
        with open_output(output) as stream:
            if output is not None and output.name.lower().endswith(_SSSOM):
                write_sssom(stream, mappings)
            else:
                ending = output.suffix.lower() if output is not None else ".tsv"
                write_rows(stream, ending, [field.name for field in fields(Mapping)], map(asdict, mappings))
    counts = Counter(mapping.relation for mapping in mappings)
    told = ", ".join(f"{count:,} {relation}" for relation, count in counts.most_common())
    mapped = len({mapping.from_id for mapping in mappings})
    print(
        f"{mapped:,} of {len(terms[0]):,} concepts of {names[0]} have {len(mappings):,} identifiers of {to}"
        + (f": {told}" if told else ""),
        file=sys.stderr,
    )
