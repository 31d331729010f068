"""A benchmark: its rows, their meaning, their expected number, and who may have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from angel_hf.types import Concept
from eval_harness.bad_records import BadRecords
from eval_harness.example import SPLITS, Example

Counts = Mapping[str, tuple[int, ...]]
"""Mentions of each split: one number, or one for each fold."""

Reader = Callable[[Path, BadRecords], Iterable[Example]]


def as_it_is(concept_id: str) -> str:
    """The identifier, unchanged."""
    return concept_id


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A corpus of annotated mentions in splits.

    Args:
        name: what the command line and the reports call it.
        title: for people.
        citation: of the corpus.
        licence: of the corpus and of its names.
        licence_id: as the Hub writes it.
        obtain: what a user has to obtain, for errors and reports.
        redistributable: whether the rows may be pushed anywhere.
        names_redistributable: whether the names of its concepts may.
        files: the file of each split below the source directory; `{fold}` stands for a fold.
        read: yields the examples of one file.
        expected: mentions of each split in the original release.
        expected_genbioel: mentions of each split in GenBioEL's files.
        genbioel_directory: of a split's files below the source directory.
        folds: names of the folds; a benchmark without folds has one, without a name.
        published_names: splits whose mention strings the published knowledge base holds as names.
        genbioel_train: splits that GenBioEL's train files are made of.
        canonical_id: the form in which corpus and knowledge base agree about an identifier.
        published_text: whether published results are on texts with abbreviations written out.
        own_concepts: yields the concepts that the release itself names, where it names them; given the directory.
    """

    name: str
    title: str
    citation: str
    licence: str
    licence_id: str
    obtain: str
    redistributable: bool
    names_redistributable: bool
    files: Mapping[str, str]
    read: Reader
    expected: Counts
    expected_genbioel: Counts
    genbioel_directory: str = ""
    folds: tuple[str, ...] = ("",)
    published_names: tuple[str, ...] = ()
    genbioel_train: tuple[str, ...] = ("train",)
    canonical_id: Callable[[str], str] = as_it_is
    published_text: bool = True
    own_concepts: Callable[[Path, BadRecords], Iterator[Concept]] | None = field(default=None)

    @property
    def document_is_mention(self) -> bool:
        """Whether mentions stand alone, without a text around them."""
        return len(self.folds) > 1

    def check_split(self, split: str) -> None:
        """Refuse a split that no benchmark has.

        Raises:
            ValueError: there is no such split.
        """
        if split not in SPLITS:
            raise ValueError(f"{self.name} has no split {split!r}; expected one of {', '.join(SPLITS)}")
