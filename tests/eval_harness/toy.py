"""A small world: three concepts, two of which share a name, a corpus of lines, and a predictor told what to say."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from angel_hf import Candidate, KnowledgeBase, Linked, Mention
from eval_harness.benchmark import Example
from eval_harness.predictors.predictor import Predictor

COLOUR = "D003117"
CHRONIC = "D029424"
COLD = "D003139"


def example(surface: str, *gold: str, document_id: str = "1") -> Example:
    """A mention without context; each of `gold` is a part."""
    return Example(Mention(surface, 0, len(surface)), tuple((concept_id,) for concept_id in gold), document_id)


def read_lines(path: Path) -> Iterable[Example]:
    """A corpus of lines `mention|concept|concept`."""
    for line in path.read_text().splitlines():
        surface, *gold = line.split("|")
        yield example(surface, *gold)


class Scripted(Predictor):
    """Answers with given names of the knowledge base, and is silent about other mentions."""

    name = "scripted"

    def __init__(self, answers: dict[str, Sequence[str]]) -> None:
        self.answers = answers

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example]) -> None:
        self.knowledge_base = knowledge_base
        self.training = training

    def predict(self, mentions: Sequence[Mention]) -> Iterable[Linked]:
        # Backwards, since the order is the predictor's choice.
        for mention in reversed(mentions):
            if mention.surface in self.answers:
                yield Linked(mention, tuple(map(self._candidate, self.answers[mention.surface])))

    def _candidate(self, name: str) -> Candidate:
        entry = self.knowledge_base.find(name)
        return Candidate(name, () if entry is None else self.knowledge_base.entry_concept_ids(entry), -1.0)
