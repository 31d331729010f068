"""Trie-constrained generation for any BART, from a repository: `generate(custom_generate="org/angel-...")`.

The file stands alone: a repository keeps a copy as `custom_generate/generate.py`, apart from the other code, which it
asks for by name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from transformers import BartForConditionalGeneration
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.utils import cached_file

_HUB_ARGUMENTS = ("token", "cache_dir", "local_files_only")
_CONSTRAINED: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def generate(*inputs: torch.Tensor, model: Any, **options: Any) -> Any:
    """Generate names of the repository's trie; the arguments are those of `AngelForEntityLinking.generate`.

    Args:
        inputs: int64 [batch, source length], if not given as `input_ids`.
        model: a BART with the repository's tokenizer. A model of the repository itself keeps its own trie.
        options: `input_ids`, `attention_mask`, `num_beams`, ..., and `token`, `cache_dir`, `local_files_only`.

    Returns:
        int64 [batch * num_return_sequences, longest]: decoder start, prefix, name, end token, padding.

    Raises:
        ValueError: the model is no BART of the repository's vocabulary, or the repository has no trie.
    """
    options.pop("revision", None)  # it says where this file is from, which is found out below
    hub = {name: options.pop(name) for name in _HUB_ARGUMENTS if name in options}
    # transformers hands on every argument that its own `generate` has, given or not.
    options = {name: value for name, value in options.items() if value is not None}
    source = inputs[0] if inputs else options.pop("inputs", None)
    if source is not None:
        options["input_ids"] = source
    if not hasattr(model, "trie"):
        if model not in _CONSTRAINED:
            _CONSTRAINED[model] = _constrained(model, *_own_repository(Path(__file__)), hub)
        constrained = _CONSTRAINED[model]
        # The parts that the model has now: it may have moved, or been put to training.
        for part in ("model", "lm_head", "final_logits_bias", "training"):
            setattr(constrained, part, getattr(model, part))
        model = constrained
    return type(model).generate(model, **options)


def _constrained(model: Any, repository: str, commit: str, hub: dict[str, Any]) -> Any:
    """A model of the same shape without parameters, under the repository's trie."""
    if not isinstance(model, BartForConditionalGeneration):
        raise ValueError(f"{repository} constrains BartForConditionalGeneration, got {type(model).__name__}")
    hub = hub | {"revision": commit}
    values = json.loads(Path(cached_file(repository, "config.json", **hub)).read_text(encoding="utf-8"))
    if values["vocab_size"] != model.config.vocab_size:
        raise ValueError(
            f"the model has {model.config.vocab_size:,} tokens and the names of {repository} were made with "
            f"{values['vocab_size']:,}; expected a model with the tokenizer of the repository"
        )
    trie_file = cached_file(repository, "trie.safetensors", _raise_exceptions_for_missing_entries=False, **hub)
    if trie_file is None:
        raise ValueError(f"{repository} has no trie.safetensors; expected a repository with its knowledge base")
    angel = get_class_from_dynamic_module("angel_code/model_modeling_angel.AngelForEntityLinking", repository, **hub)
    trie = get_class_from_dynamic_module("angel_code/trie_stored_trie.StoredTrie", repository, **hub)
    own = model.config.to_dict() | {"prefix_end_token_id": values["prefix_end_token_id"], "forced_eos_token_id": None}
    own.pop("model_type")
    with torch.device("meta"):
        constrained = angel(angel.config_class.from_dict(own))
    constrained.trie, _ = trie.load(trie_file)
    return constrained


def _own_repository(file: Path) -> tuple[str, str]:
    """Repository and commit that transformers fetched a file from, which is where it put the file.

    Raises:
        ValueError: the file is from a local folder, whose place is not known here.
    """
    parts = file.parts
    below = parts[parts.index("transformers_modules") + 1 :] if "transformers_modules" in parts else ()
    if len(below) != 5:
        raise ValueError(
            "custom_generate works from a repository on the Hub; for a local folder load the model itself with "
            "AutoModelForSeq2SeqLM.from_pretrained(folder, trust_remote_code=True)"
        )
    owner, name, commit, *_ = (part.replace("_dot_", ".").replace("_hyphen_", "-") for part in below)
    # A name that starts with a digit was given an underscore.
    return "/".join(re.sub(r"^_(?=\d)", "", part) for part in (owner, name)), commit
