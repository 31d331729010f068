"""`angel mine`: hard negatives of a model, as a dataset of preference pairs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from angel_hf.cli.failure import InputError, failures_reported
from angel_hf.cli.registered import load_command
from angel_hf.cli.train import Changes, DataDirectory, RecipeName, check_extra


def mine(
    recipe: RecipeName,
    model: Annotated[str, typer.Option(help="The model that links: embedded, a directory or a Hub repository.")],
    output: Annotated[Path, typer.Option(help="Directory for the Parquet file and its card.", file_okay=False)],
    data: DataDirectory = Path("."),
    changes: Changes = None,
    push_to: Annotated[
        str | None,
        typer.Option(help="A dataset repository of the Hub to upload the directory to.", metavar="REPOSITORY"),
    ] = None,
) -> None:
    """Mine preference pairs with a model, as the recipe's [preference.mining] says."""
    with failures_reported():
        check_extra()
        push = None if push_to is None else _push_command()
        from angel_hf import AngelForEntityLinking
        from angel_hf.training.preference.single_mining import mine_with
        from angel_hf.training.recipes.reading import read_recipe

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
        try:
            chosen = read_recipe(recipe, changes or ())
            found = mine_with(AngelForEntityLinking.from_pretrained(model).eval(), model, chosen, data, output)
            typer.echo(f"{output}: {found:,} pairs")
        except (ValueError, ImportError) as error:
            raise InputError(str(error)) from None
        if push is not None:
            code = push.main(
                ["dataset", str(output), push_to, "--private"], prog_name="angel push", standalone_mode=False
            )
            if code:
                raise typer.Exit(code)


def _push_command() -> Any:
    push = load_command("push")
    if push is None:
        raise InputError("--push-to needs `angel push`, of the package hub_cards, which is not installed")
    return push
