"""Preference optimisation (DPO and its kin) of an encoder-decoder.

TRL's own trainer has no encoder-decoder models any more. Its configuration and its losses are taken here, and
transformers' trainer does the rest, through public interfaces only; a subclass of TRL's trainer would rest on a
dozen private names, some of which change their meaning between versions without an error.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from datasets import Dataset
from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedModel, Trainer
from trl import DPOConfig

from angel_hf.training.encoding import costs
from angel_hf.training.positive import PairCollator
from angel_hf.training.preference_loss import PairScores, check_trl, preference_loss
from angel_hf.training.recipe import Preference
from angel_hf.training.stages import Progress, run_trainer, trainer_arguments

REFERENCE_COLUMNS = ("reference_chosen", "reference_rejected")


class PreferenceCollator:
    """Pads encoded preference pairs into one batch: all sources, and the chosen names before the rejected ones."""

    def __init__(self, pad_token_id: int, decoder_start_token_id: int) -> None:
        self.collate = PairCollator(pad_token_id, decoder_start_token_id, prefix_weight=0.0)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """A batch of rows `input_ids`, `prefix_ids`, `chosen_ids`, `rejected_ids` (lists of ids, names with end token).

        Returns:
            what PairCollator gives, with [pairs] sources and [2 * pairs] targets, and float32 `reference_chosen`,
            `reference_rejected` [pairs] where the rows have them.
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
        model: an AngelBart, with adapters or without.
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
    # Of the counted positions only: the vocabulary is large and the prefix is not asked for.
    chosen = logits[counted].log_softmax(-1).gather(1, batch["labels"][counted][:, None])[:, 0]
    sums = torch.zeros(len(counted), dtype=chosen.dtype, device=chosen.device)
    return sums.index_add(0, counted.nonzero()[:, 0], chosen), counted.sum(1)


