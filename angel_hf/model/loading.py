"""From a checkpoint of any kind to a whole model: weights, processor, confidence, names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE
from angel_hf.model.checkpoint import Adapter, Checkpoint
from angel_hf.model.saved_names import load_names, own_names
from angel_hf.model.weights import (
    check_weights,
    other_shapes_refused,
    pickles_refused,
    refuse_missing,
    refuse_non_finite,
    with_adapter,
)
from angel_hf.ranking.confidence import CONFIDENCE_FILE, Confidence
from angel_hf.ranking.memory import MEMORY_FILE
from angel_hf.ranking.ranking import RANKING_FILE, Ranking
from angel_hf.ranking.subwords import ENCODER_FILE
from angel_hf.trie.stored_trie import TRIE_FILE

NAME_FILES = {KNOWLEDGE_BASE_FILE, TRIE_FILE}
"""Where a saved model keeps its names."""


@dataclass(frozen=True, slots=True)
class GivenNames:
    """What a user gives in place of a checkpoint's own; see `AngelForEntityLinking.from_pretrained`."""

    knowledge_base: KnowledgeBase | str | Path | None = None
    tokenizer: PreTrainedTokenizerBase | str | Path | None = None
    rebuild_trie: bool = False


def load(
    load_weights: Callable[..., Any],
    path: str | Path,
    model_args: tuple[Any, ...],
    revision: str | None,
    names: GivenNames,
    kwargs: dict[str, Any],
) -> Any:
    """Load a model; see `AngelForEntityLinking.from_pretrained`.

    Args:
        load_weights: transformers' own `from_pretrained` of the class.
        path, revision: of the checkpoint.
        names: given in place of the checkpoint's.
        model_args, kwargs: for transformers.

    Returns:
        The model, or with `output_loading_info` the model and transformers' information.
    """
    given_adapter = kwargs.pop("adapter_kwargs", None) or {}
    if "_adapter_model_path" in given_adapter:
        # An Auto class found an adapter and went to its base, but not to the revision that the adapter names.
        path, revision = given_adapter["_adapter_model_path"], given_adapter.get("revision")
    checkpoint = Checkpoint(path, revision, kwargs)
    if (adapter := checkpoint.adapter()) is not None:
        kwargs.pop("config", None)  # of the base's newest revision, where an Auto class gave it
        _refuse_adapter_of_adapter(checkpoint, adapter, kwargs)
        model = load(load_weights, adapter.base, model_args, adapter.revision, names, kwargs)
        with pickles_refused(checkpoint.path), other_shapes_refused(checkpoint.path):
            return with_adapter(model, checkpoint)
    config = kwargs.pop("config", None) or checkpoint.config()
    whole = checkpoint.companion(config)
    if whole is not checkpoint:
        config = whole.config()
    check_weights(checkpoint, config)
    # `torch_dtype` is the former name of `dtype`, which transformers still takes.
    default = {} if "torch_dtype" in kwargs else {"dtype": torch.float32}
    kwargs = default | kwargs | {"config": config, "revision": checkpoint.hub["revision"]}
    returns_info = kwargs.pop("output_loading_info", False)
    with pickles_refused(checkpoint.path), other_shapes_refused(checkpoint.path):
        model, info = load_weights(checkpoint.path, *model_args, output_loading_info=True, **kwargs)
    refuse_missing(checkpoint.path, info["missing_keys"])
    refuse_non_finite(checkpoint.path, model)
    processor = whole.processor(names.tokenizer, config.max_position_embeddings)
    try:
        model.set_processor(processor)
    except ValueError as error:
        raise ValueError(f"{whole.path}: {error}") from None
    if (stored := checkpoint.file(CONFIDENCE_FILE)) is not None:
        model.confidence = Confidence.load(stored)
    if (stored := checkpoint.file(RANKING_FILE)) is not None:
        missing = "fetch it again with force_download=True, or fit the ranking again with angel_hf.training.ranking"
        model.ranking = Ranking.load(stored, checkpoint.required(MEMORY_FILE, missing), checkpoint.file(ENCODER_FILE))
    _attach_names(model, whole, names)
    return (model, info) if returns_info else model


def _refuse_adapter_of_adapter(checkpoint: Checkpoint, adapter: Adapter, kwargs: dict[str, Any]) -> None:
    if (other := Checkpoint(adapter.base, adapter.revision, kwargs).adapter()) is not None:
        raise ValueError(
            f"{checkpoint.path}: changes {adapter.base}, which is an adapter itself, of {other.base}; expected "
            "the adapter of a whole model"
        )


def _attach_names(model: Any, checkpoint: Checkpoint, given: GivenNames) -> None:
    """The knowledge base and trie: those that were given, or else the checkpoint's."""
    knowledge_base = given.knowledge_base
    if isinstance(knowledge_base, (str, Path)):
        knowledge_base = KnowledgeBase.from_file(knowledge_base)
    if knowledge_base is not None:
        model.set_knowledge_base(own_names(checkpoint, knowledge_base))
        return
    stored = load_names(checkpoint, model.config, model.processor.fingerprint, given.rebuild_trie)
    if stored is None:
        return
    if stored.trie is None:
        model.set_knowledge_base(stored.knowledge_base)
    else:
        model.knowledge_base, model.trie = stored.knowledge_base, stored.trie
