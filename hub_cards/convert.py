"""`angel convert`: a published BART checkpoint made into a model that carries its names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from angel_hf.cli.failure import InputError, failures_reported
from hub_cards.refusals import Names, hub_extra, refusals

if TYPE_CHECKING:
    from angel_hf import KnowledgeBase


def convert(
    checkpoint: Annotated[str, typer.Argument(help="A directory or Hub repository, such as dmis-lab/ANGEL_ncbi.")],
    knowledge_base: Annotated[
        Path, typer.Option(help="The names, such as GenBioEL's target_kb.json, MEDIC, or what `angel kb build` wrote.")
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Directory or repository, as facebook/bart-large, where the checkpoint has none."),
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of the checkpoint.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A folder to write to.")] = None,
    push_to_hub: Annotated[
        str | None, typer.Option(help="OWNER/NAME to push to; `angel push model` adds a card.")
    ] = None,
    names: Annotated[
        Names | None,
        typer.Option(help="publish: push names that a licence keeps from being passed on, where yours allows it."),
    ] = None,
    private: Annotated[bool | None, typer.Option("--private/--public", help="Of a new repository.")] = None,
) -> None:
    """Make a model that links from BART weights alone, as the authors of the method published theirs.

    Weights are read without running a pickle and written as safetensors, numbers and types as they were.
    """
    with failures_reported():
        if output is None and push_to_hub is None:
            raise InputError("nowhere to write to; expected --output FOLDER or --push-to-hub OWNER/NAME")
        if output is not None and output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise InputError(f"{output}: there is something already; expected a new or empty folder")
        with refusals():
            from angel_hf import AngelForEntityLinking, KnowledgeBase

            own = KnowledgeBase.from_file(knowledge_base)
            if push_to_hub is not None and names != Names.PUBLISH:
                _refuse_licensed(own, knowledge_base, checkpoint)
            model = AngelForEntityLinking.from_pretrained(
                checkpoint, knowledge_base=own, tokenizer=tokenizer, revision=revision, dtype="auto"
            )
            _check_tokenizer(model)
            if output is not None:
                model.save_pretrained(output)
                typer.echo(f"{output}: {model.knowledge_base!r}")
            if push_to_hub is not None:
                typer.echo(model.push_to_hub(push_to_hub, private=private).commit_url)


def _refuse_licensed(names: KnowledgeBase, path: Path, checkpoint: str) -> None:
    """Refuse to push names of a vocabulary that may not be passed on, and name the ways out."""
    with hub_extra():
        from hub_cards.licences import find_restricted

    if (restricted := find_restricted(names.concept_ids, path.stem)) is not None:
        raise InputError(
            f"{path}: holds names of {restricted.name}, and {restricted.reason}; `angel convert {checkpoint} --output "
            "FOLDER ...` and then `angel push model FOLDER ... --names withhold` push concept ids and a recipe; with "
            "--names publish, names, if your licence allows it"
        )


def _check_tokenizer(model: object) -> None:
    tokens, rows = len(model.processor.tokenizer), model.config.vocab_size  # type: ignore[attr-defined]
    if tokens > rows:
        raise InputError(f"the tokenizer has {tokens:,} tokens and the model {rows:,}; expected the model's tokenizer")
