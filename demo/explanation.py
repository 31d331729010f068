"""Why a name was chosen: its tokens beside those of the best name of another concept."""

from __future__ import annotations

from dataclasses import dataclass

from angel_hf import AngelForEntityLinking, Hypothesis, Mention
from angel_hf.search import BeamSearch


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of a name and its log-probability given the tokens before; the end of the name has no text."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenTrace:
    """A name as the model wrote it."""

    name: str
    concept_ids: tuple[str, ...]
    tokens: tuple[ScoredToken, ...]

    @property
    def mean(self) -> float:
        """The score by which names are ranked."""
        return sum(token.logprob for token in self.tokens) / len(self.tokens)


def explain(model: AngelForEntityLinking, mention: Mention) -> list[TokenTrace]:
    """The traces of the chosen name and, where there is one, of the best name of another concept."""
    knowledge_base = model.knowledge_base
    assert knowledge_base is not None, "a model that links has one"
    (found,) = model.answer(model.questions([mention]), BeamSearch(), top_k=10)
    traces: list[TokenTrace] = []
    for hypothesis in found:
        concept_ids = knowledge_base.entry_concept_ids(hypothesis.name_index)
        if not traces or set(concept_ids).isdisjoint(traces[0].concept_ids):
            name = knowledge_base.entry_name(hypothesis.name_index)
            traces.append(TokenTrace(name, concept_ids, _tokens(model, hypothesis)))
        if len(traces) == 2:
            break
    return traces


def _tokens(model: AngelForEntityLinking, hypothesis: Hypothesis) -> tuple[ScoredToken, ...]:
    assert model.processor is not None
    tokenizer = model.processor.tokenizer
    texts = [tokenizer.decode([token_id]) for token_id in hypothesis.token_ids[:-1]]
    return tuple(map(ScoredToken, [*texts, ""], hypothesis.token_logprobs))
