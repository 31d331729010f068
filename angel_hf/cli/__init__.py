"""The command line `angel`: the only part of the package that prints."""

from __future__ import annotations

from typing import Annotated

import typer

from angel_hf.cli import annotate, bulk, kb, kb_diff, kb_map, kb_upgrade, link, mine, train
from angel_hf.cli.failure import end_cleanly_when_terminated
from angel_hf.cli.registered import CommandGroup
from angel_hf.version import __version__

app = typer.Typer(
    name="angel",
    cls=CommandGroup,
    help="Link mentions in biomedical text to the concepts of a knowledge base.",
    no_args_is_help=True,
    # Every command inherits these.
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    # Plain help and errors: they are copied into documents, terminals of any width and bug reports.
    rich_markup_mode=None,
)
app.command("link")(link.link)
app.command("bulk")(bulk.bulk)
app.command("annotate")(annotate.annotate)
app.command("train")(train.train)
app.command("mine")(mine.mine)
kb.app.command("diff")(kb_diff.diff)
kb.app.command("map")(kb_map.map_identifiers)
kb.app.command("upgrade")(kb_upgrade.upgrade)
app.add_typer(kb.app, name="kb")


def _show_version(show: bool) -> None:
    if show:
        typer.echo(f"angel {__version__}")
        raise typer.Exit


@app.callback()
def _angel(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    end_cleanly_when_terminated()
