"""Nearest names in the space of a text encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.types import Candidate, Linked, Mention
from eval_harness.example import Example, Query
from eval_harness.predictors.best_entries import best_candidates, link_spellings
from eval_harness.predictors.predictor import Predictor, ScoreKind, weights_sha256


class Dense(Predictor):
    """A bi-encoder: names by the cosine of their vector with the mention's.

    A checkpoint of sentence-transformers is used as it was saved. Any other encoder, such as SapBERT's, gives the
    vector of its first token, as SapBERT is used (Liu et al., NAACL 2021).

    Args:
        model: directory or Hub repository.
        top_k: most candidates for each mention.
        batch_size: strings that go through the encoder together.
        block_size: mentions that are compared with all names at once.
    """

    kind: ClassVar[str] = "dense"
    score_kind: ClassVar[ScoreKind] = "similarity"

    def __init__(self, model: str, top_k: int = 10, batch_size: int = 256, block_size: int = 64) -> None:
        self.model, self.top_k, self.batch_size, self.block_size = model, top_k, batch_size, block_size
        self.encoder = _load(model)

    @property
    def name(self) -> str:
        """With the checkpoint's."""
        return f"dense-{Path(self.model).name}"

    @property
    def parameters(self) -> dict[str, str | int | float]:
        """The number of candidates, and the weights."""
        return {"top_k": self.top_k, "weights": weights_sha256(self.encoder.state_dict())}

    def prepare(self, knowledge_base: KnowledgeBase, training: Sequence[Example], queries: Sequence[Query]) -> None:
        """Encode all names; nothing is learned from `training`."""
        self.knowledge_base = knowledge_base
        self.entries = np.arange(knowledge_base.num_entries)
        self.names = self._encode(list(knowledge_base.entry_names()))

    def predict(self, mentions: Sequence[Mention]) -> Iterator[Linked]:
        """The nearest names, exactly; score is the cosine."""
        return link_spellings(self.knowledge_base, mentions, self._nearest)

    def _nearest(self, strings: list[str]) -> Iterator[tuple[Candidate, ...]]:
        for first in range(0, len(strings), self.block_size):
            for cosines in self._encode(strings[first : first + self.block_size]) @ self.names.T:
                yield best_candidates(self.knowledge_base, self.entries, cosines, self.top_k)

    def _encode(self, strings: list[str]) -> np.ndarray:
        """Vectors of length 1: float32 [strings, dimension]."""
        vectors = self.encoder.encode(
            strings, batch_size=self.batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def _load(model: str) -> Any:
    try:
        from huggingface_hub import file_exists
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    except ImportError as error:
        raise ImportError("the predictor dense needs: pip install 'angel-hf[dense]'") from error
    is_directory = Path(model).is_dir()
    own = (Path(model) / "modules.json").is_file() if is_directory else file_exists(model, "modules.json")
    if own:
        return SentenceTransformer(model, device="cpu")
    encoder = Transformer(model)
    pooling = Pooling(encoder.get_embedding_dimension(), pooling_mode="cls")
    return SentenceTransformer(modules=[encoder, pooling], device="cpu")
