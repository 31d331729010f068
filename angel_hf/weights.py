"""Weights from a checkpoint: never by running a pickle, and with an adapter where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

from .checkpoint import Checkpoint


@contextmanager
def pickles_refused(path: str) -> Iterator[None]:
    """Say in plain words what torch refuses: weights that are a pickle of more than tensors."""
    try:
        yield
    except UnpicklingError as error:
        raise ValueError(
            f"{path}: its weights are a pickle of more than tensors, which could run any code, and was refused; ask "
            "the author for weights in safetensors"
        ) from error


def with_adapter(model: Any, checkpoint: Checkpoint) -> Any:
    """A model with the adapter of a checkpoint in place; `model` may come with its loading information."""
    changed, *_ = model if isinstance(model, tuple) else (model,)
    hub = {name: value for name, value in checkpoint.hub.items() if name != "subfolder"}
    try:
        changed.load_adapter(checkpoint.path, adapter_kwargs=hub)
    except ImportError as error:
        raise ImportError("adapters need peft: pip install peft") from error
    return model
