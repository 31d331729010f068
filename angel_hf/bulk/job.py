"""What a bulk run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from angel_hf.search.options import SearchOptions


@dataclass(frozen=True, slots=True)
class Options:
    """How documents are read and linked; all of it goes into the manifest, since all of it decides what comes out.

    Args:
        text_column: string, or UTF-8 in binary.
        id_column: of any type; carried through as it is.
        spans_column: the mentions: a list of [start, end], or of structs with `start` and `end`, in characters.
            Not read with `detect`.
        keep: further columns to copy to every mention.
        detect: find the mentions and take composite ones apart, as `model.annotate` does.
        detector: with `detect`, a token-classification model that finds them; None looks up the knowledge base's names.
        expand: write the abbreviations in a mention out where its text defines them, which makes the column `read_as`.
        top_k: names for each mention; more than one makes the column `candidates`.
        num_beams: width of the search, at least `top_k`.
        batch_size: mentions that go through the model together.
        window: rows of a shard, what is done again after an interruption.
        context_tokens: most tokens around a mention that the model reads, as in SearchOptions; None: all that fit, with
            which a model's confidence was fitted.
        verbatim_first: a name that is spelled as the mention comes first, as in SearchOptions.
        threads: of each process. The order in which a sum is computed depends on it, so that scores of runs with
            other thread counts may differ in the last digit.

    Raises:
        ValueError: a number is out of its range, or a column is named twice.
    """

    text_column: str = "text"
    id_column: str = "document_id"
    spans_column: str = "spans"
    keep: tuple[str, ...] = ()
    detect: bool = False
    detector: str | None = None
    expand: bool = True
    top_k: int = 1
    num_beams: int = 10
    batch_size: int = 32
    window: int = 1024
    context_tokens: int | None = None
    verbatim_first: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        _ = self.search  # refuses what cannot be searched with
        if not 1 <= self.top_k <= self.num_beams:
            raise ValueError(f"top_k={self.top_k} with num_beams={self.num_beams}; expected 1 <= top_k <= num_beams")
        for name in ("batch_size", "window", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; expected 1 or more")
        if self.detector is not None and not self.detect:
            raise ValueError(f"detector {self.detector!r} was given without detect; expected both")
        if len({*self.columns}) < len(self.columns):
            raise ValueError(f"a column is named twice among {', '.join(self.columns)}; expected each once")

    @property
    def search(self) -> SearchOptions:
        """What the search does otherwise than the published one."""
        return SearchOptions(context_tokens=self.context_tokens, verbatim_first=self.verbatim_first)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        spans = () if self.detect else (self.spans_column,)
        return (self.id_column, self.text_column, *spans, *self.keep)


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
