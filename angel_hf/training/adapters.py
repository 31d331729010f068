"""Low-rank adapters, and the weights of models with them or without on disk."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, TypeAlias

from peft import LoraConfig, PeftModel, TaskType, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import BartForConditionalGeneration, PreTrainedModel, set_seed

from angel_hf.training.recipe import Adapter

AnyModel: TypeAlias = PreTrainedModel | PeftModel


def with_adapter(model: PreTrainedModel, adapter: Adapter, base: Path, seed: int) -> PeftModel:
    """The model with new adapters, of which alone it trains; they change nothing yet.

    Args:
        model: a BART.
        adapter: which.
        base: directory of the model, which the saved adapter names as its base.
        seed: of the adapters' random halves.
    """
    config = LoraConfig(
        task_type=TaskType.SEQ_2_SEQ_LM,
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=0.0,
        target_modules=list(adapter.target_modules),
    )
    model.name_or_path = str(base)
    set_seed(seed)
    return get_peft_model(model, config)


def merged(model: AnyModel) -> BartForConditionalGeneration:
    """A plain BART that computes what the model does: a copy with the adapters worked into its weights, or itself."""
    if not isinstance(model, PeftModel):
        return model
    return copy.deepcopy(model).merge_and_unload()


def save_weights(model: AnyModel, path: Path) -> None:
    """Write what `load_weights` reads: the adapters of a model that has any, else all weights."""
    if isinstance(model, PeftModel):
        # Nothing but adapters: PEFT would otherwise ask the Hub whether the vocabulary has grown.
        model.save_pretrained(str(path), save_embedding_layers=False)
    else:
        model.save_pretrained(path)


def load_weights(model: AnyModel, path: Path) -> None:
    """Give a model the weights, or the adapters, that one like it wrote.

    Raises:
        ValueError: the directory's weights are of another model.
    """
    result: Any
    if isinstance(model, PeftModel):
        result = set_peft_model_state_dict(model, load_file(path / "adapter_model.safetensors"))
        missing = [name for name in result.missing_keys if "lora_" in name]
    else:
        result = model.load_state_dict(load_file(path / "model.safetensors"), strict=False)
        # Tied weights are stored once.
        tied = set(model.state_dict()) - set(dict(model.named_parameters())) - set(dict(model.named_buffers()))
        missing = [name for name in result.missing_keys if name not in tied]
    if missing or result.unexpected_keys:
        names = ", ".join([*missing, *result.unexpected_keys][:5])
        raise ValueError(f"{path}: its weights do not fit the model ({names}); remove it to train this stage again")
