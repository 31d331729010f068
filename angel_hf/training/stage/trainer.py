"""The options and the resuming of transformers' Trainer, the same for every stage."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from transformers import PrinterCallback, TrainerCallback

from angel_hf.inference.bfloat16 import has_bfloat16
from angel_hf.training.recipes.schema import Optimization
from angel_hf.training.stage.checkpoints import MarkWhole, last_whole_checkpoint

_LOG = logging.getLogger(__name__)


class Progress(TrainerCallback):
    """Logs one line for each log of the trainer, from the first process."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Log the step and the trainer's measurements."""
        if state.is_world_process_zero:
            values = [f"{key} {value:.4g}" for key, value in (logs or {}).items() if isinstance(value, float)]
            _LOG.info("%s: step %d of %d, %s", self.stage, state.global_step, state.max_steps, ", ".join(values))


def in_bfloat16(optimization: Optimization) -> bool:
    """Whether a stage computes in bfloat16 here: the recipe allows it and the machine gains by it."""
    return optimization.bf16 and has_bfloat16("cuda" if torch.cuda.is_available() else "cpu")


def rows_per_process(optimization: Optimization, processes: int) -> int:
    """Pairs that a process computes at once.

    Raises:
        ValueError: the batch does not divide among the processes and accumulated batches.
    """
    parts = processes * optimization.gradient_accumulation
    if optimization.batch_size % parts:
        raise ValueError(
            f"a batch of {optimization.batch_size} pairs does not divide into {processes} processes "
            f"x {optimization.gradient_accumulation} accumulated batches; expected a multiple of {parts}"
        )
    return optimization.batch_size // parts


def trainer_arguments(optimization: Optimization, seed: int) -> dict[str, Any]:
    """Options for transformers' TrainingArguments and its subclasses.

    Raises:
        ValueError: the batch does not divide among the processes and accumulated batches.
    """
    rows = rows_per_process(optimization, PartialState().num_processes)
    schedule_options = {}
    if optimization.schedule == "inverse_sqrt" and optimization.schedule_timescale is not None:
        schedule_options["timescale"] = optimization.schedule_timescale
    return {
        "seed": seed,
        "max_steps": optimization.steps,
        "per_device_train_batch_size": rows,
        "gradient_accumulation_steps": optimization.gradient_accumulation,
        "learning_rate": optimization.learning_rate,
        "lr_scheduler_type": optimization.schedule,
        "lr_scheduler_kwargs": schedule_options,
        "warmup_steps": optimization.warmup_steps,
        "weight_decay": optimization.weight_decay,
        "adam_beta2": optimization.adam_beta2,
        "max_grad_norm": optimization.max_grad_norm,
        "optim": "adamw_torch_fused",
        "bf16": in_bfloat16(optimization),
        "use_cpu": not torch.cuda.is_available(),
        "train_sampling_strategy": "sequential",
        "save_steps": optimization.save_steps,
        "save_total_limit": 2,
        "logging_steps": min(50, optimization.save_steps),
        "remove_unused_columns": False,
        "report_to": [],
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False,
    }


def run_trainer(trainer: Any, checkpoints: Path) -> None:
    """Train, resuming from the last whole checkpoint if there is one."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(MarkWhole)
    last = last_whole_checkpoint(checkpoints)
    model = trainer.model
    own_forward = vars(model).get("forward")
    try:
        trainer.train(resume_from_checkpoint=last)
    finally:
        # accelerate leaves its autocast on the model, and a later stage may compute in float32.
        vars(model).pop("forward", None)
        if own_forward is not None:
            model.forward = own_forward
