"""What a recipe's stages are made from: its knowledge base, corpora, tokenizer and processor, read when first asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from angel_hf import AngelProcessor, KnowledgeBase
from angel_hf.formats.ontologies import read_concepts, read_terms
from angel_hf.training.base import base_processor, new_processor
from angel_hf.training.concept_names import ConceptNames
from angel_hf.training.corpus import AnnotatedMention, expanded, read_corpus
from angel_hf.training.ontologies import Synonyms, join_ontologies
from angel_hf.training.recipe import Recipe
from angel_hf.training.stages import finished
from angel_hf.training.vocabulary import train_tokenizer
from angel_hf.types import Concept


class Materials:
    """The data of a recipe.

    Args:
        recipe: what is read, and how.
        data: directory that the recipe's paths are below.
        output: directory in which a new vocabulary is kept.

    Attributes:
        files: all that the recipe reads.

    Raises:
        FileNotFoundError: a file of the recipe is not there.
    """

    def __init__(self, recipe: Recipe, data: Path, output: Path) -> None:
        self.recipe = recipe
        self.data = data
        self.output = output
        self._released: dict[AnnotatedMention, AnnotatedMention] = {}
        table = recipe.data
        wanted = table.paths((*table.knowledge_base, *table.ontologies), data)
        for corpus in table.paths((*table.train, *table.dev), data):
            suffixes = (".source", "label.txt") if table.corpus_format == "genbioel" else ("",)
            wanted += [corpus.with_name(corpus.name + suffix) for suffix in suffixes]
        self.files = wanted
        missing = [str(path) for path in wanted if not path.is_file()]
        if missing:
            raise FileNotFoundError(f"recipe {recipe.name}: no file {', '.join(missing)}; --data is {data}")

    @property
    def base(self) -> Path:
        """Directory of the model that adapters change, the same from wherever a model is loaded."""
        return self.output.resolve() / "base"

    @cached_property
    def knowledge_base(self) -> KnowledgeBase:
        """The names that are targets."""
        concepts = itertools.chain.from_iterable(self._concepts())
        return KnowledgeBase.from_concepts(concepts, self.recipe.data.normalization)

    @cached_property
    def concept_names(self) -> ConceptNames:
        """The knowledge base's names and what other ontologies call its concepts."""
        files = self.recipe.data.paths(self.recipe.data.ontologies, self.data)
        synonyms = join_ontologies(self.knowledge_base, map(read_terms, files)) if files else Synonyms()
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
        """Those of the mentions whose abbreviations were written out, as their documents have them."""
        return [self._released[annotated] for annotated in mentions if annotated in self._released]

    @cached_property
    def dev(self) -> list[AnnotatedMention]:
        """The mentions that choices are made by."""
        return self._corpus(self.recipe.data.dev)

    @property
    def learned(self) -> list[AnnotatedMention]:
        """The mentions that fine-tuning and preference training learn from."""
        return [*self.train, *self.dev] if self._dev_is_learned else self.train

    @property
    def unseen(self) -> list[AnnotatedMention]:
        """The mentions of dev that finished models can be measured on; none where they have learned from them."""
        return [] if self._dev_is_learned else self.dev

    @property
    def _dev_is_learned(self) -> bool:
        fine_tuning = self.recipe.fine_tuning
        return fine_tuning is not None and fine_tuning.dev_too

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The checkpoint's tokenizer; or a new one, of the names and, twice, of the corpus."""
        if self.recipe.model.base is not None:
            return self.processor.tokenizer
        path = self.output / "tokenizer"
        finished(path, lambda partial: self._new_tokenizer().save_pretrained(partial))
        return AutoTokenizer.from_pretrained(path)

    @cached_property
    def processor(self) -> AngelProcessor:
        """Turns the recipe's mentions into ids."""
        if self.recipe.model.base is not None:
            return base_processor(self.recipe)
        return new_processor(self.recipe, self.tokenizer)

    @cached_property
    def linking_knowledge_base(self) -> KnowledgeBase:
        """What the trained model links to: the knowledge base, and the training strings if the recipe wants them."""
        if not self.recipe.data.training_strings:
            return self.knowledge_base
        strings: dict[str, list[str]] = {}
        for annotated in self.learned:
            for concept_id in annotated.concept_ids(self.knowledge_base):
                strings.setdefault(concept_id, []).append(annotated.mention.surface)
        return self.knowledge_base.with_names(strings)

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
        size = self.recipe.model.vocabulary_size
        assert size is not None, "a new model's recipe has been checked for it"
        return train_tokenizer(texts, size, ["START", "END", "is"])
