"""What a bulk run links, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from angel_hf.search.batches import Search
from angel_hf.search.beam import BeamSearch


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of the input that are read.

    Args:
        text: string, or UTF-8 in binary.
        id: of any type; carried through as it is.
        spans: the mentions: a list of [start, end], or of structs with `start` and `end`, in characters. Not read where
            mentions are detected.
        keep: further columns to copy to every mention.
    """

    text: str = "text"
    id: str = "document_id"
    spans: str = "spans"
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How documents are read and linked; the manifest holds all of it, since all of it decides the output.

    Args:
        columns: of the input.
        detect: find the mentions and take composite ones apart, as `model.annotate` does.
        detector: with `detect`, a token-classification model that finds them; None looks up the knowledge base's names.
        expand: write the abbreviations in a mention out where its text defines them, which makes the column `read_as`.
        top_k: names for each mention; more than one makes the column `candidates`.
        search: how names are searched for; with at least `top_k` beams.
        context_tokens: most tokens of context that the encoder reads; None: all that fit.
        batch_size: mentions that go through the model together.
        window: rows of a shard, which an interruption makes necessary again.
        threads: of each process. The order in which a sum is computed depends on it, so that scores of runs with
            other thread counts may differ in the last digit.

    Raises:
        ValueError: a number is out of its range, or a column is named twice.
    """

    columns: Columns = Columns()
    detect: bool = False
    detector: str | None = None
    expand: bool = True
    top_k: int = 1
    search: Search = field(default_factory=BeamSearch)
    context_tokens: int | None = None
    batch_size: int = 32
    window: int = 1024
    threads: int = 1

    def __post_init__(self) -> None:
        most = self.search.num_beams
        if not 1 <= self.top_k <= most:
            raise ValueError(f"top_k={self.top_k} with num_beams={most}; expected 1 <= top_k <= num_beams")
        if self.context_tokens is not None and self.context_tokens < 0:
            raise ValueError(f"context_tokens={self.context_tokens}; expected 0 or more, or None for all that fit")
        for name in ("batch_size", "window", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; expected 1 or more")
        if self.detector is not None and not self.detect:
            raise ValueError(f"detector {self.detector!r} was given without detect; expected both")
        if len({*self.read_columns}) < len(self.read_columns):
            raise ValueError(f"a column is named twice among {', '.join(self.read_columns)}; expected each once")

    @property
    def read_columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        spans = () if self.detect else (self.columns.spans,)
        return (self.columns.id, self.columns.text, *spans, *self.columns.keep)


@dataclass(frozen=True, slots=True)
class Job:
    """Documents to link, and where to.

    Args:
        source: a Parquet file, a folder of them, or a pattern with `*`; a path or a URI such as s3://bucket/folder.
        output: a folder, path or URI; with workers on several machines all of them must see it under this name.
        options: how.
    """

    source: str
    output: str
    options: Options = Options()
