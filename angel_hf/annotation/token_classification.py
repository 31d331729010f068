"""Detection by any token-classification model of the Hub."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from pathlib import Path

from torch import nn
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TokenClassificationPipeline,
)

from angel_hf.types import Mention


class TokenClassificationDetector:
    """Finds what a tagger marks. Texts longer than the model's positions are read in overlapping windows.

    A word takes the label of its first token, or of any where the tokenizer does not mark the inside of words, so that
    no mention starts or ends inside a word. Neighbours of one label are joined by the model's scheme: IOB, IOBES and
    BILOU, or types alone.

    Args:
        model: the tagger.
        tokenizer: its tokenizer, a fast one, as others have no offsets.
        labels: the entity types that are mentions, without B- and the like; all of them where none are given.
        overlap: tokens that a window shares with the next.
        batch_size: windows in one pass of the model.

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
        model = _with_iob_labels(model)
        known = {_SCHEME.sub("", label) for label in model.config.id2label.values()} - {"O"}
        if not tokenizer.is_fast:
            raise ValueError(f"{type(tokenizer).__name__} has no offsets; expected a fast tokenizer: use_fast=True")
        if labels is not None and not known.issuperset(labels):
            unknown = ", ".join(sorted(set(labels) - known))
            raise ValueError(f"the model has no label {unknown}; expected some of {', '.join(sorted(known))}")
        self.labels = known if labels is None else set(labels)
        # Many checkpoints have no length, and then nothing would be cut into windows.
        tokenizer.model_max_length = min(tokenizer.model_max_length, _most_tokens(model, tokenizer.model_max_length))
        self._pipeline = TokenClassificationPipeline(
            model=model,
            tokenizer=tokenizer,
            # Tokenizers that do not mark the inside of words end them at white space, commas included.
            aggregation_strategy="first" if _marks_subwords(tokenizer) else "simple",
            stride=min(overlap, tokenizer.model_max_length // 4),
            batch_size=batch_size,
        )

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        labels: Sequence[str] | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
    ) -> TokenClassificationDetector:
        """Load a directory or Hub repository, as for any transformers model.

        Args:
            name: of the directory or repository.
            labels: as for the class.
            revision: branch, tag or commit of a repository.
            trust_remote_code: run code of the repository.

        Raises:
            OSError: the repository is unavailable, or a file of it is missing.
            ValueError: it needs its own code, which is not trusted; or as for the class.
        """
        # Without trust_remote_code transformers asks on stdin, which may hold the documents.
        hub = {"revision": revision, "trust_remote_code": trust_remote_code}
        model = AutoModelForTokenClassification.from_pretrained(name, **hub)
        return cls(model.eval(), AutoTokenizer.from_pretrained(name, **hub), labels)

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
            start, end = _whole_words(text, entity["start"], entity["end"])
            inside = bool(mentions) and start < mentions[-1].end
            if entity["entity_group"] in self.labels and start < end and not inside:
                mentions.append(Mention(text, start, end))
        return mentions


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space of byte-level tokens, extended to whole words."""
    surface = text[start:end]
    start, end = end - len(surface.lstrip()), start + len(surface.rstrip())
    while 0 < start < end and text[start - 1 : start + 1].isalnum():
        start -= 1
    while start < end < len(text) and text[end - 1 : end + 1].isalnum():
        end += 1
    return start, end


def _marks_subwords(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether tokens inside a word are marked, as those of BERT; only so does the pipeline find words."""
    backend = getattr(tokenizer, "_tokenizer", None)
    return bool(getattr(getattr(backend, "model", None), "continuing_subword_prefix", None))


_SCHEME = re.compile("^[BIESLU]-")
_AS_IOB = {"S-": "B-", "U-": "B-", "E-": "I-", "L-": "I-"}


def _with_iob_labels(model: PreTrainedModel) -> PreTrainedModel:
    """The model, or where its labels also mark ends and single tokens, a view of it with B- and I- only."""
    labels = {
        label_id: _AS_IOB.get(label[:2], label[:2]) + label[2:] for label_id, label in model.config.id2label.items()
    }
    if labels == model.config.id2label:
        return model
    view = copy.copy(model)
    view.config = copy.deepcopy(model.config)
    view.config.id2label = labels
    return view


def _most_tokens(model: PreTrainedModel, default: int) -> int:
    """The number of positions of the model; RoBERTa and its kin reserve the first ones for padding."""
    most = int(getattr(model.config, "max_position_embeddings", default))
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return most - module.padding_idx - 1
    return most
