"""Configuration of the linking model: BART's, and the ids that the search needs."""

from __future__ import annotations

from huggingface_hub.dataclasses import strict
from transformers import BartConfig


@strict
class AngelConfig(BartConfig):
    """BART's configuration with what ties a model to its prefix.

    How text becomes ids (markers, prefix template, normalisation) is the processor's to know and is
    saved with it; the model and the search see ids only.

    Args:
        prefix_end_token_id: the last token of every decoder prefix, after which the target starts
            (" is" in the published prefix "<mention> is"); set from the tokenizer when a processor
            is attached to the model.
    """

    model_type = "angel"

    prefix_end_token_id: int | None = None
    # BART forces an end token at the last position; here a target ends where its name does.
    forced_eos_token_id: int | list[int] | None = None
