"""Annotated mentions, which models are fine-tuned on and chosen by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from angel_hf.annotation import expand_abbreviations
from angel_hf.formats.lines import open_lines
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.jobs.readable import parse_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Mention

FORMATS = ("pubtator", "genbioel")

_MARKED = re.compile(r"(.*?)START (.+?) END(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AnnotatedMention:
    """A mention and its gold identifiers, the parts of a joined one (`D1|D2`, `D1+D2`) separately.

    Mentions with the same `document_id` stay together when a corpus is split.
    """

    mention: Mention
    identifiers: tuple[str, ...]
    document_id: str

    def concept_ids(self, knowledge_base: KnowledgeBase) -> tuple[str, ...]:
        """The mention's concepts in a knowledge base: alternative identifiers resolved, unknown ones left out."""
        resolved = (knowledge_base.resolve(identifier) for identifier in self.identifiers)
        return tuple(dict.fromkeys(concept_id for concept_id in resolved if concept_id is not None))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many mentions of a corpus have a concept in a knowledge base.

    Attributes:
        mentions: number of all mentions.
        known: number of those with a concept.
        unknown: identifiers that the knowledge base lacks, most frequent first, at most five.
    """

    mentions: int
    known: int
    unknown: tuple[str, ...]

    def __str__(self) -> str:
        counts = f"{self.known:,} of {self.mentions:,} mentions have a concept of the knowledge base"
        return f"{counts}; it lacks {', '.join(self.unknown)}" if self.unknown else counts


def coverage(mentions: Sequence[AnnotatedMention], knowledge_base: KnowledgeBase) -> Coverage:
    """Count the mentions that have a concept in a knowledge base."""
    known = [bool(annotated.concept_ids(knowledge_base)) for annotated in mentions]
    identifiers = (identifier for annotated in mentions for identifier in annotated.identifiers)
    unknown = Counter(identifier for identifier in identifiers if knowledge_base.resolve(identifier) is None)
    return Coverage(len(known), sum(known), tuple(identifier for identifier, _ in unknown.most_common(5)))


def read_corpus(path: Path, corpus_format: str) -> list[AnnotatedMention]:
    """The annotated mentions of a corpus, in its order.

    Args:
        path: a PubTator file; for "genbioel" the common start of three file names, `fold0/train` for
            `fold0/train.source`, `fold0/train.target` and `fold0/trainlabel.txt`.
        corpus_format: one of FORMATS.

    Raises:
        ValueError: the format is unknown, or a record is malformed.
    """
    if corpus_format == "pubtator":
        return list(_read_pubtator(path))
    if corpus_format == "genbioel":
        return list(_read_genbioel(path))
    raise ValueError(f"unknown corpus format {corpus_format!r}; expected one of {', '.join(FORMATS)}")


def corpus_names(paths: Sequence[Path]) -> list[str]:
    """What a report calls corpora: their files' names; of several files with one name the whole paths as given."""
    return [str(path) if sum(one.name == path.name for one in paths) > 1 else path.name for path in paths]


def expanded(mentions: Iterable[AnnotatedMention]) -> list[AnnotatedMention]:
    """The mentions with the abbreviations that their documents define written out (Schwartz and Hearst 2003)."""
    mentions = list(mentions)
    written_out = expand_abbreviations(annotated.mention for annotated in mentions)
    return [replace(annotated, mention=mention) for annotated, mention in zip(mentions, written_out, strict=True)]


def split_identifiers(identifier: str) -> tuple[str, ...]:
    """The parts of an identifier: `D1|OMIM:2`, `D1+D2`, `MESH:D1`."""
    parts = identifier.replace("+", "|").split("|")
    return tuple(part.strip().removeprefix("MESH:") for part in parts if part.strip())


def _read_pubtator(path: Path) -> Iterator[AnnotatedMention]:
    for document in read_pubtator(path):
        for annotation in document.annotations:
            mention = Mention(document.text, annotation.start, annotation.end)
            yield AnnotatedMention(mention, split_identifiers(annotation.identifier or ""), document.document_id)


def _read_genbioel(path: Path) -> Iterator[AnnotatedMention]:
    """Rows of `["left START mention END right"]` beside rows of labels; each text is a document."""
    sources = path.with_name(path.name + ".source")
    labels = path.with_name(path.name + "label.txt")
    source_lines, label_lines = list(open_lines(sources)), list(open_lines(labels))
    if len(source_lines) != len(label_lines):
        raise ValueError(
            f"{sources}: {len(source_lines):,} rows, but {labels} has {len(label_lines):,}; expected one a row"
        )
    for number, (line, label) in enumerate(zip(source_lines, label_lines), start=1):
        match = _MARKED.fullmatch(_only_text(sources, number, line))
        if match is None:
            raise ValueError(f"{sources}:{number}: {line[:120]!r}; expected a text with `START mention END` in it")
        left, surface, right = match.groups()
        text = f"{left}{surface}{right}"
        yield AnnotatedMention(Mention(text, len(left), len(left) + len(surface)), split_identifiers(label), text)


def _only_text(path: Path, number: int, line: str) -> str:
    try:
        (text,) = parse_json(line)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}:{number}: {line[:120]!r} ({error}); expected a JSON list of one text") from None
    return str(text)
