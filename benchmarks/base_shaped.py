"""A model of BART-base's shape whose distributions are those of a small trained one: its weights, tiled.

With hidden states that repeat the small model's c times, every linear map becomes its matrix tiled c by c and divided
by c; layer norms and attention heads repeat. So, but for the layers that the small model lacks, the large one computes
what the small one does, in as many operations as BART-base needs, and its beams are as long as those of a trained
model; random weights would have flat distributions and short beams. The further layers add nothing to the stream, but
are computed all the same and normalise once more.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration

COPIES = 3
LAYERS = 6
VOCABULARY = 50_265
# Below any token that can be meant, so that softmax sees the small vocabulary only; its product is as large as any.
_NEVER = -1e4


def base_shaped_bart(reference: Path) -> BartForConditionalGeneration:
    """Tile the model at `reference` into one of width 768, 6 + 6 layers and a vocabulary of 50,265, in float32.

    Raises:
        ValueError: the model is not a third of BART-base's width, or has more layers.
    """
    small = BartForConditionalGeneration.from_pretrained(reference, dtype=torch.float32).eval()
    config = small.config
    if config.d_model * COPIES != 768 or max(config.encoder_layers, config.decoder_layers) > LAYERS:
        raise ValueError(
            f"{reference}: width {config.d_model}, {config.encoder_layers} + {config.decoder_layers} layers; expected "
            f"width {768 // COPIES} and at most {LAYERS} layers in each stack"
        )
    large = BartForConditionalGeneration(_config(config)).eval()
    state = {name: tensor.zero_() for name, tensor in large.state_dict().items()}
    for name, tensor in small.state_dict().items():
        _tile(name, tensor, state[name])
    for stack, layers in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
        for extra in range(layers, LAYERS):
            _add_layer(state, f"model.{stack}.layers.{layers - 1}.", f"model.{stack}.layers.{extra}.")
    state["final_logits_bias"][:, config.vocab_size :] = _NEVER
    return large


def _config(small: BartConfig) -> BartConfig:
    heads = COPIES * small.encoder_attention_heads
    return BartConfig.from_dict(
        small.to_dict()
        | {
            "d_model": COPIES * small.d_model,
            "vocab_size": VOCABULARY,
            "encoder_layers": LAYERS,
            "decoder_layers": LAYERS,
            "num_hidden_layers": LAYERS,
            "encoder_attention_heads": heads,
            "decoder_attention_heads": heads,
            "encoder_ffn_dim": COPIES * small.encoder_ffn_dim,
            "decoder_ffn_dim": COPIES * small.decoder_ffn_dim,
        }
    )


def _tile(name: str, small: Tensor, large: Tensor) -> None:
    """Write a tensor of the small model into the large one's, in place."""
    if name == "final_logits_bias":
        large[:, : small.shape[1]] = small
    elif small.dim() == 1:
        large.copy_(small.repeat(COPIES))
    elif "embed" in name or "shared" in name or "lm_head" in name:
        # Divided, so that the head, which is this matrix again, sums c equal products to one; what is looked up is
        # normalised at once.
        large[: small.shape[0]] = small.repeat(1, COPIES) / COPIES
    else:
        large.copy_(small.repeat(COPIES, COPIES) / COPIES)


def _add_layer(state: dict[str, Tensor], last: str, extra: str) -> None:
    """A layer that has the last one's weights and whose additions to the stream are zero."""
    for name in [name for name in state if name.startswith(last)]:
        added = name.replace(last, extra)
        state[added].copy_(state[name])
        if ".out_proj." in added or ".fc2." in added:
            state[added].zero_()
