"""Records of given mentions: as they were read, rejected, or linked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from angel_hf.formats.pubtator import PubtatorDocument
from angel_hf.types import Linked, Mention


@dataclass(frozen=True, slots=True)
class Record:
    """One unit of input: a JSON line, a PubTator document, or a sentence.

    Args:
        line: where it starts in its source, counted from 1.
        raw: as it came, for the file of rejected records.
        fields: what a JSON row of the output starts with.
        mentions: to be linked.
        mention_fields: for each mention, further fields of its JSON object; empty where there are none.
        document: the PubTator document that the record is, if it is one.
    """

    line: int
    raw: str
    fields: dict[str, Any]
    mentions: tuple[Mention, ...]
    mention_fields: tuple[dict[str, Any], ...] = ()
    document: PubtatorDocument | None = None


@dataclass(frozen=True, slots=True)
class LinkedRecord:
    """A record and what its mentions were linked to, in the same order.

    Args:
        record: as it came.
        linked: its own mentions with their candidates.
        read_as: each mention as the model read it, abbreviations written out.
    """

    record: Record
    linked: tuple[Linked, ...]
    read_as: tuple[str, ...]
