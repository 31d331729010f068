"""COMETA, mentions of health-forum posts, in its stratified-general split; concepts are those of SNOMED CT."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from angel_hf.types import Mention
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example
from eval_harness.sources.text_lines import numbered_lines

_COLUMNS = ("Term", "General SNOMED ID", "Example")


def read_cometa(path: Path, bad: BadRecords) -> Iterator[Example]:
    """Yield the term of every row with its example sentence; the general concept is the gold one.

    A term is marked where it first occurs in its sentence, in any case; where it does not, it stands before it. Every
    row is a document of its own: the corpus does not say which rows belong to one post.
    """
    lines = numbered_lines(path, bad)
    _, header = next(lines, (1, ""))
    columns = header.split("\t")
    missing = [column for column in _COLUMNS if column not in columns]
    if missing:
        raise ValueError(f"{path}:1: no column {', '.join(missing)} in {header[:120]!r}; expected COMETA's header")
    term_at, concept_at, sentence_at = (columns.index(column) for column in _COLUMNS)
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(columns):
            bad.report(path, number, f"{len(cells)} tab-separated cells; expected {len(columns)} as in the header")
            continue
        term, concept_id, sentence = cells[term_at].strip(), cells[concept_at].strip(), cells[sentence_at].strip()
        if not term or not concept_id.isdecimal():
            bad.report(path, number, f"term {term!r} with concept {concept_id!r}; expected text and a SNOMED CT id")
            continue
        yield Example(_marked(term, sentence), ((concept_id,),), f"{path.stem}-{number}")


def _marked(term: str, sentence: str) -> Mention:
    # Not with lower(): some characters change their length there.
    start = next((at for at in range(len(sentence)) if sentence[at : at + len(term)].lower() == term.lower()), None)
    if start is None:
        return Mention(f"{term} {sentence}".strip(), 0, len(term))
    return Mention(sentence, start, start + len(term))


COMETA = Benchmark(
    name="cometa",
    title="COMETA (stratified, general)",
    citation="Basaldella, Liu, Shareghi and Collier, COMETA: a corpus for medical entity linking in the social media, "
    "EMNLP 2020",
    licence="on request from its authors, not to be redistributed; SNOMED CT: licence of SNOMED International",
    licence_id="other",
    obtain="the corpus from its authors, with splits/stratified_general/{train,dev,test}.csv, and SNOMED CT as "
    "--knowledge-base; both need an agreement",
    redistributable=False,
    names_redistributable=False,
    files={split: f"splits/stratified_general/{split}.csv" for split in ("train", "dev", "test")},
    read=read_cometa,
    expected={"train": (13489,), "dev": (2176,), "test": (4350,)},
    expected_genbioel={"train": (13489,), "dev": (2176,), "test": (4350,)},
    published_text=False,
)
