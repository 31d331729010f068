"""Checkpoints of a stage, of which only whole ones are gone on from.

transformers writes a checkpoint where it will stay, file by file; one that was cut short by a `kill -9` would be the
last one by its name and could not be read.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

_WHOLE = "whole"
"""An empty file that a checkpoint gets when every process has written its part."""


class MarkWhole(TrainerCallback):
    """Marks each checkpoint once all of it is there."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Wait for what the other processes write, and mark."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / _WHOLE).touch()


def last_whole_checkpoint(checkpoints: Path) -> str | None:
    """The last checkpoint that is whole; what was cut short is removed, by the first process.

    Args:
        checkpoints: their directory; it need not be there.
    """
    with PartialState().main_process_first():
        if not checkpoints.is_dir():
            return None
        for directory in checkpoints.glob("checkpoint-*"):
            if not (directory / _WHOLE).exists():
                shutil.rmtree(directory, ignore_errors=True)
        return get_last_checkpoint(str(checkpoints))
