"""The command line `angel`: the only part of the package that prints."""

from __future__ import annotations

from typing import Annotated

import typer

from angel_hf.cli import annotate, bench, convert, kb, link, mine, push, train

app = typer.Typer(
    name="angel",
    help="Link mentions in biomedical text to the concepts of a knowledge base.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help and errors: they are copied into documents, terminals of any width and bug reports.
    rich_markup_mode=None,
)
app.command("link")(link.link)
app.command("annotate")(annotate.annotate)
app.command("train")(train.train)
app.command("mine")(mine.mine)
app.command("convert")(convert.convert)
app.add_typer(bench.app, name="bench")
app.add_typer(kb.app, name="kb")
app.add_typer(push.app, name="push")


def _show_version(wanted: bool) -> None:
    if wanted:
        from angel_hf import __version__

        typer.echo(f"angel {__version__}")
        raise typer.Exit


@app.callback()
def _angel(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass
