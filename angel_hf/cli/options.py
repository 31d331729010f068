"""Options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
