"""BART as it is trained: a source that has several targets is read once."""

from __future__ import annotations

import functools
from typing import Any

import torch
from transformers import BartForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from angel_hf.model import angel_bart


class AngelBart(angel_bart.AngelBart):
    """The model's BART, whose batches may hold several targets for each source."""

    @functools.wraps(BartForConditionalGeneration.forward)
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """As BART's; with `n` times as many targets as sources, each run of targets has all sources, read once.

        Args:
            args: positional arguments of BART's; all others are for keywords only.
            kwargs: keyword arguments of BART's: `input_ids` and `attention_mask` [sources, length] with
                `decoder_input_ids` [n * sources, length].

        Raises:
            ValueError: the number of targets is no multiple of that of sources.
        """
        sources, targets = kwargs.get("input_ids"), kwargs.get("decoder_input_ids")
        read = kwargs.get("encoder_outputs") is not None
        if not read and sources is not None and targets is not None and len(sources) != len(targets):
            kwargs |= self._read_once(sources, kwargs.get("attention_mask"), len(targets))
        return super().forward(*args, **kwargs)

    def _read_once(self, sources: torch.Tensor, mask: torch.Tensor | None, targets: int) -> dict[str, Any]:
        """What takes the place of `sources`: their hidden states and mask, again for each run of targets."""
        if targets % len(sources):
            raise ValueError(f"{targets} targets for {len(sources)} sources; expected as many, or a multiple")
        runs = targets // len(sources)
        states = self.get_encoder()(input_ids=sources, attention_mask=mask).last_hidden_state
        return {
            "input_ids": None,
            "encoder_outputs": BaseModelOutput(last_hidden_state=states.repeat(runs, 1, 1)),
            "attention_mask": None if mask is None else mask.repeat(runs, 1),
        }
