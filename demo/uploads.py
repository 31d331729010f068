"""A visitor's own knowledge base, from a file."""

from __future__ import annotations

from pathlib import Path

from angel_hf import KnowledgeBase
from angel_hf.formats.rejections import Rejections
from demo.limits import MOST_NAMES, VisitorError, checked_file


def read_knowledge_base(path: str | Path | None) -> KnowledgeBase:
    """Read an uploaded knowledge base: CSV or TSV, JSON, OBO, or any other format that angel_hf reads.

    Raises:
        VisitorError: it is too large, of no known format, or holds too many names.
    """
    file = checked_file(path)
    try:
        # A visitor mends the file rather than miss a name.
        knowledge_base = KnowledgeBase.from_file(file, rejections=Rejections(strict=True))
    except (ValueError, ImportError) as error:
        raise VisitorError(f"{file.name} is not a knowledge base: {_without_folder(str(error), file)}") from None
    if knowledge_base.num_names > MOST_NAMES:
        raise VisitorError(
            f"{file.name} has {knowledge_base.num_names:,} names; this page takes {MOST_NAMES:,}. For more, use "
            "`KnowledgeBase.from_file` and `model.set_knowledge_base` on your own machine."
        )
    return knowledge_base


def _without_folder(message: str, file: Path) -> str:
    """The message without the folder of uploads."""
    return message.replace(str(file), file.name).replace(f"{file.name}: ", "")
