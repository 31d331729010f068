"""An opened benchmark: its rows from any source, counted, with its knowledge base."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.published_text import TextForm, publish
from eval_harness.sources.bigbio import BigbioSource, bigbio_config
from eval_harness.sources.genbioel import GenbioelSource, without
from eval_harness.sources.parquet import DESCRIPTION_FILE, ParquetSource
from eval_harness.sources.released import ReleasedSource
from eval_harness.sources.source import Source

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass
class Corpus:
    """Rows and knowledge bases of a benchmark.

    Args:
        source: where they come from.
        text: the requested form of text; rows of GenBioEL's stay as they are.
        knowledge_base_files: of the ontology, instead of what comes with the source.
        allow_different: continue where the number of rows is not the expected one.
        bad: collects malformed records.
        differences: differences from the published data found so far, in words.
    """

    source: Source
    text: TextForm
    knowledge_base_files: Sequence[Path] = ()
    allow_different: bool = False
    bad: BadRecords = field(default_factory=BadRecords)
    differences: list[str] = field(default_factory=list)
    _rows: dict[tuple[str, str], tuple[Example, ...]] = field(default_factory=dict)
    _read: dict[Path, None] = field(default_factory=dict)

    @property
    def benchmark(self) -> Benchmark:
        """What it is."""
        return self.source.benchmark

    @property
    def text_form(self) -> str:
        """The form that the rows have."""
        return "published rows" if self.source.is_published_text else self.text

    def folds(self, split: str) -> tuple[str, ...]:
        """The folds that are there.

        Raises:
            FileNotFoundError: a fold is missing, unless differences are allowed; or all are.
            ValueError: there is no such split.
        """
        self.benchmark.check_split(split)
        there = tuple(fold for fold in self.benchmark.folds if self.source.files(split, fold))
        absent = [fold for fold in self.benchmark.folds if fold not in there]
        if not there or (absent and not self.allow_different):
            self.source.read(split, absent[0], self.bad)  # raises with the file's name
        if absent:
            self._record(f"{split}: folds {', '.join(absent)} of {len(self.benchmark.folds)} are not there")
        return there

    def examples(self, split: str, fold: str = "") -> tuple[Example, ...]:
        """The rows of a split, in the requested form of text.

        Raises:
            ValueError: there is no such split, or it has another number of rows than published.
            FileNotFoundError: its files are not there.
        """
        self.benchmark.check_split(split)
        if (split, fold) not in self._rows:
            rows = self.raw_examples(split, fold)
            self._rows[split, fold] = rows if self.source.is_published_text else publish(rows, self.text)
        return self._rows[split, fold]

    def raw_examples(self, split: str, fold: str = "") -> tuple[Example, ...]:
        """The rows of a split as the source has them; raises as `examples` does."""
        rows = self.source.read(split, fold, self.bad)
        self._read.update(dict.fromkeys(self.source.files(split, fold)))
        expected = self.source.expected(split, fold)
        if len(rows) != expected:
            where = f"{self.benchmark.name} {split}{f' fold {fold}' if fold else ''}"
            difference = f"{where}: {len(rows):,} mentions; {self.source.kind} has {expected:,}"
            if not self.allow_different:
                raise ValueError(
                    f"{self.source.files(split, fold)[0]}: {difference}: results on other data would not compare; get "
                    f"{self.benchmark.obtain}; or continue with --allow-different, which the report states"
                )
            self._record(difference)
        return rows

    def learnable(self, splits: Sequence[str], evaluated: str, fold: str = "") -> tuple[Example, ...]:
        """The rows of several splits, without those of the evaluated one.

        Where texts have the published form, composite mentions are left out, as in the published training files;
        those hold dev in train, so that dev is taken out of it unless it belongs to `splits`.
        """
        examples: list[Example] = []
        for split in splits:
            if split == evaluated or (
                split == "dev" and self._train_holds_dev and "train" in splits and evaluated != "dev"
            ):
                continue
            if self.allow_different and not self.source.files(split, fold):
                self._record(f"{split}: not there, so that nothing is learned from it")
                continue
            rows = self.examples(split, fold)
            if split == "train" and self._train_holds_dev and ("dev" not in splits or evaluated == "dev"):
                rows = without(rows, self.examples("dev", fold))
            examples += rows
        is_released = self.text_form == "released"
        return tuple(one for one in examples if one.gold and (is_released or not one.is_composite))

    @cached_property
    def ontology(self) -> KnowledgeBase | None:
        """Names of the ontology, without strings of the corpus; None where only one with them is there."""
        if self.knowledge_base_files:
            return self._canonical(read_knowledge_bases(self.knowledge_base_files))
        return None if self.source.has_mention_strings else self._own_knowledge_base

    @cached_property
    def published_knowledge_base(self) -> KnowledgeBase | None:
        """The knowledge base of the published results, where the source brings it."""
        published = self.source.has_mention_strings or self.source.is_published_text
        return self._own_knowledge_base if published else None

    def checksums(self) -> dict[str, str]:
        """SHA-256 of the files read so far and of the knowledge bases, by path."""
        files = [*self._read, *self.source.knowledge_base_files(), *self.knowledge_base_files]
        return {self._relative_name(path): sha256(path) for path in sorted(set(files)) if path.is_file()}

    @property
    def _train_holds_dev(self) -> bool:
        return self.source.is_published_text and "dev" in self.benchmark.genbioel_train

    @cached_property
    def _own_knowledge_base(self) -> KnowledgeBase | None:
        own = self.source.knowledge_base(self.bad)
        return None if own is None else self._canonical(own)

    def _canonical(self, knowledge_base: KnowledgeBase) -> KnowledgeBase:
        """The same with identifiers in the benchmark's form."""
        canonical = self.benchmark.canonical_id
        if all(canonical(concept_id) == concept_id for concept_id in knowledge_base.concept_ids):
            return knowledge_base
        renamed = (replace(one, concept_id=canonical(one.concept_id)) for one in knowledge_base.concepts())
        return KnowledgeBase.from_concepts(renamed, knowledge_base.normalization)

    def _record(self, difference: str) -> None:
        if difference not in self.differences:
            self.differences.append(difference)

    def _relative_name(self, path: Path) -> str:
        inside = path.is_relative_to(self.source.location)
        return str(path.relative_to(self.source.location)) if inside else path.name


