"""GenBioEL's processed directories: `{split}.source`, `{split}.target`, `{split}label.txt` and `target_kb.json`.

The rows are taken as they stand; a source line is a JSON list of one text `left START mention END right`. Only
identifiers are brought to the benchmark's form. The files do not name documents: neighbouring rows whose texts share
most of their words belong to one document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from angel_hf.jobs.readable import parse_json
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Mention
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.source import Source, count_for
from eval_harness.sources.text_lines import find_file, numbered_lines

KNOWLEDGE_BASE_FILE = "target_kb.json"

_MARKED = re.compile(r"(?:(?P<left>.*?) )?START (?P<mention>.*?) END(?: (?P<right>.*))?", re.DOTALL)
_PREFIX_END = " is"
_SHARED = 0.3  # of the five-word sequences of the shorter of two texts; windows of one document share half or more


class GenbioelSource(Source):
    """A directory of GenBioEL's, or one with a directory for each fold."""

    kind: ClassVar[str] = "genbioel"
    is_published_text = True

    @property
    def has_mention_strings(self) -> bool:  # type: ignore[override]
        """As the published knowledge base has, or has not."""
        return bool(self.benchmark.published_names)

    def files(self, split: str, fold: str) -> list[Path]:
        """Rows and labels."""
        directory = self._directory(fold)
        rows = find_file(directory, f"{split}.source") or find_file(directory, f"{split}.target")
        labels = find_file(directory, f"{split}label.txt")
        return [] if rows is None or labels is None else [rows, labels]

    def read(self, split: str, fold: str, bad: BadRecords) -> tuple[Example, ...]:
        """The rows as they stand."""
        if not self.files(split, fold):
            raise self.missing(split, fold, str(self._directory(fold) / f"{split}.source"))
        return tuple(read_split(self._directory(fold), split, self.benchmark, bad))

    def expected(self, split: str, fold: str) -> int:
        """As counted in the files that the published results were made with."""
        return count_for(self.benchmark.expected_genbioel[split], self.benchmark, fold)

    def knowledge_base(self, bad: BadRecords) -> KnowledgeBase | None:
        """target_kb.json, where it is there."""
        for path in self.knowledge_base_files():
            return KnowledgeBase.from_file(path)
        return None

    def knowledge_base_files(self) -> list[Path]:
        """target_kb.json."""
        path = find_file(self.location, KNOWLEDGE_BASE_FILE)
        return [] if path is None else [path]

    def _directory(self, fold: str) -> Path:
        return self.location / self.benchmark.genbioel_directory.format(fold=fold)


def read_split(directory: Path, split: str, benchmark: Benchmark, bad: BadRecords) -> Iterator[Example]:
    """Yield the rows of a split in the files' order.

    Where the .source file is missing, as for the training split of some copies, mentions come from the .target file,
    without a text around them.

    Raises:
        FileNotFoundError: neither a source nor a target file is there, or no labels.
        ValueError: the files have different numbers of lines, or a line is malformed and bad records are not skipped.
    """
    labels_file = _require(directory, f"{split}label.txt")
    rows_file = find_file(directory, f"{split}.source") or _require(directory, f"{split}.target")
    labels = list(numbered_lines(labels_file, bad))
    rows = list(numbered_lines(rows_file, bad))
    if len(labels) != len(rows):
        raise ValueError(
            f"{rows_file}: {len(rows):,} rows with {len(labels):,} labels in {labels_file.name}; expected one each"
        )
    document, previous = 0, frozenset[tuple[str, ...]]()
    for (number, row), (_, label) in zip(rows, labels):
        try:
            mention = _mention(row, rows_file.suffix)
            gold = tuple((benchmark.canonical_id(part),) for part in re.split(r"[|+]", label))
        except ValueError as error:
            bad.report(rows_file, number, str(error))
            continue
        shingles = _shingles(mention)
        if not shingles or len(shingles & previous) < _SHARED * min(len(shingles), len(previous)):
            document += 1
        previous = shingles
        yield Example(mention, gold, f"{split}-{document}")


def without(examples: Iterable[Example], others: Iterable[Example]) -> tuple[Example, ...]:
    """Examples less those with the mention and gold of `others`, each removed once: train out of train and dev."""
    counts = Counter((one.mention.surface, one.gold) for one in others)
    kept = []
    for example in examples:
        key = (example.mention.surface, example.gold)
        if counts[key] > 0:
            counts[key] -= 1
        else:
            kept.append(example)
    return tuple(kept)


def _mention(row: str, suffix: str) -> Mention:
    try:
        cells = parse_json(row)
    except ValueError as error:
        raise ValueError(f"{error}; expected a list of texts") from None
    if not isinstance(cells, list) or not cells or not all(isinstance(cell, str) for cell in cells):
        raise ValueError(f"{row[:120]!r}; expected a JSON list of texts")
    if suffix == ".target":
        surface = cells[0].removesuffix(_PREFIX_END)
        return Mention(surface, 0, len(surface))
    match = _MARKED.fullmatch(cells[0])
    if match is None:
        raise ValueError(f"{cells[0][:120]!r} has no mention between START and END; expected one")
    left, surface, right = match["left"] or "", match["mention"], match["right"] or ""
    start = len(left) + 1 if left else 0
    return Mention(f"{left} {surface} {right}".strip(" ") if left or right else surface, start, start + len(surface))


def _shingles(mention: Mention) -> frozenset[tuple[str, ...]]:
    text = f"{mention.text[: mention.start]} {mention.text[mention.end :]}"
    words = re.findall(r"\w+", text)
    return frozenset(tuple(words[at : at + 5]) for at in range(len(words) - 4))


def _require(directory: Path, name: str) -> Path:
    path = find_file(directory, name)
    if path is None:
        raise FileNotFoundError(f"{directory / name} is not there; expected GenBioEL's files")
    return path
