"""Mentions found by any token-classification model of the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TokenClassificationPipeline,
)

from angel_hf.types import Mention


class TokenClassificationDetector:
    """Finds what a tagger marks. Texts longer than the model reads go through in windows that overlap.

    The words of a mention take the label of their first token, so that no mention starts or ends inside a word, and
    neighbours of one label are joined as the model's B- and I- labels say.

    Args:
        model: the tagger.
        tokenizer: its tokenizer, a fast one, as only these know offsets.
        labels: the entity types that are mentions, without B- and I-; all of them where none are given.
        overlap: tokens that a window shares with the next.
        batch_size: windows that go through the model together.

    Raises:
        ValueError: the tokenizer is not a fast one, or a label is none of the model's.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        labels: Sequence[str] | None = None,
        overlap: int = 64,
        batch_size: int = 8,
    ) -> None:
        known = {label.partition("-")[2] or label for label in model.config.id2label.values()} - {"O"}
        if not tokenizer.is_fast:
            raise ValueError(f"{type(tokenizer).__name__} tells no offsets; expected a fast tokenizer: use_fast=True")
        if labels is not None and not known.issuperset(labels):
            unknown = ", ".join(sorted(set(labels) - known))
            raise ValueError(f"the model has no label {unknown}; expected some of {', '.join(sorted(known))}")
        self.labels = known if labels is None else set(labels)
        positions = getattr(model.config, "max_position_embeddings", tokenizer.model_max_length)
        # Many checkpoints come without a length, and then nothing would be cut into windows.
        tokenizer.model_max_length = min(tokenizer.model_max_length, positions)
        self._pipeline = TokenClassificationPipeline(
            model=model,
            tokenizer=tokenizer,
            aggregation_strategy="first",
            stride=min(overlap, tokenizer.model_max_length // 4),
            batch_size=batch_size,
        )

    @classmethod
    def from_pretrained(
        cls, name: str | Path, labels: Sequence[str] | None = None, revision: str | None = None
    ) -> TokenClassificationDetector:
        """Load a directory or Hub repository, as for any transformers model."""
        model = AutoModelForTokenClassification.from_pretrained(name, revision=revision)
        return cls(model.eval(), AutoTokenizer.from_pretrained(name, revision=revision), labels)

    def detect(self, texts: Sequence[str]) -> list[list[Mention]]:
        """The mentions of each text, in its order; see MentionDetector."""
        found: list[list[Mention]] = [[] for _ in texts]
        filled = [place for place, text in enumerate(texts) if text.strip()]
        if filled:
            for place, entities in zip(filled, self._pipeline([texts[place] for place in filled])):
                found[place] = self._mentions(texts[place], entities)
        return found

    def _mentions(self, text: str, entities: list[dict]) -> list[Mention]:
        mentions: list[Mention] = []
        for entity in sorted(entities, key=lambda entity: entity["start"]):
            # Byte-level tokens hold the space before a word.
            surface = text[entity["start"] : entity["end"]]
            start, end = entity["end"] - len(surface.lstrip()), entity["start"] + len(surface.rstrip())
            inside = bool(mentions) and start < mentions[-1].end
            if entity["entity_group"] in self.labels and start < end and not inside:
                mentions.append(Mention(text, start, end))
        return mentions
