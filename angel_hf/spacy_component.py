"""The spaCy component `angel_linker`: entities of a pipeline linked to concepts.

    import angel_hf.spacy_component
    nlp.add_pipe("angel_linker", config={"model": "angel-mini"})

`ent.kb_id_` is the first concept of the best candidate, `ent._.angel` the whole `Annotated`, and `ent._.kb_ents` the
candidates in the form of scispaCy's linker: pairs of a concept id and a score between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

try:
    from spacy.language import Language
    from spacy.pipeline import Pipe
    from spacy.tokens import Doc, Span
except ImportError as error:
    raise ImportError("the spaCy component needs: pip install 'angel-hf[spacy]'") from error

from angel_hf.annotation.annotator import Annotator
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.model.entity_linking import AngelForEntityLinking
from angel_hf.results import Annotated
from angel_hf.search.beam import BeamSearch
from angel_hf.types import Concept, Mention

NIL = "NIL"
"""`ent.kb_id_` of an entity without an answer, as spaCy's own linker writes it."""


@Language.factory(
    "angel_linker",
    requires=["doc.ents"],
    assigns=["doc.ents", "token.ent_kb_id"],
    default_config={"model": "angel-mini", "revision": None, "precision": None, "detect": False, "top_k": 10},
)
def make_angel_linker(
    nlp: Language, name: str, model: str, revision: str | None, precision: float | None, detect: bool, top_k: int
) -> AngelLinker:
    """Make the component from a pipeline's configuration."""
    return AngelLinker(nlp, name, model, revision, precision, detect, top_k)


class AngelLinker(Pipe):
    """Links `doc.ents`.

    Args:
        nlp: the pipeline.
        name: of the component in it.
        model: an embedded model, a folder, or a Hub repository; loaded at the first document.
        revision: of a repository.
        precision: where low confidence becomes NIL; see `Annotator`.
        detect: whether detected names of the knowledge base become entities where the pipeline found none.
        top_k: most candidates of an entity.
    """

    def __init__(
        self,
        nlp: Language,
        name: str = "angel_linker",
        model: str = "angel-mini",
        revision: str | None = None,
        precision: float | None = None,
        detect: bool = False,
        top_k: int = 10,
    ) -> None:
        self.nlp = nlp
        self.name = name
        self.model_name = model
        self.revision = revision
        self.precision = precision
        self.detect = detect
        self.top_k = top_k
        self._model: AngelForEntityLinking | None = None
        self._annotator: Annotator | None = None
        for attribute, default in (("angel", None), ("kb_ents", [])):
            if not Span.has_extension(attribute):
                Span.set_extension(attribute, default=default)

    @property
    def annotator(self) -> Annotator:
        """Links the entities; built at its first use."""
        if self._annotator is None:
            self._annotator = Annotator(self.model, precision=self.precision)
        return self._annotator

    @property
    def model(self) -> AngelForEntityLinking:
        """The model, loaded at its first use."""
        if self._model is None:
            self._model = AngelForEntityLinking.from_pretrained(self.model_name, revision=self.revision).eval()
        return self._model

    @property
    def kb(self) -> ConceptLookup:
        """The concepts, in the form of scispaCy's `linker.kb`: `linker.kb.cui_to_entity[concept_id]`."""
        knowledge_base = self.annotator.model.knowledge_base
        assert knowledge_base is not None, "an annotator has a knowledge base"
        return ConceptLookup(knowledge_base)

    def use(self, model: AngelForEntityLinking) -> None:
        """Link with a model that is already loaded, from now on."""
        self._annotator = Annotator(model, precision=self.precision, search=BeamSearch(max(10, self.top_k)))
        self._model = model

    def __call__(self, doc: Doc) -> Doc:
        """Link the entities of one document."""
        self._link([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 32) -> Iterator[Doc]:
        """Link a stream of documents, the entities of `batch_size` documents together."""
        documents = iter(stream)
        while batch := list(islice(documents, batch_size)):
            self._link(batch)
            yield from batch

    def _link(self, documents: list[Doc]) -> None:
        if self.detect:
            self._add_entities(documents)
        spans = [(doc, ent) for doc in documents for ent in doc.ents]
        mentions = [Mention(doc.text, ent.start_char, ent.end_char) for doc, ent in spans]
        linked = self.annotator.annotate_mentions(mentions, self.top_k)
        ents: dict[int, list[Span]] = {id(doc): [] for doc in documents}
        for (doc, ent), parts in zip(spans, linked):
            ents[id(doc)].append(_linked_span(doc, ent, parts))
        for doc in documents:
            doc.set_ents(ents[id(doc)])

    def _add_entities(self, documents: list[Doc]) -> None:
        for doc, mentions in zip(documents, self.annotator.detector.detect([doc.text for doc in documents])):
            taken = {token.i for ent in doc.ents for token in ent}
            found = (doc.char_span(one.start, one.end, label="ENTITY", alignment_mode="expand") for one in mentions)
            added: list[Span] = []
            for span in found:
                if span is not None and taken.isdisjoint(token.i for token in span):
                    added.append(span)
                    taken.update(token.i for token in span)
            doc.set_ents([*doc.ents, *added])

    # spaCy saves the settings of a component; the model is saved beside them.

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model beside the pipeline, so that it loads elsewhere."""
        self.model.save_pretrained(Path(path))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> AngelLinker:
        """Load the model that `to_disk` wrote."""
        self.use(AngelForEntityLinking.from_pretrained(Path(path)).eval())
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Empty: spaCy keeps the configuration, and the model is loaded again by its name."""
        return b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> AngelLinker:
        """The counterpart of `to_bytes`."""
        return self


class ConceptLookup:
    """Concepts by id, by the attribute name that scispaCy uses."""

    def __init__(self, knowledge_base: KnowledgeBase) -> None:
        self._knowledge_base = knowledge_base

    @property
    def cui_to_entity(self) -> ConceptLookup:
        """The mapping itself, for `linker.kb.cui_to_entity[concept_id]`."""
        return self

    def __contains__(self, concept_id: str) -> bool:
        return self._knowledge_base.resolve(concept_id) is not None

    def __getitem__(self, concept_id: str) -> ScispacyEntity:
        return ScispacyEntity(self._knowledge_base.concept(self._knowledge_base.resolve(concept_id) or concept_id))


class ScispacyEntity:
    """A concept by scispaCy's attribute names.

    Attributes:
        concept_id, canonical_name, aliases, types, definition: as there; definition is always None.
    """

    def __init__(self, concept: Concept) -> None:
        self.concept_id = concept.concept_id
        self.canonical_name = concept.names[0]
        self.aliases = list(concept.names[1:])
        self.types = list(concept.semantic_types)
        self.definition: str | None = None


def _linked_span(doc: Doc, ent: Span, parts: list[Annotated]) -> Span:
    """The entity with its concepts; `kb_id_` of a composite mention is that of its first part."""
    first = parts[0]
    kb_id = NIL if first.best is None or first.is_nil else first.best.concept_ids[0]
    span = Span(doc, ent.start, ent.end, label=ent.label_, kb_id=kb_id, span_id=ent.id_)
    span._.angel = first if len(parts) == 1 else tuple(parts)
    span._.kb_ents = [pair for part in parts for pair in _pairs(part)]
    return span


def _pairs(annotated: Annotated) -> list[tuple[str, float]]:
    if annotated.is_nil:
        return []
    return [
        (concept_id, math.exp(candidate.score))
        for candidate in annotated.candidates
        for concept_id in candidate.concept_ids
    ]
