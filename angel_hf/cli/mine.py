"""`angel mine`: hard negatives of a model, as a dataset of preference pairs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from angel_hf.cli.failure import InputError, failures_reported
from angel_hf.cli.hub import part, refusals
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
        if push_to is not None:
            with refusals():
                plan = part("dataset_push").plan_dataset(output, push_to, None)
                typer.echo(part("push_plan").push(plan, private=True).url)
