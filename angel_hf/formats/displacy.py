"""displaCy, spaCy's drawing of texts with their entities, as a page of HTML.

displaCy escapes the texts, and neither the titles nor what stands beside an entity.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TextIO

from angel_hf.formats.answers import identifier
from angel_hf.formats.document import Document
from angel_hf.results import Annotated


class DisplacyWriter:
    """One page with all documents, drawn by spaCy's displaCy.

    Raises:
        ImportError: spaCy is not installed.
    """

    def __init__(self, stream: TextIO, kind: str) -> None:
        try:
            from spacy import displacy
        except ImportError:
            raise ImportError("displaCy pages need: pip install 'angel-hf[spacy]'") from None
        self._displacy = displacy
        self._stream = stream
        self._kind = html.escape(kind)
        self._documents: list[dict[str, object]] = []

    def write(self, document: Document, annotated: Sequence[Annotated]) -> None:
        """Keep one document; the page is drawn as a whole."""
        entities: list[dict[str, object]] = []
        end = 0
        for one in annotated:
            shown = html.escape(identifier(one))
            # The parts of a composite mention share their place, which can be drawn once.
            if one.mention.start < end:
                entities[-1]["kb_id"] = f"{entities[-1]['kb_id']}|{shown}"
                continue
            end = one.mention.end
            entities.append(
                {"start": one.mention.start, "end": end, "label": self._kind, "kb_id": shown, "kb_url": "#"}
            )
        self._documents.append({"text": document.text, "ents": entities, "title": html.escape(document.document_id)})

    def close(self) -> None:
        """Draw the page."""
        page = self._displacy.render(self._documents, style="ent", manual=True, page=True, jupyter=False)
        self._stream.write(page + "\n")
