"""`angel push`: models, adapters, data sets, metrics and Spaces to the Hub, with the cards that belong to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from angel_hf.cli.failure import failures_reported
from hub_cards.refusals import Names, hub_extra, refusals

if TYPE_CHECKING:
    from hub_cards.push_plan import PushPlan

app = typer.Typer(
    add_completion=False,
    help="Push a model, adapter, data set, metric or Space to the Hub, with its card.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


_Repository = Annotated[str, typer.Argument(help="OWNER/NAME on the Hub.")]
_Facts = Annotated[
    Path, typer.Option("--facts", help="TOML: title, license, [knowledge_base], [training]; what the card says.")
]
_OwnCard = Annotated[
    Path | None,
    typer.Option("--facts", help="TOML from which a card is made; without it the folder's README.md is the card."),
]
_Results = Annotated[
    list[Path] | None, typer.Option("--results", help="A results.json of `angel-eval run`; may be given again.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the files with their sizes and the card; push nothing.")]
_Private = Annotated[
    bool | None, typer.Option("--private/--public", help="Of a new repository; default: the owner's setting.")
]
_Branch = Annotated[str | None, typer.Option("--revision", help="Branch to push to; made if it is not there.")]
_Names = Annotated[
    Names | None,
    typer.Option(help="Names that a licence keeps from being passed on: publish, or withhold and push a recipe."),
]


@app.command()
def model(
    directory: Annotated[Path, typer.Argument(help="What save_pretrained, `angel train` or `angel convert` wrote.")],
    repository: _Repository,
    facts: _Facts,
    results: _Results = None,
    names: _Names = None,
    dry_run: _DryRun = False,
    private: _Private = None,
    revision: _Branch = None,
) -> None:
    """A model: weights, processor, knowledge base, trie, code, card and results, in one commit.

    Names of UMLS, SNOMED CT and MedDRA are refused, since their licences forbid to pass them on; with --names withhold
    the concept ids go out, and a recipe by which whoever has the vocabulary gets the same names.
    """

    def plan() -> PushPlan:
        with hub_extra():
            from hub_cards.model_push import plan_model

        return plan_model(directory, repository, _facts(facts), _evaluations(results), names.value if names else None)

    _run(plan, dry_run, private, revision)


@app.command()
def adapter(
    directory: Annotated[Path, typer.Argument(help="What PEFT's save_pretrained wrote.")],
    repository: _Repository,
    facts: _Facts,
    results: _Results = None,
    base: Annotated[str | None, typer.Option(help="Hub repository of the base, if trained on a copy.")] = None,
    dry_run: _DryRun = False,
    private: _Private = None,
    revision: _Branch = None,
) -> None:
    """LoRA adapters, tied to the commit of their base."""

    def plan() -> PushPlan:
        with hub_extra():
            from hub_cards.model_push import plan_adapter

        return plan_adapter(directory, repository, _facts(facts), _evaluations(results), base)

    _run(plan, dry_run, private, revision)


@app.command()
def dataset(
    directory: Annotated[Path, typer.Argument(help="Parquet files: a benchmark, or preference pairs.")],
    repository: _Repository,
    facts: _OwnCard = None,
    names: _Names = None,
    dry_run: _DryRun = False,
    private: _Private = None,
    revision: _Branch = None,
) -> None:
    """A benchmark or preference pairs, with a card by which load_dataset finds the files."""

    def plan() -> PushPlan:
        with hub_extra():
            from hub_cards.dataset_push import plan_dataset

        return plan_dataset(directory, repository, _facts(facts), names.value if names else None)

    _run(plan, dry_run, private, revision)


@app.command()
def space(
    directory: Annotated[Path, typer.Argument(help="A Gradio program, app.py with what it needs.")],
    repository: _Repository,
    facts: _OwnCard = None,
    sdk_version: Annotated[str, typer.Option(help="Of Gradio.")] = "6.31.0",
    uses: Annotated[list[str] | None, typer.Option("--model", help="A model that it runs; may be given again.")] = None,
    dry_run: _DryRun = False,
    private: _Private = None,
) -> None:
    """A Space."""

    def plan() -> PushPlan:
        with hub_extra():
            from hub_cards.dataset_push import plan_space

        return plan_space(directory, repository, _facts(facts), sdk_version, tuple(uses or ()))

    _run(plan, dry_run, private, None)


@app.command()
def metric(
    directory: Annotated[Path, typer.Argument(help="A metric's folder, such as eval_harness/metrics/entity_linking.")],
    repository: _Repository,
    facts: _OwnCard = None,
    sdk_version: Annotated[str, typer.Option(help="Of Gradio.")] = "6.31.0",
    dry_run: _DryRun = False,
    private: _Private = None,
) -> None:
    """A metric, as a Space from which evaluate.load gets it."""

    def plan() -> PushPlan:
        tags = ("evaluate", "metric")
        with hub_extra():
            from hub_cards.dataset_push import plan_space

        return plan_space(directory, repository, _facts(facts), sdk_version, (), tags)

    _run(plan, dry_run, private, None)


def _run(plan: Callable[[], PushPlan], dry_run: bool, private: bool | None, revision: str | None) -> None:
    """Show the plan, and carry it out unless it is a dry run."""
    with failures_reported(), refusals():
        planned = plan()
        with hub_extra():
            from hub_cards.push_plan import push, refuse_token

        refuse_token(planned)
        _show(planned)
        if dry_run:
            typer.echo("nothing was pushed (--dry-run); the card:\n")
            typer.echo(planned.text("README.md"))
            return
        pushed = push(planned, private, revision)
        for path in pushed.deleted:
            typer.echo(f"deleted {path}; it stays in the repository's history", err=True)
        if pushed.deleted:
            typer.echo(f"HfApi().super_squash_history({planned.repository!r}) empties the history", err=True)
        typer.echo(pushed.url)


def _show(plan: PushPlan) -> None:
    typer.echo(f"{plan.kind} {plan.repository}: {len(plan.files)} files, {plan.size:,} bytes")
    for file in plan.files:
        typer.echo(f"{file.size:>15,}  {file.path}")
    for path, reason in plan.left_out:
        typer.echo(f"{'left out':>15}  {path}: {reason}")


def _facts(path: Path | None) -> Any:
    with hub_extra():
        from hub_cards.facts import read_facts

    return None if path is None else read_facts(path)


def _evaluations(paths: list[Path] | None) -> list[Any]:
    with hub_extra():
        from hub_cards.evaluation import read_evaluation

    return [read_evaluation(path) for path in paths or []]
