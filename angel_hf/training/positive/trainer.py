"""Training on right names: the collator of the decoder's sequence and the trainer with its weighted loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, Seq2SeqTrainer, Seq2SeqTrainingArguments

from angel_hf.training.recipes.schema import PositiveTraining
from angel_hf.training.stage.trainer import Progress, run_trainer, trainer_arguments


class PairCollator:
    """Pads encoded pairs into a batch; the decoder's sequence is start token, prefix, target.

    Args:
        pad_token_id: fills short rows of the encoder's and decoder's inputs.
        decoder_start_token_id: first token of the decoder's input.
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
    """Seq2SeqTrainer whose loss weighs prefix and target tokens; its batches come from `PairCollator`.

    The loss of an update is the weighted mean over all its tokens, whatever their batch or process: 2 processes with 2
    accumulated batches of 4 pairs make the same update as one batch of 16.

    Give it `train_sampling_strategy="sequential"` and a dataset in training order (length-grouped, easier pairs
    first): a resumed run then gets the same batches as an unbroken one.
    """

    # `compute_loss` divides by the weights of the whole update; the trainer must not divide by the batches again.
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
            # Processes average their gradients; this makes it their sum.
            loss = loss * weights.sum() * self.accelerator.num_processes / num_items_in_batch
        return (loss, {"loss": loss}) if return_outputs else loss


def train_positive(
    stage: str,
    model: PreTrainedModel,
    dataset: Dataset,
    development: Dataset | None,
    checkpoints: Path,
    optimization: PositiveTraining,
    seed: int,
) -> None:
    """Train a model in place on rows in their order, resuming from the stage's last checkpoint if there is one.

    Args:
        stage: its name in log lines.
        model: any BART, with adapters or without.
        dataset: from `encode_pairs`; repeated if it has fewer rows than the steps need.
        development: rows whose loss is logged at each checkpoint.
        checkpoints: their directory; the last two are kept.
        optimization: how the weights change.
        seed: of dropout.
    """
    arguments = trainer_arguments(optimization, seed) | {
        "label_smoothing_factor": optimization.label_smoothing,
        "eval_strategy": "no" if development is None else "steps",
        "eval_steps": optimization.save_steps,
        "per_device_eval_batch_size": 64,
    }
    config = model.config
    trainer = PositiveTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(output_dir=str(checkpoints), **arguments),
        train_dataset=dataset,
        eval_dataset=development,
        data_collator=PairCollator(config.pad_token_id, config.decoder_start_token_id, optimization.prefix_weight),
        callbacks=[Progress(stage)],
    )
    run_trainer(trainer, checkpoints)
