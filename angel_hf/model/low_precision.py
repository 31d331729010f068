"""Weights in bfloat16 or in 8-bit integers: less exact, and faster on processors that have instructions for these."""

from __future__ import annotations

import copy
from typing import Literal, get_args

import torch
from torch import nn

from angel_hf.inference.bfloat16 import has_bfloat16
from angel_hf.inference.packed.int8_linear import Int8Blocks, Int8Linear, has_packed_products
from angel_hf.inference.packed.vocabulary_head import TOKENS_A_BLOCK
from angel_hf.model.entity_linking import AngelForEntityLinking

Precision = Literal["bfloat16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


def fast_precisions() -> tuple[Precision, ...]:
    """Those that this processor has instructions for; without them they only take longer."""
    found: tuple[Precision, ...] = ("bfloat16",) if has_bfloat16("cpu") else ()
    return (*found, "int8") if has_packed_products() else found


def in_low_precision(model: AngelForEntityLinking, precision: Precision) -> AngelForEntityLinking:
    """A view of a model with less exact weights, to link with and not to train or to save.

    Args:
        model: in float32, on a CPU; it stays as it is, and the view shares its names, trie and processor.
        precision: "bfloat16" for all of the model, as `from_pretrained(..., dtype=torch.bfloat16)` loads it; "int8" for
            all linear layers, with the projection to the vocabulary, the rest in float32. The softmax over the
            vocabulary is taken in float32 in either.

    Raises:
        ValueError: an unknown precision, or a model that is not in float32 or not on a CPU.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}; expected one of {', '.join(PRECISIONS)}")
    if (model.dtype, model.device.type) != (torch.float32, "cpu"):
        raise ValueError(f"a model of {model.dtype} on {model.device}; expected one in float32 on a CPU")
    names = (model.processor, model.knowledge_base, model.trie, model.confidence, model.ranking)
    if precision == "bfloat16":
        return copy.deepcopy(model, {id(one): one for one in names}).to(torch.bfloat16)
    # Weights that are replaced need no copy; what stays, such as embeddings, is the view's own: either may change.
    own = {id(weight) for one in model.modules() if type(one) is not nn.Linear for weight in one.parameters(False)}
    replaced = (one for one in model.parameters() if id(one) not in own)
    view = copy.deepcopy(model, {id(one): one for one in (*names, *replaced)})
    for stack in (view.model.encoder, view.model.decoder):
        for module in list(stack.modules()):
            for name, layer in list(module.named_children()):
                if type(layer) is nn.Linear:  # an adapter's stays as it is
                    setattr(module, name, Int8Linear(layer))
    if type(view.lm_head) is nn.Linear:
        view.lm_head = Int8Blocks(view.lm_head, TOKENS_A_BLOCK)
    return view
