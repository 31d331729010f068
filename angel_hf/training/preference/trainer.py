"""Preference optimisation (DPO) of an encoder-decoder.

TRL's own trainer no longer supports encoder-decoders. This module takes TRL's configuration and its definition of the
losses and leaves the rest to transformers' trainer, through public interfaces only: a subclass of TRL's trainer would
depend on a dozen private names, some of which change their meaning between versions without an error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets import Dataset
from peft import PeftModel
from torch import Tensor, nn
from transformers import PreTrainedModel, Trainer

from angel_hf.training.preference.batches import PreferenceCollator, chosen_only, name_log_probabilities
from angel_hf.training.preference.loss import PairScores, check_trl, preference_loss
from angel_hf.training.recipes.schema import Preference
from angel_hf.training.stage.trainer import Progress, run_trainer, trainer_arguments

if TYPE_CHECKING:
    from trl import DPOConfig


class PreferenceTrainer(Trainer):
    """Trainer of a preference loss; its batches come from PreferenceCollator, and `args` is TRL's DPOConfig.

    Args:
        preference: method, and whether sums or means are compared.
    """

    # The loss is the mean over a batch's pairs, whose number is the same in every batch of every process. The
    # likelihood is a mean over tokens, whose number varies; as in TRL, batches count equally all the same.
    loss_is_scaled_for_ga = False

    def __init__(self, preference: Preference, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.preference = preference

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
        references = inputs["reference_chosen"], inputs["reference_rejected"]
        scores = PairScores(chosen, rejected, *references, *tokens.float().chunk(2))
        args = self.args
        normalized = self.preference.length_normalized
        loss = preference_loss(scores, args.loss_type, args.loss_weights, args.beta, normalized)
        return (loss, {"loss": loss}) if return_outputs else loss


def train_preference(
    stage: str,
    model: PreTrainedModel | PeftModel,
    dataset: Dataset,
    checkpoints: Path,
    preference: Preference,
    seed: int,
) -> None:
    """Train a model in place on preference pairs in their order, resuming from the stage's last checkpoint, if any.

    Args:
        stage: its name in log lines.
        model: a BART, with adapters or without; its dropout is off while it trains here.
        dataset: rows for PreferenceCollator; for the method "preference" with REFERENCE_COLUMNS.
        checkpoints: their directory; the last two are kept.
        preference: how to train.
        seed: of the trainer.

    Raises:
        ImportError: TRL is missing or of another version than the options are taken from.
    """
    with dropout_off(model):
        trainer = PreferenceTrainer(
            preference,
            model=model,
            args=dpo_config(preference, checkpoints, seed),
            train_dataset=dataset,
            data_collator=PreferenceCollator(model.config.pad_token_id, model.config.decoder_start_token_id),
            callbacks=[Progress(stage)],
        )
        run_trainer(trainer, checkpoints)


def dpo_config(preference: Preference, checkpoints: Path, seed: int) -> DPOConfig:
    """TRL's options of a stage.

    Raises:
        ImportError: TRL is missing or of another version.
    """
    check_trl()
    # Not at the top: TRL needs Python 3.11, and positive training does without it.
    from trl import DPOConfig

    # transformers before 5.23 has only the older name, deprecated since. TRL recomputes activations by default.
    known = {field.name for field in dataclasses.fields(DPOConfig)}
    recomputing = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    options: dict[str, Any] = {recomputing: False, **trainer_arguments(preference, seed)}
    return DPOConfig(
        output_dir=str(checkpoints),
        beta=preference.beta,
        loss_type=list(preference.loss),
        loss_weights=list(preference.loss_weights) or [1.0] * len(preference.loss),
        precompute_ref_log_probs=True,
        **options,
    )


@contextmanager
def dropout_off(model: nn.Module) -> Iterator[None]:
    """Turn dropout off in any mode, so that policy and reference are the same network, and restore it afterwards.

    BART's dropout is functional, with rates that its modules hold as numbers; TRL's `disable_dropout`, meant for
    `nn.Dropout` modules, misses them.
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
