"""The positive-only counterpart of a model, before it learned from its mistakes, found by name."""

from __future__ import annotations

from pathlib import Path

import angel_hf
from angel_hf.model.checkpoint import EMBEDDED_MODELS

SUFFIX = "-positive"
"""The counterpart of a model has the model's name with this at its end, in the package or as a folder beside it."""

_ASSETS = Path(angel_hf.__file__).parent / "assets"


def positive_counterpart(model_name: str) -> str | None:
    """The positive-only counterpart of a model, or None where none is at hand.

    Without a request to the Hub: the visitor has to name a counterpart there.

    Args:
        model_name: an embedded model, a folder, or a Hub repository.
    """
    name = model_name.rstrip("/") + SUFFIX
    folder = _ASSETS / name if name in EMBEDDED_MODELS else Path(name)
    return name if (folder / "config.json").is_file() and (folder / "model.safetensors").is_file() else None


def about_counterpart(model_name: str) -> str:
    """What the page says of a model's counterpart, as Markdown."""
    found = positive_counterpart(model_name)
    if found is not None:
        return (
            f"**{_title(found)}** is {_title(model_name)} before the second step: the same names, the same shape, "
            "trained on right names only."
        )
    return (
        f"**No positive-only counterpart of {_title(model_name)} is here**: there is nothing yet to compare it with. "
        f"The page looks for a model of that name with `{SUFFIX}` at its end, in the package or as a folder beside the "
        "model's. Any other model can be named below, such as a repository of the Hub."
    )


def _title(model_name: str) -> str:
    """The name alone, without Markdown in it and without the folders of this machine."""
    shown = Path(model_name).name if Path(model_name).is_absolute() else model_name
    return "".join(f"\\{character}" if not character.isalnum() else character for character in shown)
