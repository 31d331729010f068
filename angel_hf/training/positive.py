"""Training on right names: the collator that builds the decoder's stream and the trainer that weighs its loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import Seq2SeqTrainer


class PairCollator:
    """Pads encoded pairs into a batch whose decoder stream is start, prefix, target.

    Args:
        pad_token_id: id that fills short rows of the encoder's and decoder's inputs.
        decoder_start_token_id: id that the decoder's input starts with.
        prefix_weight: weight of a prefix token in the loss; a target token weighs 1.

    """

    def __init__(self, pad_token_id: int, decoder_start_token_id: int, prefix_weight: float = 0.5) -> None:
        self.pad_token_id = pad_token_id
        self.decoder_start_token_id = decoder_start_token_id
        self.prefix_weight = prefix_weight

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch of rows `input_ids`, `prefix_ids`, `target_ids` (lists of ids, the target with its end token).

        Returns:
            int64 `input_ids`, `attention_mask` [batch, source], `decoder_input_ids`, `labels` [batch, prefix + target]
            and float32 `label_weights` of the labels' shape, 0 on padding.
        """
        sources = [row["input_ids"] for row in rows]
        labels = [row["prefix_ids"] + row["target_ids"] for row in rows]
        shifted = [[self.decoder_start_token_id, *label[:-1]] for label in labels]
        weights = [[self.prefix_weight] * len(row["prefix_ids"]) + [1.0] * len(row["target_ids"]) for row in rows]
        return {
            "input_ids": _pad(sources, self.pad_token_id, torch.int64),
            "attention_mask": _pad([[1] * len(source) for source in sources], 0, torch.int64),
            "decoder_input_ids": _pad(shifted, self.pad_token_id, torch.int64),
            "labels": _pad(labels, self.pad_token_id, torch.int64),
            "label_weights": _pad(weights, 0.0, torch.float32),
        }


def _pad(rows: list[list[Any]], value: float, dtype: torch.dtype) -> Tensor:
    """Right-pad lists to one length, [rows, longest]."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows], dtype=dtype)


def weighted_loss(logits: Tensor, labels: Tensor, weights: Tensor, label_smoothing: float) -> Tensor:
    """Weighted mean of the label-smoothed negative log-likelihood, a scalar.

    Args:
        logits: [tokens, vocabulary] float.
        labels: [tokens] int64.
        weights: [tokens] float, not all zero.
        label_smoothing: share of the probability spread evenly over the vocabulary.
    """
    losses = cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)
    return (losses * weights).sum() / weights.sum()


class PositiveTrainer(Seq2SeqTrainer):
    """Seq2SeqTrainer whose loss weighs prefix and target tokens, to be fed by `PairCollator`.

    The loss of an update is the weighted mean over all its tokens, in whichever batches and processes they are: an
    update of 2 processes of 2 accumulated batches of 4 pairs is that of one batch of 16.

    Give it `train_sampling_strategy="sequential"` and a dataset in training order (length-grouped, easier
    pairs first): a resumed run then meets exactly the batches that an unbroken one would.
    """

    # `compute_loss` divides by the weights of the whole update, so the trainer must not divide by the batches again.
    loss_is_scaled_for_ga = True

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Tensor | None]:
        """The batches of an update, and the sum of their label weights over all processes."""
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        if not batches:
            return batches, None
        total = torch.stack([batch["label_weights"].sum() for batch in batches]).sum().to(device)
        return batches, self.accelerator.gather(total).sum()

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """The weighted loss of a batch; with `return_outputs` also `{"loss": loss}` for the evaluation loop."""
        labels, weights = inputs["labels"], inputs["label_weights"]
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            decoder_input_ids=inputs["decoder_input_ids"],
            use_cache=False,
        )
        counted = weights > 0
        loss = weighted_loss(
            outputs.logits[counted], labels[counted], weights[counted], self.args.label_smoothing_factor
        )
        if model.training and num_items_in_batch is not None:
            # Processes average their gradients, which are to be added up here.
            loss = loss * weights.sum() * self.accelerator.num_processes / num_items_in_batch
        return (loss, {"loss": loss}) if return_outputs else loss
