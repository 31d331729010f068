"""The model behind the command line, loaded as the options say."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, cast

import typer

from angel_hf.cli.failure import InputError, describe_os_error
from angel_hf.formats.answers import MappedIds, nothing_mapped
from angel_hf.formats.rejections import Rejections
from angel_hf.types import Linked, Mention

if TYPE_CHECKING:
    from angel_hf import KnowledgeBase
    from angel_hf.search.batches import Search


class Linker(Protocol):
    """What the command line needs of a model."""

    def link(
        self, mentions: list[Mention], *, top_k: int, search: Search, batch_size: int, context_tokens: int | None
    ) -> list[Linked]:
        """Link mentions, the answers in the mentions' order."""


class Dtype(str, Enum):
    """The number format of weights and sums; float32 gives the published scores."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


DtypeOption = Annotated[
    Dtype,
    typer.Option(
        "--dtype",
        help="bfloat16 and float16, and on CPUs int8, are faster where the processor has them, and less exact.",
    ),
]


def mapped_ids_of(linker: object) -> MappedIds:
    """The other identifiers that the knowledge base of a model knows."""
    knowledge_base = getattr(linker, "knowledge_base", None)
    return nothing_mapped if knowledge_base is None else cast("KnowledgeBase", knowledge_base).mapped_ids


def load_linker(
    model: str,
    knowledge_base: Path | None,
    revision: str | None,
    device: str,
    dtype: Dtype = Dtype.FLOAT32,
) -> Linker:
    """Load a model, on another knowledge base if one is given.

    Raises:
        InputError: the model, the knowledge base or the device is unavailable, or there is nothing to link to.
    """
    import torch
    from transformers.utils import logging

    from angel_hf import AngelForEntityLinking, KnowledgeBase
    from angel_hf.model.low_precision import in_low_precision

    logging.disable_progress_bar()
    try:
        target = torch.device(_best_device() if device == "auto" else device)
        rejections = Rejections()
        other = None if knowledge_base is None else KnowledgeBase.from_file(knowledge_base, rejections=rejections)
        if told := rejections.told():
            typer.echo(f"{knowledge_base}: {told}", err=True)
        number = torch.float32 if dtype is Dtype.INT8 else getattr(torch, dtype.value)
        loaded = AngelForEntityLinking.from_pretrained(model, knowledge_base=other, revision=revision, dtype=number)
        if loaded.knowledge_base is None:
            raise InputError(f"{model}: has no knowledge base to link to; name one with --knowledge-base")
        loaded = loaded.to(target).eval()
        return cast(Linker, in_low_precision(loaded, "int8") if dtype is Dtype.INT8 else loaded)
    except OSError as error:
        raise InputError(describe_os_error(error)) from None
    except (ValueError, ImportError, RuntimeError, AssertionError) as error:
        # torch reports an unknown device as RuntimeError and one it was not built for as AssertionError.
        raise InputError(str(error)) from None


def _best_device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
