"""Batches of preference pairs, and the log-probabilities of their names under a model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from angel_hf.training.positive.trainer import PairCollator

REFERENCE_COLUMNS = ("reference_chosen", "reference_rejected")
"""Log-probabilities of a row's names under the reference."""


class PreferenceCollator:
    """Pads encoded preference pairs into one batch: all sources, and the chosen names before the rejected ones.

    Args:
        pad_token_id: fills short rows of the encoder's and decoder's inputs.
        decoder_start_token_id: first token of the decoder's input.
    """

    def __init__(self, pad_token_id: int, decoder_start_token_id: int) -> None:
        self.collate = PairCollator(pad_token_id, decoder_start_token_id, prefix_weight=0.0)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch of rows `input_ids`, `prefix_ids`, `chosen_ids`, `rejected_ids` (lists of ids, names with end token).

        Returns:
            the tensors of PairCollator, with [pairs] sources and [2 * pairs] targets; and float32 `reference_chosen`,
            `reference_rejected` [pairs] if the rows have them.
        """
        sides = [{**row, "target_ids": row[side]} for side in ("chosen_ids", "rejected_ids") for row in rows]
        batch = self.collate(sides)
        for source in ("input_ids", "attention_mask"):
            batch[source] = batch[source][: len(rows)]
        for column in REFERENCE_COLUMNS:
            if column in rows[0]:
                batch[column] = torch.tensor([row[column] for row in rows], dtype=torch.float32)
        return batch


def chosen_only(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """A batch from PreferenceCollator without the rejected names."""
    return {name: tensor[: len(batch["input_ids"])] for name, tensor in batch.items()}


def name_log_probabilities(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Log-probability of each target's name given source and prefix, and its number of tokens.

    Args:
        model: an AngelBart, with adapters or without; it reads each source once for both names.
        batch: from PreferenceCollator.

    Returns:
        float sums over the name's tokens, end token included, and int64 numbers of tokens; both [targets].
    """
    logits = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=batch["decoder_input_ids"],
        use_cache=False,
    ).logits
    counted = batch["label_weights"] > 0
    # Of the counted positions only: the vocabulary is large, and the prefix does not count.
    chosen = logits[counted].log_softmax(-1).gather(1, batch["labels"][counted][:, None])[:, 0]
    sums = torch.zeros(len(counted), dtype=chosen.dtype, device=chosen.device)
    return sums.index_add(0, counted.nonzero()[:, 0], chosen), counted.sum(1)
