"""A small world: three concepts, two of which share a name, a corpus of lines, and a predictor with given answers."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from angel_hf import Candidate, KnowledgeBase, Linked, Mention
from eval_harness.answering import answer_task
from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.example import Example, Query
from eval_harness.flags import flag_examples
from eval_harness.prediction import Prediction
from eval_harness.prediction_file import Origin
from eval_harness.predictors.predictor import Predictor, ScoreKind
from eval_harness.protocol import Protocol
from eval_harness.result import Result, summarise
from eval_harness.task import Task

COLOUR = "D003117"
CHRONIC = "D029424"
COLD = "D003139"


def example(surface: str, *gold: str, document_id: str = "1") -> Example:
    """A mention without context; each of `gold` is a part."""
    return Example(Mention(surface, 0, len(surface)), tuple((concept_id,) for concept_id in gold), document_id)


def read_lines(path: Path, bad: BadRecords) -> Iterable[Example]:
    """A corpus of lines `mention|concept|concept`, each a document."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        surface, *gold = line.split("|")
        if not gold:
            bad.report(path, number, f"no concept for {surface!r}; expected `mention|concept`")
        else:
            yield example(surface, *gold, document_id=f"{path.stem}-{number}")


def toy_benchmark(counts: Mapping[str, int], **changes: object) -> Benchmark:
    """A benchmark of such lines in files {split}.txt."""
    given: dict[str, object] = {
        "name": "toy",
        "title": "Toy",
        "citation": "nobody",
        "licence": "Apache-2.0",
        "licence_id": "apache-2.0",
        "obtain": "the toy corpus",
        "redistributable": True,
        "names_redistributable": True,
        "files": {split: f"{split}.txt" for split in counts},
        "read": read_lines,
        "expected": {split: (count,) for split, count in counts.items()},
        "expected_genbioel": {split: (count,) for split, count in counts.items()},
        "published_names": ("train", "dev"),
    }
    return Benchmark(**(given | changes))  # type: ignore[arg-type]


class Scripted(Predictor):
    """Answers with given names of the knowledge base, and is silent about other mentions."""

    kind: ClassVar[str] = "scripted"
    score_kind: ClassVar[ScoreKind] = "log-probability"

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers = answers
        self.asked_about = 0

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        self.knowledge_base = knowledge_base
        self.training = training

    def predict(self, mentions: Sequence[Mention]) -> Iterable[Linked]:
        self.asked_about += len(mentions)
        # Backwards, since the order is the predictor's choice.
        for mention in reversed(mentions):
            if mention.surface in self.answers:
                yield Linked(mention, tuple(map(self._candidate, self.answers[mention.surface])))

    def _candidate(self, name: str) -> Candidate:
        entry = self.knowledge_base.find(name)
        return Candidate(name, () if entry is None else self.knowledge_base.entry_concept_ids(entry), -1.0)


def origin(predictor: str = "scripted", protocol: str = "lenient") -> Origin:
    """As a run writes it."""
    return Origin("toy", "test", predictor, protocol, "log-probability", "0")


def answer(predictor: Predictor, task: Task, folder: Path) -> list[Prediction]:
    """The judged answers of a predictor."""
    made_by = origin(predictor.name, task.protocol.name)
    return answer_task(predictor, task, flag_examples(task), folder / "parts", made_by).predictions


def evaluate(
    answers: Mapping[str, Sequence[str]],
    protocol: Protocol,
    knowledge_base: KnowledgeBase,
    examples: Sequence[Example],
    folder: Path,
) -> tuple[Result, list[Prediction]]:
    """What scripted answers score."""
    task = Task(protocol, knowledge_base, tuple(examples), training=())
    predictions = answer(Scripted(answers), task, folder / protocol.name)
    return summarise(predictions, origin(protocol=protocol.name), protocol), predictions
