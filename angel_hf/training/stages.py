"""A stage of training that can be stopped at any time: its data, its checkpoints and its result on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import Dataset, load_from_disk
from transformers import (
    BartForConditionalGeneration,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)
from transformers.trainer_utils import get_last_checkpoint

from angel_hf.training.positive import PairCollator, PositiveTrainer

_LOG = logging.getLogger(__name__)


class Progress(TrainerCallback):
    """One logged line for each log of the trainer, from the first process."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Log the step and what the trainer measured."""
        if state.is_world_process_zero:
            values = [f"{key} {value:.4g}" for key, value in (logs or {}).items() if isinstance(value, float)]
            _LOG.info("%s: step %d of %d, %s", self.stage, state.global_step, state.max_steps, ", ".join(values))


def train_stage(
    stage: str,
    model: BartForConditionalGeneration,
    dataset: Dataset,
    development: Dataset | None,
    checkpoints: Path,
    **settings: Any,
) -> None:
    """Train a model in place on rows in their order, from the stage's last checkpoint if there is one.

    Args:
        stage: name shown in the progress.
        model: any BART.
        dataset: from `examples.encode_pairs`; one pass is made over it.
        development: rows whose loss is logged at each checkpoint.
        checkpoints: directory for them; the last two are kept.
        settings: of Seq2SeqTrainingArguments, such as rate, batch size, seed and steps between saves.
    """
    arguments = {
        "num_train_epochs": 1,
        "train_sampling_strategy": "sequential",
        "label_smoothing_factor": 0.1,
        "weight_decay": 0.01,
        "adam_beta2": 0.98,
        "max_grad_norm": 1.0,
        "optim": "adamw_torch_fused",
        "use_cpu": True,
        "eval_strategy": "no" if development is None else "steps",
        "eval_steps": settings["save_steps"],
        "per_device_eval_batch_size": 64,
        "save_total_limit": 2,
        "logging_steps": 50,
        "remove_unused_columns": False,
        "report_to": [],
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False,
    }
    trainer = PositiveTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(output_dir=str(checkpoints), **(arguments | settings)),
        train_dataset=dataset,
        eval_dataset=development,
        data_collator=PairCollator(model.config.pad_token_id, model.config.decoder_start_token_id),
        callbacks=[Progress(stage)],
    )
    trainer.remove_callback(PrinterCallback)
    last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None
    trainer.train(resume_from_checkpoint=last)


def prepared(path: Path, build: Callable[[], Dataset]) -> Dataset:
    """The dataset at a path; the first process builds and saves it where it is missing."""
    with PartialState().main_process_first():
        if not path.exists():
            partial = path.with_name(path.name + ".partial")
            build().save_to_disk(str(partial))
            partial.rename(path)
        return load_from_disk(str(path))


def save_finished(model: BartForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, path: Path) -> None:
    """Write a model directory that exists only when it is complete; the first process does it, all wait."""
    if PartialState().is_main_process:
        partial = path.with_name(path.name + ".partial")
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        partial.rename(path)
    PartialState().wait_for_everyone()
