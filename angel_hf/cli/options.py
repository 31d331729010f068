"""Options that several commands share, each declared once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli.failure import InputError
from angel_hf.formats.documents import DocumentFormat
from angel_hf.formats.reading import Offsets

Input = Annotated[
    str | None,
    typer.Option(
        "--input", "-i", help="A file, .gz too, or a folder of files; - or nothing: standard input.", show_default=False
    ),
]
InputFormat = Annotated[
    DocumentFormat | None,
    typer.Option(help="Default: by the ending of the name, else by the first characters.", show_default=False),
]
OffsetsOption = Annotated[
    Offsets,
    typer.Option("--offsets", help="What the offsets of JSON lines count, those that are read and those written."),
]
RejectedPath = Annotated[
    Path | None,
    typer.Option(
        "--rejected",
        help="Where records go that cannot be read or used, with file, line and cause; where there are none, a file of "
        "an earlier run is removed. Default: the output's or else the input's name with .rejected.jsonl.",
        show_default=False,
    ),
]
Model = Annotated[str, typer.Option(help="angel-mini, a folder, or a Hub repository.")]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit of a Hub repository.", show_default=False)]
KnowledgeBasePath = Annotated[
    Path | None, typer.Option(help="Link to this knowledge base, not to the model's own.", show_default=False)
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")]
AsWritten = Annotated[
    bool,
    typer.Option(
        "--as-written",
        help="Read abbreviations as they stand. Default: written out where the text defines them, as when the "
        "model's accuracy and confidence were measured.",
    ),
]
Detector = Annotated[
    str | None,
    typer.Option(
        help="A token-classification model that finds the mentions. Default: the knowledge base's names are looked up.",
        show_default=False,
    ),
]
Precision = Annotated[
    float | None,
    typer.Option(help="Where the model's confidence cannot promise it, answer NIL (-1).", show_default=False),
]


def refuse_unheard(values: Mapping[str, object], where: str) -> None:
    """Refuse options that nothing would come of.

    Args:
        values: each option with its value; None and False are not given.
        where: the circumstances, as "with a sentence".

    Raises:
        InputError: one was given.
    """
    given = [name for name, value in values.items() if value is not None and value is not False]
    if given:
        raise InputError(f"{' and '.join(given)} would go unheard {where}; expected the command without")
