"""Predictions of any other system, read from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from angel_hf.jobs.readable import UNFORESEEN, finite, parse_json, read_json, what_stopped
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.bad_records import BadRecords
from eval_harness.corpus import sha256
from eval_harness.example import Example, Query
from eval_harness.prediction_schema import PREDICTION_SCHEMA
from eval_harness.predictors.predictor import Predictor, ScoreKind
from eval_harness.sources.parquet import read_table
from eval_harness.sources.text_lines import numbered_lines

Key = tuple[str, int, int]
"""Document id, start and end of a mention."""


class FromFile(Predictor):
    """Candidates of a file, found by document id and offsets; concept ids are resolved in the knowledge base.

    Three formats are known by the file's ending:
    - `.parquet`, as the harness writes it: columns document_id, start, end, candidates;
    - `.jsonl`: an object a line, `{"document_id", "start", "end", "candidates": [{"concept_ids", "name", "score"}]}`,
      where name and score may be missing;
    - `.json`, BELB's: a list of `{"eid", "start", "end", "y_pred": [[id, ...], ...]}`; "NIL" is no concept.

    Args:
        path: the file.
    """

    kind: ClassVar[str] = "file"
    score_kind: ClassVar[ScoreKind] = "similarity"

    def __init__(self, path: str) -> None:
        self.path = path
        self.answers = _read(Path(path))
        self.content = sha256(Path(path))

    @property
    def name(self) -> str:
        """The file's, without its ending."""
        return f"file-{Path(self.path).stem}"

    @property
    def identity(self) -> str:
        """The digest of the file, wherever it is."""
        return f"file {self.content}"

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Find the mention of every row.

        Raises:
            ValueError: the file answers mentions that the benchmark does not have.
        """
        self.knowledge_base = knowledge_base
        mentions = {(one.document_id, one.mention.start, one.mention.end): one.mention for one in queries}
        strange = self.answers.keys() - mentions.keys()
        if strange:
            raise ValueError(
                f"{self.path}: answers {len(strange):,} mentions that the benchmark does not have, among them "
                f"{min(strange)}; expected document ids and offsets of the same benchmark, split and text form, "
                f"such as {min(mentions)}"
            )
        self.candidates = {mentions[key]: candidates for key, candidates in self.answers.items()}

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """The answers of the file; none where it has none."""
        for mention in mentions:
            if mention in self.candidates:
                yield Linked(mention, tuple(map(self._resolved, self.candidates[mention])))

    def _resolved(self, candidate: Candidate) -> Candidate:
        resolve = self.knowledge_base.resolve
        ids = tuple(dict.fromkeys(resolve(one) or one for one in candidate.concept_ids))
        return Candidate(candidate.name, ids, candidate.score)


def _read(path: Path) -> dict[Key, tuple[Candidate, ...]]:
    if path.suffix == ".parquet":
        rows: Sequence[Mapping[str, Any]] = read_table(path, PREDICTION_SCHEMA).to_pylist()
    elif path.suffix == ".jsonl":
        rows = list(_json_lines(path))
    elif path.suffix == ".json":
        rows = _json(path)
    else:
        raise ValueError(f"{path}: expected a file of predictions that ends in .parquet, .jsonl or .json")
    is_belb, answers = path.suffix == ".json", dict[Key, tuple[Candidate, ...]]()
    for number, row in enumerate(rows, start=1):
        try:
            row = _from_belb(row) if is_belb else row
            key = (str(row["document_id"]), _offset(row["start"]), _offset(row["end"]))
            if key in answers:
                raise ValueError(f"the mention {key} again")
            answers[key] = tuple(map(_candidate, row["candidates"]))
        except (ValueError, *UNFORESEEN) as error:
            expected = "eid, start, end and y_pred" if is_belb else "document_id, start, end and candidates"
            raise ValueError(
                f"{path}: row {number}: {what_stopped(error)} in {str(row)[:120]}; expected {expected}"
            ) from None
    return answers


def _candidate(row: Mapping[str, Any]) -> Candidate:
    ids = row["concept_ids"]
    if not isinstance(ids, (list, tuple)):
        raise ValueError(f"concept_ids is {str(ids)[:80]!r}; expected a list of identifiers")
    return Candidate(str(row.get("name") or ""), tuple(map(str, ids)), finite("score", row.get("score") or 0.0))


def _offset(value: object) -> int:
    number = finite("offset", value)
    if number != int(number):
        raise ValueError(f"offset {number}; expected a whole number")
    return int(number)


def _from_belb(row: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(row["y_pred"], list) or not all(isinstance(ids, list) for ids in row["y_pred"]):
        raise ValueError("y_pred is no list of lists of identifiers")
    ranks = [[one for one in map(str, ids) if one != "NIL"] for ids in row["y_pred"]]
    candidates = [{"concept_ids": ids} for ids in ranks]
    return {"document_id": row["eid"], "start": row["start"], "end": row["end"], "candidates": candidates}


def _json_lines(path: Path) -> Iterator[Any]:
    for number, line in numbered_lines(path, BadRecords()):
        try:
            yield parse_json(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}; expected an object a line") from None


def _json(path: Path) -> Any:
    rows = read_json(path, "expected BELB's list of predictions")
    if not isinstance(rows, list):
        raise ValueError(f"{path}: holds {type(rows).__name__}; expected BELB's list of predictions")
    return rows
