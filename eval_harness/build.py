"""`angel-eval build`: a benchmark as a folder of Parquet with a dataset card, ready for the Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from angel_hf.arrays.array_file import written_whole
from angel_hf.jobs.text_file import write_json, write_text
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from eval_harness.corpus import Corpus
from eval_harness.example import SPLITS, Example
from eval_harness.report.report import environment
from eval_harness.result_file import versions
from eval_harness.sources.parquet import DESCRIPTION_FILE, KNOWLEDGE_BASE_FILE, ROW_SCHEMA, rows_file


@dataclass(frozen=True, slots=True)
class BuiltSplit:
    """A split of a built benchmark: its file below the folder, and how many rows it has."""

    split: str
    fold: str
    file: str
    rows: int


@dataclass(frozen=True, slots=True)
class Built:
    """A built benchmark.

    Args:
        folder: where it is.
        splits: those that the source has.
        concepts: number of concepts of its knowledge base, 0 without one.
    """

    folder: Path
    splits: tuple[BuiltSplit, ...]
    concepts: int


def build(corpus: Corpus, out: Path, to_be_pushed: bool = False) -> Built:
    """Write the rows as the source has them, the knowledge base, checksums and a dataset card.

    Args:
        corpus: what is built.
        out: the folder.
        to_be_pushed: leave out names that may not be redistributed.

    Raises:
        ValueError: rows that may not be redistributed are to be pushed, or the source differs from what is published.
        FileNotFoundError: the source has no split at all.
    """
    benchmark = corpus.benchmark
    if to_be_pushed and not benchmark.redistributable:
        raise ValueError(f"{benchmark.title} may not be redistributed ({benchmark.licence}); build it without pushing")
    splits = tuple(
        _write_rows(out, split, fold, corpus.raw_examples(split, fold))
        for split in SPLITS
        for fold in benchmark.folds
        if corpus.source.files(split, fold)
    )
    if not splits:
        raise FileNotFoundError(f"{corpus.source.location} holds nothing of {benchmark.name}: get {benchmark.obtain}")
    has_strings = corpus.source.has_mention_strings and not corpus.knowledge_base_files
    knowledge_base = corpus.published_knowledge_base if has_strings else corpus.ontology
    if to_be_pushed and not benchmark.names_redistributable:
        knowledge_base = None
    if knowledge_base is not None:
        _write_knowledge_base(out, knowledge_base)
    concepts = 0 if knowledge_base is None else knowledge_base.num_concepts
    built = Built(out, splits, concepts)
    description = {
        "benchmark": benchmark.name,
        "source": corpus.source.kind,
        "knowledge_base_has_mention_strings": has_strings,
        "sources_sha256": corpus.checksums(),
        "differences": corpus.differences,
        "bad_records": [str(bad) for bad in corpus.bad.records],
        "versions": versions(),
    }
    write_json(out / DESCRIPTION_FILE, description)
    card = environment().get_template("dataset_card.md.jinja")
    write_text(out / "README.md", card.render(benchmark=benchmark, built=built, description=description))
    return built


def push(built: Built, repository: str) -> str:
    """Upload a folder to a dataset repository, created if it does not exist; returns the commit's address."""
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repository, repo_type="dataset", exist_ok=True)
    commit = api.upload_folder(
        repo_id=repository, repo_type="dataset", folder_path=built.folder, commit_message="Build with angel-eval"
    )
    return str(commit.commit_url)


def _write_rows(out: Path, split: str, fold: str, examples: tuple[Example, ...]) -> BuiltSplit:
    rows = [
        {
            "document_id": one.document_id,
            "text": one.mention.text,
            "start": one.mention.start,
            "end": one.mention.end,
            "mention": one.mention.surface,
            "gold": one.gold,
            "semantic_types": one.semantic_types,
        }
        for one in examples
    ]
    file = rows_file(split, fold)
    path = out / file
    with written_whole(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMA), temporary, compression="zstd")
    return BuiltSplit(split, fold, file, len(rows))


def _write_knowledge_base(out: Path, knowledge_base: KnowledgeBase) -> None:
    path = out / KNOWLEDGE_BASE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    knowledge_base.to_parquet(path)
