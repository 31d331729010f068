"""Checkpoints of a stage; only whole ones are resumed from.

transformers writes a checkpoint file by file into its final directory; after a `kill -9` an incomplete one would count
as the last and could not be read.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

_WHOLE = "whole"
"""An empty file in a checkpoint of which every process has written its part."""


class MarkWhole(TrainerCallback):
    """Marks each checkpoint once it is complete."""

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Wait until the other processes have written, then mark."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / _WHOLE).touch()


def last_whole_checkpoint(checkpoints: Path) -> str | None:
    """The last whole checkpoint; the first process removes incomplete ones.

    Args:
        checkpoints: their directory; it need not exist.
    """
    with PartialState().main_process_first():
        if not checkpoints.is_dir():
            return None
        for directory in checkpoints.glob("checkpoint-*"):
            if not (directory / _WHOLE).exists():
                shutil.rmtree(directory, ignore_errors=True)
        return get_last_checkpoint(str(checkpoints))
