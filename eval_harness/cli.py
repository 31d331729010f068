"""The command line `angel-eval`: the only part of the harness that prints."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import typer
from typer.core import TyperCommand

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

    repeatable = ("--predictor", "--protocol")

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


@app.callback()
def _angel_eval() -> None:
    pass


@app.command(cls=ManyValues)
def run(
    source: Annotated[Path, typer.Option(help="Directory of the benchmark's files.", exists=True, file_okay=False)],
    knowledge_base: Annotated[Path, typer.Option(help="The ontology, in any format that angel_hf reads.", exists=True)],
    out: Annotated[Path, typer.Option(help="Directory for results.json and predictions/.", file_okay=False)],
    predictor: Annotated[list[str], typer.Option(help="exact, memory, tfidf or angel; several may follow.")],
    protocol: Annotated[list[str], typer.Option(help="angel, lenient or strict; several may follow.")],
    benchmark: Annotated[str, typer.Option(help="ncbi.")] = "ncbi",
    split: Annotated[str, typer.Option(help="train, dev or test.")] = "test",
    model: Annotated[str, typer.Option(help="For angel: embedded model, directory or Hub repository.")] = "angel-mini",
) -> None:
    """Score every predictor under every protocol."""
    # Late, so that help comes at once.
    from eval_harness.benchmarks import BENCHMARKS
    from eval_harness.predictors import PREDICTORS, Angel
    from eval_harness.protocol import PROTOCOLS
    from eval_harness.run import run_all
    from eval_harness.table import format_table

    bench = _named(benchmark, BENCHMARKS, "--benchmark")
    protocols = [_named(name, PROTOCOLS, "--protocol") for name in protocol]
    kinds = [_named(name, PREDICTORS, "--predictor") for name in predictor]
    try:
        results = run_all(
            bench,
            source,
            split,
            knowledge_base,
            [Angel(model) if kind is Angel else kind() for kind in kinds],
            protocols,
            out,
            head={"command": shlex.join(["angel-eval", *sys.argv[1:]]), "model": model if Angel in kinds else None},
            progress=lambda line: typer.echo(line, err=True),
        )
    except (OSError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(format_table(results))


def _named(name: str, known: Sequence[_Value], option: str) -> _Value:
    for value in known:
        if value.name == name:
            return value
    raise typer.BadParameter(f"{name!r}; expected one of {', '.join(value.name for value in known)}", param_hint=option)
