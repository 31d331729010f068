"""`angel kb`: knowledge bases made from ontology files, looked at, and exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_hf.cli import selection_options
from angel_hf.cli.failure import InputError, failures_reported
from angel_hf.cli.kb_files import terms_of
from angel_hf.cli.kb_input import Strict, check_knowledge_base_output, rejections_beside, tell
from angel_hf.cli.sink import check_output
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING, Selection
from angel_hf.formats.term import Term
from angel_hf.types import Concept

if TYPE_CHECKING:
    from angel_hf import KnowledgeBase

app = typer.Typer(help="Build, change, show and export knowledge bases.", no_args_is_help=True, rich_markup_mode=None)

_MOST_SHOWN = 8
_NO_MODEL = "none"


class Normalization(str, Enum):
    """The names of knowledge_base.NORMALIZATIONS, known without loading it."""

    LOWERCASE_PUNCTUATION = "lowercase-punctuation"
    LOWERCASE = "lowercase"
    AS_IS = "as-is"


_Source = Annotated[
    Path,
    typer.Argument(
        help="An ontology (OBO, OBO Graphs, OWL or SKOS in RDF/XML, JSON), a vocabulary "
        "(MeSH, UMLS, SNOMED CT, CTD, ICD, Orphanet, NCBI Gene or Taxonomy, "
        "MEDIC, BioSyn; a file, .gz too, or the folder of a release), a table of terms (CSV, TSV), GenBioEL's "
        "target_kb.json, Parquet, or what `angel kb build` wrote."
    ),
]


_TokenizedFor = Annotated[
    str,
    typer.Option(
        "--model", help="Tokenise the names for this model, so that it links to them at once; none: for no model."
    ),
]


@app.command()
def build(
    source: _Source,
    output: Annotated[Path, typer.Argument(help="A folder, or a file that ends in .safetensors.")],
    normalization: Annotated[
        Normalization | None,
        typer.Option(help="The form of names that the model reads; default: what fits the source.", show_default=False),
    ] = None,
    language: selection_options.Languages = None,
    sources: selection_options.Sources = None,
    semantic_type: selection_options.SemanticTypes = None,
    semantic_group: selection_options.SemanticGroups = None,
    term_type: selection_options.TermTypes = None,
    suppressed: selection_options.Suppressed = False,
    taxon: selection_options.Taxa = None,
    model: _TokenizedFor = "angel-mini",
    crosswalk: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file of another vocabulary (MONDO, DOID, HPO) whose cross-references the concepts get.",
            show_default=False,
        ),
    ] = None,
    synonyms: selection_options.Synonyms = None,
    strict: Strict = False,
) -> None:
    """Build a knowledge base that opens at once, from a file or folder of concepts and their names.

    A part of a vocabulary is chosen by the options from --language on, which take several values, joined by commas or
    given again.

    Exit code 0: all was read; 1: some records were left out, and are told; 2: nothing could be done.
    """
    with failures_reported(), knowledge_base_errors():
        check_knowledge_base_output(output)
        selection = selection_options.selection_of(
            languages=language,
            sources=sources,
            term_types=term_type,
            semantic_types=semantic_type,
            semantic_groups=semantic_group,
            suppressed=suppressed,
            taxa=taxon,
            synonyms=synonyms,
        )
        with rejections_beside(output, strict) as rejections:
            knowledge_base = _open(source, rejections, normalization, selection)
            for file in crosswalk or ():
                terms = (term for term in terms_of(file, rejections) if isinstance(term, Term))
                knowledge_base = knowledge_base.with_cross_references(terms)
            file = knowledge_base.save(output)
            _keep_names(file, model)
            typer.echo(f"{file}: {knowledge_base!r}")


_Output = Annotated[Path, typer.Argument(help="A folder, or a file that ends in .safetensors; SOURCE itself, too.")]


@app.command()
def add(
    source: _Source,
    output: _Output,
    names_of: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A file of concepts to add, in any form that SOURCE may have.", show_default=False),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A name to add, as CONCEPT=NAME; a new CONCEPT is made.", show_default=False),
    ] = None,
    strict: Strict = False,
    model: _TokenizedFor = "angel-mini",
) -> None:
    """Add concepts, or names of concepts, to a knowledge base; what was there stays as it is."""
    with failures_reported(), knowledge_base_errors():
        if not names_of and not name:
            raise InputError("nothing to add; expected --from FILE or --name CONCEPT=NAME")
        check_knowledge_base_output(output)
        with rejections_beside(output, strict) as rejections:
            knowledge_base = _open(source, rejections)
            for file in names_of or ():
                added = _as_spelled_in(knowledge_base, _open(file, rejections))
                knowledge_base = knowledge_base.updated(add=added)[0]
            if name:
                names = _names_by_concept(name)
                knowledge_base = knowledge_base.with_names(
                    {_as_known(knowledge_base, concept_id): own for concept_id, own in names.items()}
                )
            file = knowledge_base.save(output)
            _keep_names(file, model)
            typer.echo(f"{file}: {knowledge_base!r}")


@app.command()
def remove(
    source: _Source,
    output: _Output,
    concept: Annotated[
        list[str] | None,
        typer.Option(help="The identifier of a concept to remove with its names.", show_default=False),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A name to take from a concept, as CONCEPT=NAME.", show_default=False),
    ] = None,
    model: _TokenizedFor = "angel-mini",
) -> None:
    """Remove concepts, or names of concepts, from a knowledge base."""
    with failures_reported(), knowledge_base_errors():
        if not concept and not name:
            raise InputError("nothing to remove; expected --concept CONCEPT or --name CONCEPT=NAME")
        check_knowledge_base_output(output)
        with rejections_beside(output) as rejections:
            knowledge_base = _open(source, rejections)
            removed = [_resolve(knowledge_base, source, concept_id) for concept_id in concept or ()]
            names = _names_by_concept(name or ())
            of_known = {_resolve(knowledge_base, source, concept_id): own for concept_id, own in names.items()}
            knowledge_base = knowledge_base.updated(remove=of_known, remove_concepts=removed)[0]
            file = knowledge_base.save(output)
            _keep_names(file, model)
            typer.echo(f"{file}: {knowledge_base!r}")


@app.command()
def show(
    source: _Source,
    concepts: Annotated[int, typer.Option(min=0, help="How many concepts to show, from the first.")] = 5,
    concept: Annotated[
        list[str] | None, typer.Option(help="The identifier of a concept to show instead.", show_default=False)
    ] = None,
    synonyms: selection_options.Synonyms = None,
    strict: Strict = False,
) -> None:
    """Show the size of a knowledge base and some of its concepts."""
    rejections = Rejections(strict)
    with failures_reported(), knowledge_base_errors():
        selection = selection_options.selection_of(synonyms=synonyms)
        knowledge_base = _open(source, rejections, selection=selection)
        # A file larger than what is read when it is opened is read whole here.
        if not knowledge_base.is_intact():
            raise ValueError(
                f"{source}: its contents are not those that were saved, the file is damaged: build it again"
            )
        if concept:
            shown = [knowledge_base.concept(_resolve(knowledge_base, source, wanted)) for wanted in concept]
        else:
            shown = list(islice(knowledge_base.concepts(), concepts))
    for label, value in (
        ("concepts", f"{knowledge_base.num_concepts:,}"),
        ("names", f"{knowledge_base.num_names:,}"),
        ("names once normalised", f"{knowledge_base.num_entries:,}"),
        ("normalization", knowledge_base.normalization),
        ("fingerprint", knowledge_base.fingerprint),
    ):
        typer.echo(f"{label:<22} {value}")
    if shown:
        Console(highlight=False).print(_concept_table(shown))
    tell(rejections)


def _concept_table(concepts: list[Concept]) -> Table:
    """Concepts with some of their names, and with their types and parents where any has them."""
    columns = {
        "concept": [concept.concept_id for concept in concepts],
        "names, the preferred one first": [_some(concept.names, " | ") for concept in concepts],
        "types": [" ".join(concept.semantic_types) for concept in concepts],
        "parents": [" ".join(concept.parents) for concept in concepts],
        "other identifiers": [_some(concept.alternative_ids + concept.cross_references, " ") for concept in concepts],
    }
    columns = {heading: cells for heading, cells in columns.items() if any(cells)}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in columns:
        table.add_column(heading, overflow="fold")
    for row in zip(*columns.values()):
        table.add_row(*map(Text, row))
    return table


def _some(values: Sequence[str], separator: str) -> str:
    more = len(values) - _MOST_SHOWN
    return separator.join(values[:_MOST_SHOWN]) + (f"{separator}and {more} more" if more > 0 else "")


@app.command()
def export(
    source: _Source,
    output: Annotated[Path, typer.Argument(help="A file that ends in .parquet.")],
) -> None:
    """Write a knowledge base as Parquet, one row a concept, for people and other tools."""
    rejections = Rejections()
    with failures_reported(), knowledge_base_errors():
        if output.suffix != ".parquet":
            raise InputError(f"{output}: expected a name that ends in .parquet; for other forms use `angel kb build`")
        check_output(output)
        knowledge_base = _open(source, rejections)
        knowledge_base.to_parquet(output)
        typer.echo(f"{output}: {knowledge_base!r}")
    tell(rejections)


def _names_by_concept(pairs: Iterable[str]) -> dict[str, list[str]]:
    """What `CONCEPT=NAME` options say; a name may hold the sign, an identifier not."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        concept_id, sign, name = pair.partition("=")
        if not (concept_id and sign and name):
            raise InputError(f"{pair!r}: expected a concept's identifier, an equals sign and a name, as in D001260=A-T")
        found.setdefault(concept_id, []).append(name)
    return found


