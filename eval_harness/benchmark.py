"""A benchmark: where its mentions are, what they stand for, and how many there must be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from angel_hf.types import Mention

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Example:
    """An annotated mention.

    Args:
        mention: with the document's whole text.
        gold: concept ids as the corpus has them, one tuple for each part of a composite mention ("breast and
            ovarian cancer" has two); a part that only several concepts together describe lists them all.
        document_id: of the document that the mention stands in.
    """

    mention: Mention
    gold: tuple[tuple[str, ...], ...]
    document_id: str

    @property
    def concept_ids(self) -> tuple[str, ...]:
        """The ids of all parts, each once."""
        return tuple(dict.fromkeys(concept_id for part in self.gold for concept_id in part))


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A corpus of annotated mentions in splits.

    Args:
        name: what the command line and the reports call it.
        files: the file of each split, below the source directory.
        expected_mentions: how many examples each split holds in the published release.
        read: yields the examples of one file.
    """

    name: str
    files: Mapping[str, str]
    expected_mentions: Mapping[str, int]
    read: Callable[[Path], Iterable[Example]]

    def load(self, source: Path, split: str) -> tuple[Example, ...]:
        """The examples of a split, in the file's order.

        Raises:
            ValueError: there is no such split, or the file holds another number of mentions than published.
            FileNotFoundError: the file is not below `source`.
        """
        path = self.path(source, split)
        examples = tuple(self.read(path))
        expected = self.expected_mentions[split]
        if len(examples) != expected:
            raise ValueError(
                f"{path}: holds {len(examples):,} mentions; {self.name} {split} as released has {expected:,}: "
                "results on other data would not compare, get the original file"
            )
        return examples

    def path(self, source: Path, split: str) -> Path:
        """Where the file of a split is; raises as `load` does."""
        if split not in self.files:
            raise ValueError(f"{self.name} has no split {split!r}; expected one of {', '.join(self.files)}")
        path = source / self.files[split]
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there; expected the {split} split of {self.name} as released")
        return path


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
