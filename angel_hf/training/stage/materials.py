"""The materials of a recipe's stages: knowledge base, corpora, tokenizer and processor, each read on first use."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from angel_hf import AngelProcessor, KnowledgeBase
from angel_hf.formats.ontologies import read_concepts, read_terms
from angel_hf.formats.term import Term
from angel_hf.training.data.concept_names import ConceptNames
from angel_hf.training.data.corpus import AnnotatedMention, expanded, read_corpus
from angel_hf.training.data.ontologies import join_ontologies
from angel_hf.training.data.vocabulary import train_tokenizer
from angel_hf.training.data.word_pieces import kept_word_pieces
from angel_hf.training.model.base import base_processor, new_processor
from angel_hf.training.model.pretrained_encoder import PretrainedEncoder, load_encoder
from angel_hf.training.recipes.schema import Recipe
from angel_hf.training.stage.artifacts import finished
from angel_hf.types import Concept


class Materials:
    """The data of a recipe.

    Args:
        recipe: names the files and how to read them.
        data: directory that the recipe's paths are relative to.
        output: directory in which a new vocabulary is saved.

    Attributes:
        files: all files that the recipe reads.

    Raises:
        FileNotFoundError: a file of the recipe is missing.
    """

    def __init__(self, recipe: Recipe, data: Path, output: Path) -> None:
        self.recipe = recipe
        self.data = data
        self.output = output
        self._released: dict[AnnotatedMention, AnnotatedMention] = {}
        table = recipe.data
        self.files = table.paths((*table.knowledge_base, *table.ontologies), data)
        for corpus in table.paths((*table.train, *table.dev), data):
            suffixes = (".source", "label.txt") if table.corpus_format == "genbioel" else ("",)
            self.files += [corpus.with_name(corpus.name + suffix) for suffix in suffixes]
        missing = [str(path) for path in self.files if not path.is_file()]
        if missing:
            raise FileNotFoundError(f"recipe {recipe.name}: no file {', '.join(missing)}; --data is {data}")

    @property
    def base(self) -> Path:
        """Directory of the adapters' base model; absolute, so that it is found from any directory."""
        return self.output.resolve() / "base"

    @cached_property
    def knowledge_base(self) -> KnowledgeBase:
        """The targets, to which the trained model links as well."""
        concepts = itertools.chain.from_iterable(self._concepts())
        return KnowledgeBase.from_concepts(concepts, self.recipe.data.normalization)

    @cached_property
    def concept_names(self) -> ConceptNames:
        """The knowledge base's names, and those of its concepts in other ontologies."""
        files = self.recipe.data.paths(self.recipe.data.ontologies, self.data)
        synonyms = join_ontologies(self.knowledge_base, map(_terms, files)) if files else {}
        weights = {
            concept.concept_id: weight
            for weight, concepts in zip(self.recipe.data.name_weights, self._concepts())
            for concept in concepts
        }
        return ConceptNames(self.knowledge_base, synonyms, self.recipe.seed, weights)

    @cached_property
    def train(self) -> list[AnnotatedMention]:
        """The mentions to learn from."""
        return self._corpus(self.recipe.data.train)

    def released(self, mentions: Iterable[AnnotatedMention]) -> list[AnnotatedMention]:
        """Of the given mentions those whose abbreviations were written out, in their released form."""
        return [self._released[annotated] for annotated in mentions if annotated in self._released]

    @cached_property
    def dev(self) -> list[AnnotatedMention]:
        """The mentions by which models are chosen."""
        return self._corpus(self.recipe.data.dev)

    @property
    def learned(self) -> list[AnnotatedMention]:
        """The mentions that fine-tuning and preference training learn from."""
        return [*self.train, *self.dev] if self._dev_is_learned else self.train

    @property
    def unseen(self) -> list[AnnotatedMention]:
        """The dev mentions on which models can be measured; none if they learn from them."""
        return [] if self._dev_is_learned else self.dev

    @property
    def _dev_is_learned(self) -> bool:
        fine_tuning = self.recipe.fine_tuning
        return fine_tuning is not None and fine_tuning.dev_too

    @cached_property
    def encoder(self) -> PretrainedEncoder:
        """The pretrained encoder of a recipe that names one."""
        model = self.recipe.model
        assert model.encoder is not None, "only such a recipe has one"
        return load_encoder(model.encoder, model.encoder_sha256)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The checkpoint's tokenizer; the encoder's word pieces; or a new one, of the names and, twice, the corpus."""
        if self.recipe.model.base is not None:
            return self.processor.tokenizer
        path = self.output / "tokenizer"
        finished(path, lambda partial: self._new_tokenizer().save_pretrained(partial))
        return AutoTokenizer.from_pretrained(path)

    @cached_property
    def processor(self) -> AngelProcessor:
        """Converts the recipe's mentions to token ids."""
        if self.recipe.model.base is not None:
            return base_processor(self.recipe)
        return new_processor(self.recipe, self.tokenizer)

    def _concepts(self) -> Iterator[Iterator[Concept]]:
        """The concepts of each file of the knowledge base."""
        files = self.recipe.data.paths(self.recipe.data.knowledge_base, self.data)
        return (read_concepts(path)[0] for path in files)

    def _corpus(self, names: tuple[str, ...]) -> list[AnnotatedMention]:
        table = self.recipe.data
        paths = table.paths(names, self.data)
        mentions = [mention for path in paths for mention in read_corpus(path, table.corpus_format)]
        if not table.expand_abbreviations:
            return mentions
        written_out = expanded(mentions)
        pairs = zip(written_out, mentions, strict=True)
        self._released.update((changed, plain) for changed, plain in pairs if changed.mention != plain.mention)
        return written_out

    def _new_tokenizer(self) -> PreTrainedTokenizerBase:
        # Spelled as the processor does.
        texts = [f" {name}" for surfaces in self.concept_names.surfaces.values() for name in surfaces]
        documents = {annotated.document_id: annotated.mention.text for annotated in self.train}
        texts += [" " + text.lower() for text in documents.values()] * 2
        if self.recipe.model.encoder is not None:
            return kept_word_pieces(self.encoder.tokenizer, texts, "is")
        size = self.recipe.model.vocabulary_size
        assert size is not None, "a new model's recipe has been checked for it"
        return train_tokenizer(texts, size, ["START", "END", "is"])


def _terms(path: Path) -> Iterator[Term]:
    return (item for item in read_terms(path) if isinstance(item, Term))