def _open(
    source: Path,
    rejections: Rejections,
    normalization: Normalization | None = None,
    selection: Selection = EVERYTHING,
) -> KnowledgeBase:
    from angel_hf import KnowledgeBase

    return KnowledgeBase.from_file(source, normalization.value if normalization else None, selection, rejections)


def _keep_names(file: Path, model: str) -> None:
    """Tokenise the names of a saved knowledge base for a model."""
    if model == _NO_MODEL:
        return
    # Here, so that help loads no library.
    from angel_hf import KnowledgeBase
    from angel_hf.model.checkpoint import Checkpoint
    from angel_hf.model.kept_names import keep_names

    try:
        checkpoint = Checkpoint(model, None, {})
        checkpoint = checkpoint.companion(checkpoint.config())
        positions = checkpoint.config().max_position_embeddings
        keep_names(KnowledgeBase.load(file), checkpoint.processor(None, positions), positions)
    except OSError as error:
        raise InputError(f"--model {model}: {error}") from None


def _resolve(knowledge_base: KnowledgeBase, source: Path, concept_id: str) -> str:
    found = knowledge_base.resolve(concept_id)
    if found is None:
        raise InputError(f"{source}: {knowledge_base.explain_unknown(concept_id)}")
    return found


def _as_known(knowledge_base: KnowledgeBase, concept_id: str) -> str:
    """The identifier of a known concept, or a new one; a bare number is of none but the one that is spelled so."""
    return concept_id if concept_id.isdecimal() else knowledge_base.resolve(concept_id) or concept_id


def _as_spelled_in(knowledge_base: KnowledgeBase, added: KnowledgeBase) -> KnowledgeBase:
    """What is to be added, its concepts by the identifiers that they have in the knowledge base already."""
    own = {concept_id: _as_known(knowledge_base, concept_id) for concept_id in added.concept_ids}
    if all(concept_id == known for concept_id, known in own.items()):
        return added
    renamed = (replace(concept, concept_id=own[concept.concept_id]) for concept in added.concepts())
    return type(added).from_concepts(renamed, added.normalization)


@contextmanager
def knowledge_base_errors() -> Iterator[None]:
    """What a file of concepts can be refused for; the messages are the readers' own."""
    try:
        yield
    except (ValueError, ImportError) as error:
        raise InputError(str(error)) from None
