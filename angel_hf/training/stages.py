"""A stage of training that can be stopped at any time: its data, its checkpoints and its result on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset, load_from_disk
from transformers import (
    BartForConditionalGeneration,
    PreTrainedModel,
    PrinterCallback,
    Seq2SeqTrainingArguments,
    TrainerCallback,
)

from angel_hf import AngelConfig, AngelForEntityLinking, AngelProcessor, KnowledgeBase
from angel_hf.inference.bfloat16 import has_bfloat16
from angel_hf.training.checkpoints import MarkWhole, last_whole_checkpoint
from angel_hf.training.positive import PairCollator, PositiveTrainer
from angel_hf.training.recipe import Optimization, PositiveTraining

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


def in_bfloat16(optimization: Optimization) -> bool:
    """Whether a stage computes in bfloat16 here: where the recipe lets it and the machine gains by it."""
    return optimization.bf16 and has_bfloat16("cuda" if torch.cuda.is_available() else "cpu")


def rows_of_a_process(optimization: Optimization, processes: int) -> int:
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
    """What transformers' TrainingArguments, of whichever kind, are to be told.

    Raises:
        ValueError: the batch does not divide among the processes and accumulated batches.
    """
    rows = rows_of_a_process(optimization, PartialState().num_processes)
    schedule_options = {}
    if optimization.schedule == "inverse_sqrt" and optimization.schedule_timescale is not None:
        schedule_options["timescale"] = optimization.schedule_timescale
    return {
        "seed": seed,
        "max_steps": optimization.steps,
        "per_device_train_batch_size": rows,
        "gradient_accumulation_steps": optimization.gradient_accumulation,
        "learning_rate": optimization.learning_rate,
        "lr_scheduler_type": _SCHEDULES[optimization.schedule],
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


_SCHEDULES = {
    "linear": "linear",
    "polynomial": "polynomial",
    "inverse_sqrt": "inverse_sqrt",
    "constant": "constant_with_warmup",
}


def train_positive(
    stage: str,
    model: PreTrainedModel,
    dataset: Dataset,
    development: Dataset | None,
    checkpoints: Path,
    optimization: PositiveTraining,
    seed: int,
) -> None:
    """Train a model in place on rows in their order, from the stage's last checkpoint if there is one.

    Args:
        stage: name shown in the progress.
        model: any BART, with adapters or without.
        dataset: from `encoding.encode_pairs`; read again from the start where it has fewer rows than the steps need.
        development: rows whose loss is logged at each checkpoint.
        checkpoints: directory for them; the last two are kept.
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


def run_trainer(trainer: Any, checkpoints: Path) -> None:
    """Train, from the last whole checkpoint if there is one."""
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


def prepared(path: Path, build: Callable[[], Dataset]) -> Dataset:
    """The dataset at a path; the first process builds and saves it where it is missing."""
    with PartialState().main_process_first():
        if not path.exists():
            partial = path.with_name(path.name + ".partial")
            build().save_to_disk(str(partial))
            partial.rename(path)
        return load_from_disk(str(path))


def missing(*paths: Path) -> bool:
    """Whether any of the paths is not there; all processes say the same, as none goes on before all have looked."""
    state = PartialState()
    state.wait_for_everyone()
    found = all(path.exists() for path in paths)
    state.wait_for_everyone()
    return not found


def prepared_together(path: Path, build: Callable[[], Dataset]) -> Dataset:
    """The dataset at a path; where it is missing all processes build it, share the work and each have the whole."""
    if missing(path):
        built = build()
        return prepared(path, lambda: built)
    return load_from_disk(str(path))


def finished(path: Path, write: Callable[[Path], None]) -> None:
    """Write a directory that exists only when it is complete; the first process does it, all wait.

    Args:
        path: the directory; one that is there is left as it is.
        write: fills the directory that it is given.
    """
    if PartialState().is_main_process and not path.exists():
        partial = path.with_name(path.name + ".partial")
        partial.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.rename(path)
    PartialState().wait_for_everyone()


def linker(
    model: BartForConditionalGeneration, processor: AngelProcessor, knowledge_base: KnowledgeBase
) -> AngelForEntityLinking:
    """A linking model with a copy of a BART's weights."""
    linking = AngelForEntityLinking(AngelConfig.from_dict(model.config.to_dict()))
    linking.load_state_dict(model.state_dict())
    linking.set_processor(processor)
    linking.set_knowledge_base(knowledge_base)
    return linking.to(model.device).eval()
