"""Low-rank adapters, and saving and loading the weights of models with and without them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, TypeAlias

from peft import LoraConfig, PeftModel, TaskType, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import BartForConditionalGeneration, PreTrainedModel, set_seed

from angel_hf.training.recipes.schema import Adapter

AnyModel: TypeAlias = PreTrainedModel | PeftModel

TARGET_MODULES = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""The linear layers that get adapters, by the end of their names."""


def with_adapter(model: PreTrainedModel, adapter: Adapter, base: Path, seed: int) -> PeftModel:
    """The model with new adapters, the only weights that train; they change nothing yet.

    Args:
        model: a BART.
        adapter: their rank and scale.
        base: directory that the saved adapter names as its base model.
        seed: of the adapters' random halves.
    """
    config = LoraConfig(
        task_type=TaskType.SEQ_2_SEQ_LM,
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=0.0,
        target_modules=list(TARGET_MODULES),
    )
    model.name_or_path = str(base)
    set_seed(seed)
    return get_peft_model(model, config)


def merged(model: AnyModel) -> BartForConditionalGeneration:
    """A plain BART that computes the same: a copy with the adapters merged into its weights, or the model itself."""
    if not isinstance(model, PeftModel):
        return model
    return copy.deepcopy(model).merge_and_unload()


def save_weights(model: AnyModel, path: Path) -> None:
    """Write the adapters of a model that has any, else all weights; `load_weights` reads them."""
    if isinstance(model, PeftModel):
        # Without the embeddings: PEFT would ask the Hub whether the vocabulary has grown.
        model.save_pretrained(str(path), save_embedding_layers=False)
    else:
        model.save_pretrained(path)


def load_weights(model: AnyModel, path: Path) -> None:
    """Load weights or adapters that `save_weights` wrote.

    Raises:
        ValueError: the weights in the directory do not fit the model.
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