def open_corpus(
    benchmark: Benchmark,
    source: str | Path,
    text: TextForm = "released",
    knowledge_base_files: Sequence[Path] = (),
    allow_different: bool = False,
    skip_bad: bool = False,
    revision: str | None = None,
) -> Corpus:
    """Open a directory, or a dataset repository on the Hub, of any known kind.

    Args:
        benchmark: what is expected there.
        source: a directory, or `owner/name` of a dataset repository.
        text: one of TEXT_FORMS.
        knowledge_base_files: of the ontology; several are merged.
        allow_different: see Corpus.
        skip_bad: leave malformed records out and list them.
        revision: of a repository; a bigbio repository is read from its Parquet branch.

    Raises:
        FileNotFoundError: the directory is not there.
        ValueError: the folder holds another benchmark.
    """
    location = Path(source)
    if not location.is_dir():
        if not _REPOSITORY.fullmatch(str(source)):
            raise FileNotFoundError(f"{source} is not there; expected a directory, or owner/name of a Hub dataset")
        location = _download(str(source), revision)
    return Corpus(_source(benchmark, location), text, knowledge_base_files, allow_different, BadRecords(skip_bad))


def read_knowledge_bases(files: Sequence[Path]) -> KnowledgeBase:
    """One knowledge base out of one or several files in any format that angel_hf reads."""
    read = [KnowledgeBase.from_file(file) for file in files]
    if len(read) == 1:
        return read[0]
    return KnowledgeBase.from_concepts(itertools.chain(*(one.concepts() for one in read)), read[0].normalization)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _source(benchmark: Benchmark, location: Path) -> Source:
    if (location / DESCRIPTION_FILE).is_file():
        return ParquetSource(benchmark, location)
    config = bigbio_config(location)
    if config is not None:
        return BigbioSource(benchmark, config)
    if any(location.glob("target_kb.json")) or any(location.glob("**/testlabel.txt")):
        return GenbioelSource(benchmark, location)
    return ReleasedSource(benchmark, location)


def _download(repository: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    branch = "refs/convert/parquet"
    if revision is None:
        files = HfApi().list_repo_files(repository, repo_type="dataset")
        is_script = DESCRIPTION_FILE not in files and any(name.endswith(".py") for name in files)
        revision = branch if is_script else None
    patterns = ["*_bigbio_kb/**"] if revision == branch else None
    return Path(snapshot_download(repository, repo_type="dataset", revision=revision, allow_patterns=patterns))
