"""The command line `angel-eval`: the only part of the harness that prints."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from eval_harness.corpus import Corpus
    from eval_harness.predictors.predictor import Predictor
    from eval_harness.result_file import RunDescription

app = typer.Typer(
    name="angel-eval",
    help="Measure entity linkers on benchmarks, under named protocols.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Value = TypeVar("_Value", bound=_Named)


class ManyValues(TyperCommand):
    """Lets `--predictor exact tfidf` stand for `--predictor exact --predictor tfidf`; a run has no plain arguments."""

    repeatable = ("--predictor", "--protocol", "--knowledge-base")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        option, expanded = "", []
        for previous, word in zip(["", *args], args):
            if word.startswith("-"):
                option = word
            elif option in self.repeatable and previous != option:
                expanded.append(option)
            expanded.append(word)
        return super().parse_args(ctx, expanded)


Benchmark = Annotated[str, typer.Option(help="ncbi, bc5cdr, cometa, askapatient or medmentions.")]
Source = Annotated[
    str, typer.Option(help="Directory of the release, of GenBioEL's files or of Parquet; or a Hub dataset.")
]
KnowledgeBase = Annotated[
    list[Path],
    typer.Option(help="The ontology, in any format that angel_hf reads; several are merged.", exists=True),
]
Predictors = Annotated[
    list[str],
    typer.Option(
        help="exact, memory, tfidf, bm25, dense:MODEL, angel, angel:MODEL, angel-verbatim, angel-ranked or file:PATH; "
        "several."
    ),
]
AllowDifferent = Annotated[
    bool, typer.Option("--allow-different", help="Continue where data differs from the published; the report says so.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave malformed records out, and list them.")]


@app.callback()
def _angel_eval() -> None:
    pass


@app.command(cls=ManyValues)
def run(
    source: Source,
    out: Annotated[Path, typer.Option(help="Directory for results, reports and predictions.", file_okay=False)],
    predictor: Predictors,
    protocol: Annotated[
        list[str],
        typer.Option(help="angel, lenient, strings, strict, belb, belb-standard/strict/lenient; several."),
    ],
    benchmark: Benchmark = "ncbi",
    knowledge_base: KnowledgeBase = [],  # noqa: B006  typer copies it
    hierarchy: Annotated[
        list[Path], typer.Option(help="File with the parents of concepts, such as a MeSH mapping.", exists=True)
    ] = [],  # noqa: B006
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    text: Annotated[
        str, typer.Option(help="released; published: abbreviations written out; ab3p: by Ab3P, as GenBioEL's rows.")
    ] = "released",
    model: Annotated[
        str, typer.Option(help="For angel: embedded model, directory or Hub repository; {fold} is the fold's number.")
    ] = "angel-mini",
    num_beams: Annotated[int, typer.Option(help="For angel: width of the search.", min=5)] = 10,
    batch_size: Annotated[int, typer.Option(help="For angel: mentions at once.", min=1)] = 32,
    revision: Annotated[str | None, typer.Option(help="Of a Hub dataset: branch, tag or commit.")] = None,
    allow_different: AllowDifferent = False,
    skip_bad: SkipBad = False,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="The source is a small sample: as --allow-different, and the report says so."),
    ] = False,
) -> None:
    """Score every predictor under every protocol; the same command resumes an interrupted run."""
    # Late, so that --help is immediate.
    from eval_harness.corpus import open_corpus, read_knowledge_bases
    from eval_harness.predictors.parse import parse_predictor
    from eval_harness.protocol import protocols_named
    from eval_harness.run import run_all
    from eval_harness.table import format_table

    with _plain_errors():
        protocols = [one for name in protocol for one in protocols_named(name)]
        corpus = open_corpus(
            _benchmark(benchmark),
            source,
            _text_form(text),
            knowledge_base,
            allow_different or sample,
            skip_bad,
            revision,
        )
        predictors = [parse_predictor(spec, model, num_beams, batch_size, corpus.folds(split)) for spec in predictor]
        description = _describe(corpus, split, predictors, knowledge_base, sample)
        above = read_knowledge_bases(hierarchy) if hierarchy else None
        report, timings = run_all(corpus, predictors, protocols, out, description, above, _progress)
    for note in (*report.run.differences, *(f"left out: {bad}" for bad in report.run.bad_records)):
        _progress(f"note: {note}")
    typer.echo(format_table(report.results, timings))
    typer.echo(f"\n{out / 'report.html'}", err=True)


def _describe(
    corpus: Corpus, split: str, predictors: Sequence[Predictor], knowledge_base: Sequence[Path], sample: bool
) -> RunDescription:
    from eval_harness.predictors.parse import model_of
    from eval_harness.result_file import RunDescription

    return RunDescription(
        benchmark=corpus.benchmark.name,
        split=split,
        source=corpus.source.kind,
        text=corpus.text_form,
        command=shlex.join(["angel-eval", *sys.argv[1:]]),
        models={one.name: model_of(one) for one in predictors},
        knowledge_base_files=tuple(path.name for path in knowledge_base),
        data_sha256={},
        sample=sample,
    )


@app.command(cls=ManyValues)
def build(
    benchmark: Annotated[str, typer.Argument(help="ncbi, bc5cdr, cometa, askapatient or medmentions.")],
    source: Source,
    out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    knowledge_base: KnowledgeBase = [],  # noqa: B006
    push_to_hub: Annotated[str, typer.Option(help="Dataset repository owner/name to upload the folder to.")] = "",
    allow_different: AllowDifferent = False,
    skip_bad: SkipBad = False,
) -> None:
    """Write a benchmark as Parquet with a dataset card, and push it where that is allowed."""
    from eval_harness.build import build as build_folder
    from eval_harness.build import push
    from eval_harness.corpus import open_corpus

    with _plain_errors():
        corpus = open_corpus(_benchmark(benchmark), source, "released", knowledge_base, allow_different, skip_bad)
        built = build_folder(corpus, out, to_be_pushed=bool(push_to_hub))
        for one in built.splits:
            typer.echo(f"{out / one.file}: {one.rows:,} mentions")
        if built.concepts:
            typer.echo(f"{out}/knowledge_base: {built.concepts:,} concepts")
        else:
            _progress("note: no knowledge base; give one with --knowledge-base, if its names may be redistributed")
        if push_to_hub:
            typer.echo(push(built, push_to_hub))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Prediction file of a run.")],
    second: Annotated[Path, typer.Argument(help="Another, on the same mentions.")],
    at: Annotated[list[int], typer.Option(help="k to compare accuracy at; several.", min=1)] = [1, 5],  # noqa: B006
    by_mention: Annotated[bool, typer.Option("--by-mention", help="Draw mentions, not documents.")] = False,
) -> None:
    """Compare two systems: paired bootstrap over documents, and McNemar's test."""
    from eval_harness.compare import compare_files, format_comparison

    with _plain_errors():
        found = compare_files(first, second, at, by_mention)
        unit = "mention" if by_mention else "document"
        typer.echo(format_comparison(found, str(first), str(second), unit), nl=False)


