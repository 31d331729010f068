"""The linking model: BART that writes names of a knowledge base and nothing else."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import torch
from transformers import PreTrainedTokenizerBase

from ..knowledge_base.knowledge_base import KnowledgeBase
from ..ranking.confidence import CONFIDENCE_FILE, Confidence
from ..search.adaptive import adaptive_beam_search
from ..search.answer_cache import Answer, AnswerCache
from ..search.batches import search_batches
from ..search.beam import beam_search
from ..search.best_first import Proof, best_first_search
from ..search.options import PUBLISHED, SearchOptions
from ..search.verbatim import put_first, score_names
from ..text.reading import normalize
from ..trie.name_trie import NameTrie
from ..types import Candidate, Hypothesis, Linked, Mention, Proven
from .checkpoint import Checkpoint
from .configuration_angel import AngelConfig
from .generation import BartWithTrieGeneration
from .processing_angel import AngelProcessor, list_of_mentions
from .remote_code import write_code
from .saved_names import OPTIONAL_FILES, load_names, own_names, trie_provenance
from .tokenized_names import TokenizedNames
from .weights import check_weights, pickles_refused, refuse_missing, with_adapter


class AngelForEntityLinking(BartWithTrieGeneration):
    """BART under a trie of names: `link` takes mentions to ranked concepts.

    The parameters are BART's, by the same names. Beside them a model carries a processor (text to
    ids), a knowledge base and the trie of its names; `from_pretrained` loads and `save_pretrained` writes
    all of them.

    Attributes:
        processor: an AngelProcessor, or None.
        knowledge_base: a KnowledgeBase, or None; change it with `set_knowledge_base`.
        trie: the NameTrie whose name indices are the knowledge base's entries.
        confidence: how to weigh answers, or None where that was never fitted.
        answer_cache: set an AnswerCache to answer mentions that come again from memory; None: every one is searched.
    """

    config_class = AngelConfig

    def __init__(self, config: AngelConfig) -> None:
        super().__init__(config)
        self.processor: AngelProcessor | None = None
        self.knowledge_base: KnowledgeBase | None = None
        self.trie: NameTrie | None = None
        self.confidence: Confidence | None = None
        self.answer_cache: AnswerCache[Any] | None = None
        # Set on a view that links to a part of its knowledge base; see `angel_hf.model.subset`.
        self.allowed_concepts: frozenset[str] | None = None

    # Loading and saving

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
            OSError: the repository cannot be had, a file is missing, or the checkpoint has no tokenizer and none
                was given.
            ImportError: an adapter, and peft is not installed.
        """
        given_adapter = kwargs.pop("adapter_kwargs", None) or {}
        if "_adapter_model_path" in given_adapter:
            # An Auto class found an adapter and went to its base, but not to the revision that the adapter names.
            pretrained_model_name_or_path, revision = (
                given_adapter["_adapter_model_path"],
                given_adapter.get("revision"),
            )
        checkpoint = Checkpoint(pretrained_model_name_or_path, revision, kwargs)
        if (adapter := checkpoint.adapter()) is not None:
            kwargs |= {"knowledge_base": knowledge_base, "tokenizer": tokenizer, "rebuild_trie": rebuild_trie}
            kwargs.pop("config", None)  # of the base's newest revision, where an Auto class gave it
            if (other := Checkpoint(adapter.base, adapter.revision, kwargs).adapter()) is not None:
                raise ValueError(
                    f"{checkpoint.path}: changes {adapter.base}, which is an adapter itself, of {other.base}; expected "
                    "the adapter of a whole model"
                )
            model = cls.from_pretrained(adapter.base, *model_args, revision=adapter.revision, **kwargs)
            with pickles_refused(checkpoint.path):
                return with_adapter(model, checkpoint)
        config = kwargs.pop("config", None) or checkpoint.config()
        whole = checkpoint.companion(config)
        if whole is not checkpoint:
            config = whole.config()
        check_weights(checkpoint, config)
        # `torch_dtype` is the former name of `dtype`, which transformers still takes.
        default = {} if "torch_dtype" in kwargs else {"dtype": torch.float32}
        kwargs = default | kwargs | {"config": config, "revision": checkpoint.hub["revision"]}
        wants_info = kwargs.pop("output_loading_info", False)
        with pickles_refused(checkpoint.path):
            model, info = super().from_pretrained(checkpoint.path, *model_args, output_loading_info=True, **kwargs)
        refuse_missing(checkpoint.path, info["missing_keys"])
        model.set_processor(whole.processor(tokenizer, config.max_position_embeddings))
        if (stored := checkpoint.file(CONFIDENCE_FILE)) is not None:
            model.confidence = Confidence.load(stored)
        if isinstance(knowledge_base, (str, Path)):
            knowledge_base = KnowledgeBase.from_file(knowledge_base)
        if knowledge_base is not None:
            model.set_knowledge_base(own_names(whole, knowledge_base))
        else:
            model._load_names(whole, config, rebuild_trie)
        return (model, info) if wants_info else model  # type: ignore[return-value]  # as transformers

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **kwargs: Any) -> None:
        """Write weights, configuration, processor, knowledge base and trie to a directory.

        Raises:
            ValueError: `push_to_hub` was set; transformers would push the weights without the rest.
        """
        if push_to_hub:
            raise ValueError("save_pretrained(push_to_hub=True) uploads only a part; use model.push_to_hub(repo_id)")
        tokenizer = None if self.processor is None else self.processor.fingerprint
        self.config.tokenizer_fingerprint = tokenizer
        self.config.knowledge_base_fingerprint = (
            None if self.knowledge_base is None else self.knowledge_base.fingerprint
        )
        self.config.trie_fingerprint = None if self.trie is None else self.trie.fingerprint
        super().save_pretrained(str(save_directory), **kwargs)
        write_code(Path(save_directory))
        if self.processor is not None:
            self.processor.save_pretrained(str(save_directory))
        written = []
        if self.confidence is not None:
            written.append(self.confidence.save(save_directory))
        if self.knowledge_base is not None and self.trie is not None and tokenizer is not None:
            written.append(self.knowledge_base.save(save_directory))
            written.append(self.trie.save(save_directory, trie_provenance(self.knowledge_base, tokenizer)))
        # What another model left there would come back with this one.
        for name in OPTIONAL_FILES - {path.name for path in written}:
            Path(save_directory, name).unlink(missing_ok=True)

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoModel") -> None:
        """Leave saving the code to `remote_code`; transformers would scatter it over the saved model's root."""

    def set_processor(self, processor: AngelProcessor) -> None:
        """Attach a processor; the token that ends its prefixes is where targets start.

        A knowledge base that was attached before must be set again, since its trie holds the old tokenizer's ids.

        Raises:
            ValueError: the tokenizer has ids that the model lacks.
        """
        largest = max(processor.tokenizer.get_vocab().values())
        if largest >= self.config.vocab_size:
            raise ValueError(
                f"the tokenizer has ids up to {largest:,}, but the model a vocabulary of {self.config.vocab_size:,}: "
                "it belongs to another model; name the one that this model was trained with"
            )
        self.processor = processor
        self.config.prefix_end_token_id = processor.prefix_end_token_id
        self.knowledge_base = self.trie = None

    def set_knowledge_base(self, knowledge_base: KnowledgeBase) -> None:
        """Link to another knowledge base from now on; nothing is trained.

        Names that the tokenizer cannot tell apart come to share an entry.

        Raises:
            ValueError: a name is longer than the model can generate, or tokenises to nothing.
        """
        self._attach(TokenizedNames.build(knowledge_base, self._require_processor(), self._max_positions))

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
        present = TokenizedNames(self.knowledge_base, self.trie)
        processor = self._require_processor()
        self._attach(present.updated(processor, self._max_positions, add, remove, remove_concepts))

    def _attach(self, names: TokenizedNames) -> None:
        # At once, as another thread may link meanwhile, which takes all of the former or all of the new.
        self.__dict__.update(knowledge_base=names.knowledge_base, trie=names.trie, allowed_concepts=None)
        if self.answer_cache is not None:
            self.answer_cache.clear()  # its questions have the former trie

    @property
    def _max_positions(self) -> int:
        return int(self.config.max_position_embeddings)

    def _load_names(self, checkpoint: Checkpoint, config: AngelConfig, rebuild_trie: bool) -> None:
        names = load_names(checkpoint, config, self._require_processor().fingerprint, rebuild_trie)
        if names is None:
            return
        if names.trie is None:
            self.set_knowledge_base(names.knowledge_base)
        else:
            self.knowledge_base, self.trie = names.knowledge_base, names.trie

    # Linking

    @overload
    def link(
        self,
        mentions: Mention,
        top_k: int = ...,
        num_beams: int = ...,
        batch_size: int = ...,
        options: SearchOptions = ...,
    ) -> Linked: ...

    @overload
    def link(
        self,
        mentions: Sequence[Mention],
        top_k: int = ...,
        num_beams: int = ...,
        batch_size: int = ...,
        options: SearchOptions = ...,
    ) -> list[Linked]: ...

    def link(
        self,
        mentions: Mention | Sequence[Mention],
        top_k: int = 10,
        num_beams: int = 10,
        batch_size: int = 32,
        options: SearchOptions = PUBLISHED,
    ) -> Linked | list[Linked]:
        """Rank concepts for a mention or a list of mentions.

        Args:
            mentions: in any order; they are batched by length and come back in the order given.
            top_k: most candidates for each mention; with fewer than `num_beams` the search ends as soon as it is
                proven that they stay as they are.
            num_beams: width of the search; at least `top_k`.
            batch_size: mentions that are on their way at a time; with 16 or more the threads of a CPU share them out.
            options: departures from the published search, for speed or for a proof; see SearchOptions.

        Returns:
            A Linked for a Mention, a list for a list.

        Raises:
            TypeError: a mention is a string.
            ValueError: `num_beams` is less than `top_k`, or a mention is too long to be read.
            RuntimeError: no knowledge base is attached.
        """
        if isinstance(mentions, Mention):
            return self.link([mentions], top_k, num_beams, batch_size, options)[0]
        if not 1 <= top_k <= num_beams:
            raise ValueError(f"top_k={top_k} with num_beams={num_beams}; expected 1 <= top_k <= num_beams")
        mentions = list_of_mentions(mentions)
        # Another thread may give this model other names meanwhile: names and trie shall be those of one moment.
        now = copy.copy(self)
        processor = now._require_processor()
        encoder_ids, prefix_ids = processor.encode_mentions(mentions, options.context_tokens) if mentions else ([], [])
        if options.exact:
            proofs = now.search_exact(encoder_ids, prefix_ids, top_k, batch_size, options.max_expansions)
            return [
                Proven(mention, now._candidates(proof.hypotheses), proof.is_proven, proof.expansions)
                for mention, proof in zip(mentions, proofs)
            ]
        if options.verbatim_first:
            found = now._search_verbatim_first(mentions, encoder_ids, prefix_ids, num_beams, batch_size, top_k, options)
        else:
            found = now.search(encoder_ids, prefix_ids, num_beams, batch_size, top_k=top_k, options=options)
        return [Linked(mention, now._candidates(hypotheses)) for mention, hypotheses in zip(mentions, found)]

    @overload
    def annotate(  # type: ignore[overload-overlap]  # a str is a Sequence[str] to the type system
        self, texts: str, detector: Any = ..., precision: float | None = ..., top_k: int = ...
    ) -> list[Linked]: ...

    @overload
    def annotate(
        self, texts: Sequence[str], detector: Any = ..., precision: float | None = ..., top_k: int = ...
    ) -> list[list[Linked]]: ...

    def annotate(
        self, texts: str | Sequence[str], detector: Any = None, precision: float | None = None, top_k: int = 10
    ) -> list[Linked] | list[list[Linked]]:
        """Find and link the mentions of a text, or of each of a list of texts.

        Args:
            texts: as they come; offsets count their characters.
            detector: an `angel_hf.annotation.MentionDetector`; without one, the knowledge base's names are looked up.
            precision: where the stored confidence cannot promise it, an answer is marked as NIL.
            top_k: most candidates for each mention.

        Returns:
            Mentions in the text's order, as `angel_hf.annotation.annotator.Annotated`: a Linked that tells its
            confidence, whether it is NIL, and what was linked in place of an abbreviation or of a composite mention.

        Raises:
            ImportError: the angel-hf package is not installed, as when a model runs from its repository's code.
            ValueError: the model has no threshold for the precision.
            RuntimeError: no knowledge base is attached.
        """
        try:
            # By name, since detection does not travel with a model's code.
            annotation = importlib.import_module("angel_hf.annotation.annotator")
        except ImportError as error:
            raise ImportError("annotating text needs the angel-hf package: pip install angel-hf") from error
        annotator = annotation.Annotator(self, detector, precision)
        found = annotator.annotate([texts] if isinstance(texts, str) else texts, top_k, num_beams=max(10, top_k))
        return found[0] if isinstance(texts, str) else found

    def search(
        self,
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        num_beams: int = 10,
        batch_size: int = 32,
        length_penalty: float = 1.0,
        top_k: int | None = None,
        options: SearchOptions = PUBLISHED,
    ) -> list[list[Hypothesis]]:
        """Beam search on ids; see `angel_hf.search.beam` for its exact meaning.

        Args:
            encoder_ids: source ids of each mention, special tokens included.
            prefix_ids: decoder prefix of each mention without the decoder's start token; its last id
                is `config.prefix_end_token_id`.
            num_beams: width of the search and most hypotheses for each mention.
            batch_size: mentions that are on their way at a time; with 16 or more the threads of a CPU share them out.
            length_penalty: exponent of the target's length in the final score.
            top_k: hypotheses that are wanted for each mention; all that the search finds where None.
            options: `first_beams` and `margin` of them.

        Returns:
            For each mention, in the order given, its hypotheses, best first. There are as many as names, where
            the knowledge base has fewer names than `num_beams`.

        Raises:
            ValueError: an empty or over-long source, a prefix that does not end as it should or leaves no room.
            RuntimeError: no knowledge base is attached.
        """
        if num_beams < 1 or batch_size < 1 or (top_k is not None and top_k < 1):
            raise ValueError(
                f"num_beams={num_beams}, batch_size={batch_size}, top_k={top_k}; expected all to be 1 or more"
            )
        limits: dict[str, Any] = {"num_beams": num_beams, "length_penalty": length_penalty, "top_k": top_k}
        search: Callable[..., list[list[Hypothesis]]] = beam_search
        if options.first_beams is not None and options.first_beams < num_beams:
            doubt = partial(self._is_in_doubt, margin=options.margin)
            limits |= {"first_beams": options.first_beams, "is_in_doubt": doubt}
            search = adaptive_beam_search
        settings = (num_beams, length_penalty, top_k, options.first_beams, options.margin)
        return self._search_batches(search, limits, settings, encoder_ids, prefix_ids, batch_size)

    def search_exact(
        self,
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        top_k: int = 1,
        batch_size: int = 32,
        max_expansions: int = 2000,
    ) -> list[Proof]:
        """The best names of the whole trie on ids, each answer with its proof; see `angel_hf.search.best_first`.

        Args:
            encoder_ids, prefix_ids, batch_size: as for `search`.
            top_k: names that are wanted for each mention.
            max_expansions: nodes of the trie to look into for a mention, after which it is given up.

        Raises:
            ValueError, RuntimeError: as `search`.
        """
        if min(top_k, batch_size, max_expansions) < 1:
            raise ValueError(
                f"top_k={top_k}, batch_size={batch_size}, max_expansions={max_expansions}; expected all to be 1 or more"
            )
        limits = {"top_k": top_k, "max_expansions": max_expansions}
        settings = ("exact", top_k, max_expansions)
        return self._search_batches(best_first_search, limits, settings, encoder_ids, prefix_ids, batch_size)

    def _search_verbatim_first(
        self,
        mentions: Sequence[Mention],
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        num_beams: int,
        batch_size: int,
        top_k: int,
        options: SearchOptions,
    ) -> list[list[Hypothesis]]:
        """As `search`, with the names first that are spelled as their mentions."""
        if self.knowledge_base is None or self.trie is None:
            return self.search(encoder_ids, prefix_ids)  # which tells what is missing
        spelled = [normalize(mention.surface, self.knowledge_base.normalization) for mention in mentions]
        names = self._require_processor().encode_names(spelled)
        # A name with its end that the decoder has no room for after the prefix cannot be written.
        fits = [len(prefix) + len(ids) < self._max_positions for prefix, ids in zip(prefix_ids, names)]
        indices = [self.trie.find(ids) if room else -1 for ids, room in zip(names, fits)]
        # With one name wanted, nothing that the beams may find comes before the name that is spelled.
        asked = [position for position, index in enumerate(indices) if top_k > 1 or index < 0]
        sources, prefixes = ([ids[position] for position in asked] for ids in (encoder_ids, prefix_ids))
        found: list[list[Hypothesis]] = [[] for _ in mentions]
        for position, own in zip(asked, self.search(sources, prefixes, num_beams, batch_size, 1.0, top_k, options)):
            found[position] = own
        lost = [
            position
            for position, index in enumerate(indices)
            if index >= 0 and all(one.name_index != index for one in found[position])
        ]
        if lost:
            sources, prefixes, own_names = ([ids[place] for place in lost] for ids in (encoder_ids, prefix_ids, names))
            scored = self._search_batches(score_names, {}, ("verbatim",), sources, prefixes, batch_size, own_names)
            for position, one in zip(lost, scored):
                found[position] += [one] if one is not None else []
        return [put_first(index, own)[:top_k] for index, own in zip(indices, found)]

    def _search_batches(
        self,
        search: Callable[..., list[Answer]],
        limits: dict[str, Any],
        settings: tuple[Any, ...],
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        batch_size: int,
        names: Sequence[Sequence[int]] | None = None,
    ) -> list[Answer]:
        if self.trie is None:
            raise RuntimeError(
                "the model has no knowledge base to link to; call "
                "model.set_knowledge_base(KnowledgeBase.from_file(...)) or give from_pretrained a knowledge_base"
            )
        return search_batches(
            self, self.trie, search, limits, settings, encoder_ids, prefix_ids, batch_size, self.answer_cache, names
        )

    def _is_in_doubt(self, hypotheses: list[Hypothesis], margin: float) -> bool:
        """Whether the first concept leads the next by less than a margin, or there is none at all."""
        if not hypotheses:
            return True
        first, *others = hypotheses
        own = self._concepts(first)
        return any(first.score - other.score < margin and own.isdisjoint(self._concepts(other)) for other in others)

    def _concepts(self, hypothesis: Hypothesis) -> frozenset[Any]:
        """The concepts of a name; a name is its own where only a trie is attached."""
        if self.knowledge_base is None:
            return frozenset((hypothesis.name_index,))
        return frozenset(self.knowledge_base.entry_concept_ids(hypothesis.name_index))

    def _candidates(self, hypotheses: Sequence[Hypothesis]) -> tuple[Candidate, ...]:
        return tuple(self._candidate(hypothesis) for hypothesis in hypotheses)

    def _candidate(self, hypothesis: Hypothesis) -> Candidate:
        assert self.knowledge_base is not None
        concept_ids = self.knowledge_base.entry_concept_ids(hypothesis.name_index)
        if self.allowed_concepts is not None:
            concept_ids = tuple(filter(self.allowed_concepts.__contains__, concept_ids))
        return Candidate(self.knowledge_base.entry_name(hypothesis.name_index), concept_ids, hypothesis.score)

    def _require_processor(self) -> AngelProcessor:
        if self.processor is None:
            raise RuntimeError("the model has no processor; call model.set_processor(AngelProcessor(tokenizer))")
        return self.processor