class PreferenceTrainer(Trainer):
    """Trainer of a preference loss, to be fed by PreferenceCollator; `args` is TRL's DPOConfig.

    Args:
        preference: which loss, over sums or means, and what the reference is.
        reference: the frozen model where the recipe says "copy".
    """

    # The loss is the mean over a batch's pairs, whose number is the same in every batch of every process. Likelihood is
    # a mean over tokens, of which a batch has its own number; batches count alike whatever that is, as in TRL.
    loss_is_scaled_for_ga = False

    def __init__(self, preference: Preference, reference: nn.Module | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.preference = preference
        self.reference = reference

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch; with `return_outputs` also `{"loss": loss}`."""
        if self.preference.method == "likelihood":
            sums, tokens = name_log_probabilities(model, chosen_only(inputs))
            loss = -sums.float().sum() / tokens.sum()
            return (loss, {"loss": loss}) if return_outputs else loss
        sums, tokens = name_log_probabilities(model, inputs)
        chosen, rejected = sums.float().chunk(2)
        reference_chosen, reference_rejected = self._reference(inputs)
        scores = PairScores(chosen, rejected, reference_chosen, reference_rejected, *tokens.float().chunk(2))
        args = self.args
        loss = preference_loss(
            scores,
            args.loss_type,
            args.loss_weights,
            args.beta,
            args.label_smoothing,
            self.preference.length_normalized,
        )
        return (loss, {"loss": loss}) if return_outputs else loss

    def _reference(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        if self.preference.reference == "precomputed":
            return inputs["reference_chosen"], inputs["reference_rejected"]
        model, adapters_off = self.reference, nullcontext()
        if model is None:
            model = self.accelerator.unwrap_model(self.model)
            adapters_off = model.disable_adapter()
        with torch.no_grad(), adapters_off, self.compute_loss_context_manager():
            chosen, rejected = name_log_probabilities(model, inputs)[0].float().chunk(2)
        return chosen, rejected


def train_preference(
    stage: str,
    model: PreTrainedModel | PeftModel,
    dataset: Dataset,
    checkpoints: Path,
    preference: Preference,
    seed: int,
) -> None:
    """Train a model in place on preference pairs in their order, from the stage's last checkpoint if there is one.

    Args:
        stage: name shown in the progress.
        model: a BART, with adapters or without; it has no dropout while it trains here.
        dataset: rows for PreferenceCollator, with the reference's log-probabilities where they are precomputed.
        checkpoints: directory for them; the last two are kept.
        preference: how to train.
        seed: of the trainer.

    Raises:
        ImportError: TRL is of another version than the options are taken from.
        ValueError: the reference is not to be had.
    """
    if preference.reference == "adapters-off" and not isinstance(model, PeftModel):
        raise ValueError("the reference is the model with its adapters off, but the model has none")
    with dropout_off(model):
        reference = None
        if preference.method == "preference" and preference.reference == "copy":
            reference = frozen_copy(model)
        trainer = PreferenceTrainer(
            preference,
            reference,
            model=model,
            args=dpo_config(preference, checkpoints, seed),
            train_dataset=dataset,
            data_collator=PreferenceCollator(model.config.pad_token_id, model.config.decoder_start_token_id),
            callbacks=[Progress(stage)],
        )
        run_trainer(trainer, checkpoints)


# transformers before 5.23 has only the older name, which is deprecated since; TRL's default is to compute twice.
_OPTIONS = {field.name for field in dataclasses.fields(DPOConfig)}
_KEEPING_ACTIVATIONS: dict[str, Any] = {
    "activation_checkpointing" if "activation_checkpointing" in _OPTIONS else "gradient_checkpointing": False
}


def dpo_config(preference: Preference, checkpoints: Path, seed: int) -> DPOConfig:
    """TRL's options of a stage.

    Raises:
        ImportError: TRL is of another version.
    """
    check_trl()
    return DPOConfig(
        output_dir=str(checkpoints),
        beta=preference.beta,
        loss_type=list(preference.loss),
        loss_weights=list(preference.loss_weights) or [1.0] * len(preference.loss),
        label_smoothing=preference.loss_smoothing,
        precompute_ref_log_probs=preference.reference == "precomputed",
        **_KEEPING_ACTIVATIONS,
        **trainer_arguments(preference, seed),
    )


def with_reference(
    model: nn.Module, rows: Dataset, collator: PreferenceCollator, bf16: bool = False, batch_size: int = 64
) -> Dataset:
    """The rows with REFERENCE_COLUMNS: log-probabilities of their names under the model as it is now.

    Processes share the work, and each gets the whole result. `bf16` is to be what training computes in, so that
    rounding does not look like a preference.
    """
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    # Rows of like length go together, since what fills up a batch costs as much as a name.
    state = PartialState()
    own = costs(rows).argsort(kind="stable").tolist()[state.process_index :: state.num_processes]
    found: list[tuple[int, float, float]] = []
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for first in range(0, len(own), batch_size):
            places = own[first : first + batch_size]
            batch = collator(rows.select(places).to_list())
            sums, _ = name_log_probabilities(model, {name: tensor.to(device) for name, tensor in batch.items()})
            found += zip(places, *(side.tolist() for side in sums.float().chunk(2)), strict=True)
    model.train(training)
    _, *columns = zip(*sorted(gather_object(found)), strict=True)
    for column, values in zip(REFERENCE_COLUMNS, columns, strict=True):
        rows = rows.add_column(column, list(values))
    return rows


@contextmanager
def dropout_off(model: nn.Module) -> Iterator[None]:
    """No dropout in any mode: policy and reference have to see the same network. Later training has its own again.

    BART's dropout is a call with a rate that the modules keep as a number, which TRL's `disable_dropout`, meant for
    `nn.Dropout` modules, does not reach.
    """
    rates = [
        (module, name, getattr(module, name))
        for module in model.modules()
        for name in ("dropout", "attention_dropout", "activation_dropout", "layerdrop", "p")
        if isinstance(getattr(module, name, None), float)
    ]
    for module, name, _ in rates:
        setattr(module, name, 0.0)
    try:
        yield
    finally:
        for module, name, rate in rates:
            setattr(module, name, rate)


def frozen_copy(model: nn.Module) -> nn.Module:
    """A copy that does not train."""
    copied = copy.deepcopy(model).eval()
    copied.requires_grad_(False)
    return copied