@app.command()
def leaderboard(
    directories: Annotated[list[Path], typer.Argument(help="Directories of runs, or directories that hold them.")],
    out: Annotated[Path | None, typer.Option(help="Directory for leaderboard.md and leaderboard.html.")] = None,
) -> None:
    """Print the results of many runs in one table a benchmark and protocol."""
    from eval_harness.leaderboard import read_boards, write_leaderboard

    with _plain_errors():
        typer.echo(write_leaderboard(out or directories[0], read_boards(directories)), nl=False)


def _benchmark(name: str) -> Any:
    from eval_harness.benchmarks import BENCHMARKS

    return _find_named(name, BENCHMARKS, "--benchmark")


def _text_form(name: str) -> Any:
    from eval_harness.published_text import TEXT_FORMS

    if name not in TEXT_FORMS:
        raise typer.BadParameter(f"{name!r}; expected one of {', '.join(TEXT_FORMS)}", param_hint="--text")
    return name


def _find_named(name: str, known: Sequence[_Value], option: str) -> _Value:
    for value in known:
        if value.name == name:
            return value
    raise typer.BadParameter(f"{name!r}; expected one of {', '.join(value.name for value in known)}", param_hint=option)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Print errors that a user can repair as one line."""
    try:
        yield
    except (OSError, ValueError, ImportError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
