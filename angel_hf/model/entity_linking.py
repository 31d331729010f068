"""The linking model of the package: the portable one, with every engine, search, knowledge base and raw text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, overload

from transformers import PreTrainedTokenizerBase

from angel_hf.annotation.annotator import Annotator
from angel_hf.annotation.detector import MentionDetector
from angel_hf.arrays.sealed_file import seal
from angel_hf.knowledge_base.knowledge_base import KnowledgeBase
from angel_hf.model import loading, modeling_angel
from angel_hf.model.configuration_angel import AngelConfig
from angel_hf.model.kept_names import tokenized_names
from angel_hf.model.processing_angel import list_of_mentions
from angel_hf.model.processor import AngelProcessor
from angel_hf.model.ranked_linking import RankedLinking, check_finite
from angel_hf.model.remote_code import code_files
from angel_hf.model.saved_names import OPTIONAL_FILES
from angel_hf.model.tokenized_names import TokenizedNames
from angel_hf.ranking.confidence import CONFIDENCE_FILE, Confidence
from angel_hf.ranking.ranker import MOST_NAMES, Ranker
from angel_hf.ranking.ranking import MEMORY_WEIGHT, Ranking, Weights
from angel_hf.results import Annotated, Proven
from angel_hf.search.answer_cache import AnswerCache
from angel_hf.search.batches import Search, answer_questions
from angel_hf.search.beam import BeamSearch, Names
from angel_hf.search.best_first import BestFirstSearch, Proof
from angel_hf.search.verbatim import VerbatimFirst
from angel_hf.text.reading import normalize
from angel_hf.trie.name_trie import NameTrie
from angel_hf.trie.walkable_trie import WalkableTrie
from angel_hf.types import Candidate, Hypothesis, Linked, Mention, Question


class AngelForEntityLinking(modeling_angel.AngelForEntityLinking):
    """BART under a trie of names: `link` takes mentions to ranked concepts, `annotate` finds them in raw text.

    Beside BART's parameters a model carries a processor (text to ids), a knowledge base and the trie of its names;
    `from_pretrained` loads and `save_pretrained` writes all of them.

    Attributes:
        processor: an AngelProcessor, or None.
        knowledge_base: a KnowledgeBase, or None; change it with `set_knowledge_base`.
        trie: the NameTrie whose name indices are the knowledge base's entries.
        confidence: how sure answers are, or None where that was never fitted.
        ranking: the stages that weigh what the search finds, or None for the published method.
        answer_cache: set an AnswerCache to answer mentions that come again from memory; None: every one is searched.
        allowed_concepts: of a view that links to a part of its knowledge base; see `angel_hf.model.subset`.
    """

    processor: AngelProcessor | None
    knowledge_base: KnowledgeBase | None
    trie: WalkableTrie | None

    def __init__(self, config: AngelConfig) -> None:
        super().__init__(config)
        self.confidence: Confidence | None = None
        self.ranking: Ranking | None = None
        self.answer_cache: AnswerCache[Any] | None = None
        self.allowed_concepts: frozenset[str] | None = None

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *model_args: Any,
        knowledge_base: KnowledgeBase | str | Path | None = None,
        tokenizer: PreTrainedTokenizerBase | str | Path | None = None,
        revision: str | None = None,
        rebuild_trie: bool = False,
        **kwargs: Any,
    ) -> AngelForEntityLinking:
        """Load a model with its processor, knowledge base and trie, all at one revision.

        Args:
            pretrained_model_name_or_path: "angel-mini", which the package holds; a directory or Hub
                repository that `save_pretrained` or `push_to_hub` wrote; an adapter, for which the base model is
                loaded at the revision that the adapter names; weights that go with the files of another model
                (`config.files_of`); or any plain BART checkpoint, such as the published "dmis-lab/ANGEL_ncbi", with
                `knowledge_base` and where it lacks one `tokenizer`.
            knowledge_base: instead of the one saved with the model; a file is read with
                `KnowledgeBase.from_file`.
            tokenizer: instead of the one saved with the model.
            revision: branch, tag or commit; resolved once for all files.
            rebuild_trie: build the trie anew instead of reading it, over whatever knowledge base is there.
            kwargs: as for any transformers model; `dtype` is float32 unless given, since half precision, in
                which weights may be stored, is slow on CPUs.

        Raises:
            ValueError: the checkpoint is neither ANGEL's nor BART's; a file is damaged, or its knowledge base or
                trie is not the one that belongs to it; or its names were withheld for their licence.
            OSError: the repository is unavailable, a file is missing, or the checkpoint has no tokenizer and none
                was given.
            ImportError: an adapter, and peft is not installed.
        """
        names = loading.GivenNames(knowledge_base, tokenizer, rebuild_trie)
        # Past the portable model's own loading, which knows saved models only.
        load_weights = super(modeling_angel.AngelForEntityLinking, cls).from_pretrained
        return loading.load(load_weights, pretrained_model_name_or_path, model_args, revision, names, kwargs)

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **kwargs: Any) -> None:
        """Write weights, configuration, processor, knowledge base, trie, confidence and code to a directory.

        Raises:
            ValueError: `push_to_hub` was set; transformers would push the weights without the rest.
        """
        self.unread_files = code_files()
        if self.confidence is not None:
            self.unread_files[CONFIDENCE_FILE] = self.confidence.to_json().encode()
        if self.ranking is not None:
            self.unread_files |= self.ranking.files()
        super().save_pretrained(save_directory, push_to_hub, **kwargs)
        for weights in Path(save_directory).glob("model*.safetensors"):
            seal(weights)
        # What another model left there would come back with this one.
        names = loading.NAME_FILES if self.config.trie_fingerprint is not None and self.processor is not None else set()
        for name in OPTIONAL_FILES - names - self.unread_files.keys():
            Path(save_directory, name).unlink(missing_ok=True)

    def require_processor(self) -> AngelProcessor:
        """The processor; see the portable model."""
        return cast(AngelProcessor, super().require_processor())

    def set_knowledge_base(self, knowledge_base: KnowledgeBase) -> None:
        """Link to another knowledge base from now on; nothing is trained.

        Names that the tokenizer cannot tell apart come to share an entry.

        Raises:
            ValueError: a name is longer than the model can generate, or tokenises to nothing.
            RuntimeError: the model has no processor.
        """
        self._attach(tokenized_names(knowledge_base, self.require_processor(), self._max_positions))

    def update_knowledge_base(
        self,
        add: Mapping[str, Sequence[str]] | KnowledgeBase | None = None,
        remove: Mapping[str, Sequence[str]] | None = None,
        remove_concepts: Iterable[str] = (),
    ) -> None:
        """Remove names or concepts, then add others; only new names are tokenised, and the trie is changed, not built.

        The result is that of `set_knowledge_base` with the changed knowledge base. A name may be added to a concept
        that is there, or make a new one.

        Args:
            add: `{concept_id: [name, ...]}`, or a knowledge base.
            remove: names to take from concepts, in the same form.
            remove_concepts: identifiers of concepts to remove with all names that they alone bear.

        Raises:
            RuntimeError: there is no knowledge base to change, or the model is a view of a part of one.
            ValueError: what is to be removed is not there, nothing would be left of a concept or of all, or a name to
                add cannot be used.
        """
        if self.knowledge_base is None or self.trie is None:
            raise RuntimeError("the model has no knowledge base to change; call model.set_knowledge_base first")
        if self.allowed_concepts is not None:
            raise RuntimeError(
                f"the model is restricted to {len(self.allowed_concepts):,} concepts, which does not tell where new "
                "ones belong; change the knowledge base of the whole model, and restrict it again"
            )
        assert isinstance(self.trie, NameTrie), "only a view has a part of a trie"
        present = TokenizedNames(self.knowledge_base, self.trie)
        processor = self.require_processor()
        self._attach(present.updated(processor, self._max_positions, add, remove, remove_concepts))

    def _attach(self, names: TokenizedNames) -> None:
        # At once, as another thread may link meanwhile, which takes all of the former or all of the new.
        self.__dict__.update(knowledge_base=names.knowledge_base, trie=names.trie, allowed_concepts=None)
        if self.answer_cache is not None:
            self.answer_cache.clear()  # its questions have the former trie

    @property
    def _max_positions(self) -> int:
        return int(self.config.max_position_embeddings)

    def remember(self, mentions: Sequence[Mention], concepts: Sequence[str | Sequence[str]]) -> None:
        """Learn at once what mentions mean, without training: their concepts come up for all that is spelled like them.

        How far depends on the weight of the memory (`Ranking.weights`): a concept whose names the search does not find,
        or scores far below others, may stay behind. A memory belongs to the model and is saved with it. What is
        remembered last of a spelling holds.

        Args:
            mentions: their surfaces are remembered.
            concepts: of each mention, the identifier or the identifiers.

        Raises:
            ValueError: not as many concepts as mentions, or none for one of them; or a mention without letters.
            TypeError: a mention is a string, or a mention or identifier comes without a list around it.
            KeyError: a concept is not in the knowledge base.
            RuntimeError: the model has no knowledge base.
        """
        if self.knowledge_base is None:
            raise RuntimeError("the model has no knowledge base to remember concepts of; call set_knowledge_base first")
        if isinstance(mentions, Mention) or isinstance(concepts, str):
            raise TypeError(f"got {mentions!r:.60} with {concepts!r:.60}; expected a list of mentions, and of concepts")
        mentions = list_of_mentions(mentions)
        ids = [(one,) if isinstance(one, str) else tuple(one) for one in concepts]
        if len(ids) != len(mentions) or not all(ids):
            raise ValueError(f"{len(mentions)} mentions with concepts {ids!r:.80}; expected one or more for each")
        known = [tuple(self.knowledge_base.concept(one).concept_id for one in own) for own in ids]
        if not mentions:
            return
        ranking = self.ranking or Ranking(Weights(memory=MEMORY_WEIGHT))
        self.ranking = ranking.remembering(zip((one.surface for one in mentions), known))

    @property
    def ranker(self) -> Ranker | None:
        """What ranks the answers of the search; None where the model has no ranking, no names or too many."""
        ranking, names = self.ranking, self.knowledge_base
        if ranking is None or names is None or names.num_entries > MOST_NAMES:
            return None
        return Ranker(ranking, names)

    def stages(self, search: Search) -> RankedLinking | None:
        """What ranks the answers of a search: the `ranker`, but for a search that promises which name comes first.

        BestFirstSearch proves what is best by the published method, VerbatimFirst puts a spelled name first.
        """
        ranker = None if isinstance(search, (BestFirstSearch, VerbatimFirst)) else self.ranker
        return None if ranker is None else RankedLinking(ranker)

    def questions(
        self, mentions: Sequence[Mention], context_tokens: int | None = None, search: Any = None
    ) -> list[Question]:
        """What a search reads of each mention; for VerbatimFirst with the name that the mention spells."""
        found = super().questions(mentions, context_tokens, search)
        if not isinstance(search, VerbatimFirst) or self.knowledge_base is None:
            return found
        form = self.knowledge_base.normalization
        processor = self.require_processor()
        surfaces = processor.encode_names([normalize(processor.folded(one.surface), form) for one in mentions])
        return [replace(question, surface_ids=surface) for question, surface in zip(found, surfaces)]

    def answer(
        self, questions: Sequence[Question], search: Search, top_k: int, batch_size: int = 32
    ) -> list[Sequence[Hypothesis]]:
        """Search for names, on ids, by the engine that is fastest here; see the portable model."""
        for name, value in (("top_k", top_k), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"{name}={value}; expected 1 or more")
        self.check(questions)
        assert self.trie is not None, "was checked"
        names = Names(self.trie, self._concepts_of) if self.knowledge_base is not None else Names(self.trie)
        return answer_questions(self, names, search, questions, top_k, batch_size, self.answer_cache)

    def _concepts_of(self, name_index: int) -> frozenset[str]:
        assert self.knowledge_base is not None, "was checked"
        return frozenset(self.knowledge_base.entry_concept_ids(name_index))

    def linked(self, mention: Mention, hypotheses: Sequence[Hypothesis]) -> Linked:
        """A mention with its candidates, and their proof where the search gave one."""
        check_finite(mention, (one.score for one in hypotheses))
        linked = super().linked(mention, hypotheses)
        if isinstance(hypotheses, Proof):
            return Proven(mention, linked.candidates, hypotheses.is_proven, hypotheses.expansions)
        return linked

    def candidate(self, hypothesis: Hypothesis) -> Candidate:
        """The name that a hypothesis writes, with its concepts; of a view, with those that are allowed."""
        found = super().candidate(hypothesis)
        if self.allowed_concepts is None:
            return found
        return replace(found, concept_ids=tuple(filter(self.allowed_concepts.__contains__, found.concept_ids)))

    @overload
    def annotate(  # type: ignore[overload-overlap]  # a str is a Sequence[str] to the type system
        self, texts: str, detector: MentionDetector | None = ..., precision: float | None = ..., top_k: int = ...
    ) -> list[Annotated]: ...

    @overload
    def annotate(
        self,
        texts: Sequence[str],
        detector: MentionDetector | None = ...,
        precision: float | None = ...,
        top_k: int = ...,
    ) -> list[list[Annotated]]: ...

    def annotate(
        self,
        texts: str | Sequence[str],
        detector: MentionDetector | None = None,
        precision: float | None = None,
        top_k: int = 10,
    ) -> list[Annotated] | list[list[Annotated]]:
        """Find and link the mentions of a text, or of each of a list of texts.

        Args:
            texts: as they come; offsets count their characters.
            detector: finds mentions; without one, the knowledge base's names are looked up.
            precision: where the stored confidence cannot promise it, an answer is marked as NIL.
            top_k: most candidates for each mention.

        Returns:
            Mentions in the text's order, each with its confidence, whether it is NIL, and what was linked in its place.

        Raises:
            ValueError: the model has no threshold for the precision.
            RuntimeError: no knowledge base is attached.
        """
        annotator = Annotator(self, detector, precision, search=BeamSearch(max(10, top_k)))
        found = annotator.annotate([texts] if isinstance(texts, str) else texts, top_k)
        return found[0] if isinstance(texts, str) else found
