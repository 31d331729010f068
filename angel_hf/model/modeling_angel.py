"""The linking model as it travels: BART that generates names of a knowledge base and nothing else.

A saved model holds this file and what it imports, in `angel_code/`, so that it links where the angel-hf package is not
installed. The package's own class adds to this one: the engine for CPUs, other searches, other knowledge bases.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

import torch
from transformers.utils import cached_file

from ..arrays.array_file import fingerprint
from ..inference.plain import PlainEngine
from ..knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE, StoredKnowledgeBase
from ..search.beam import BeamSearch, Names
from ..trie.stored_trie import TRIE_FILE, StoredTrie
from ..types import Candidate, Hypothesis, Linked, Mention, Question
from .angel_bart import AngelBart
from .configuration_angel import AngelConfig, code_files
from .processing_angel import AngelProcessor, list_of_mentions

_HUB_ARGUMENTS = ("cache_dir", "force_download", "local_files_only", "token", "subfolder")


class AngelForEntityLinking(AngelBart):
    """BART under a trie of names: `link` takes mentions to ranked concepts.

    The parameters are BART's, by the same names. Beside them a model carries a processor (text to
    ids), a knowledge base and the trie of its names; `from_pretrained` loads and `save_pretrained` writes
    all of them.

    Attributes:
        processor: an AngelProcessor, or None.
        knowledge_base: concepts and their names, or None.
        trie: the trie whose name indices are the knowledge base's entries, or None.
        unread_files: contents of further files of the saved model, by path.
    """

    config_class = AngelConfig

    def __init__(self, config: AngelConfig) -> None:
        super().__init__(config)
        self.processor: AngelProcessor | None = None
        self.knowledge_base: Any = None
        self.trie: Any = None
        self.unread_files: dict[str, bytes] = {}

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoModel") -> None:
        """Do nothing: `save_pretrained` writes the code, which transformers would scatter over the model's root."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, *model_args: Any, **kwargs: Any) -> Any:
        """Load a model with its processor, knowledge base and trie, all at one revision.

        Args:
            pretrained_model_name_or_path: a directory or Hub repository that `save_pretrained` wrote.
            kwargs: as for any transformers model; `dtype` is float32 unless given.

        Raises:
            ValueError: a file is damaged or belongs to another model.
            OSError: the repository is unavailable, or a file is missing.
        """
        path = str(pretrained_model_name_or_path)
        hub = {name: kwargs[name] for name in _HUB_ARGUMENTS if name in kwargs}
        config = kwargs.pop("config", None) or AngelConfig.from_pretrained(path, revision=kwargs.get("revision"), **hub)
        hub["revision"] = kwargs["revision"] = getattr(config, "_commit_hash", None) or kwargs.get("revision")
        default = {} if "torch_dtype" in kwargs else {"dtype": torch.float32}
        loaded = super().from_pretrained(path, *model_args, config=config, **default | kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded
        model.set_processor(AngelProcessor.from_pretrained(path, **hub))
        if config.trie_fingerprint is not None:
            names = model.knowledge_base = StoredKnowledgeBase.load(cached_file(path, KNOWLEDGE_BASE_FILE, **hub))
            model.trie, _ = StoredTrie.load(cached_file(path, TRIE_FILE, **hub))
            # Of the contents, not of what the files record: a damaged file must not give other answers.
            found = fingerprint(names.tables, names.normalization), fingerprint(model.trie.arrays._asdict())
            expected = config.knowledge_base_fingerprint, config.trie_fingerprint, config.tokenizer_fingerprint
            if (*found, model.processor.fingerprint) != expected:
                raise ValueError(f"{path}: names, trie or tokenizer are damaged or not this model's; fetch them again")
        for name in ("confidence.json", "ranking.json", "memory.jsonl", "encoder.safetensors", *code_files()):
            if file := cached_file(path, name, _raise_exceptions_for_missing_entries=False, **hub):
                model.unread_files[name] = Path(file).read_bytes()
        return loaded

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **kwargs: Any) -> None:
        """Write weights, configuration, processor, knowledge base, trie and code to a directory.

        Raises:
            ValueError: `push_to_hub` was set; transformers would push the weights without the rest.
        """
        if push_to_hub:
            raise ValueError("save_pretrained(push_to_hub=True) uploads only a part; use model.push_to_hub(repo_id)")
        config, folder = self.config, Path(save_directory)
        tokenizer = config.tokenizer_fingerprint = None if self.processor is None else self.processor.fingerprint
        names, trie = self.knowledge_base, self.trie
        config.knowledge_base_fingerprint = None if names is None else names.fingerprint
        config.trie_fingerprint = None if trie is None else trie.fingerprint
        super().save_pretrained(str(folder), **kwargs)
        if self.processor is not None:
            self.processor.save_pretrained(str(folder))
        if names is not None and trie is not None and tokenizer is not None:
            names.save(folder)
            trie.save(folder, {"knowledge_base": names.fingerprint, "tokenizer": tokenizer})
        for name, content in self.unread_files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)

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

    @overload
    def link(self, mentions: Mention, *args: Any, **options: Any) -> Linked: ...

    @overload
    def link(self, mentions: Sequence[Mention], *args: Any, **options: Any) -> list[Linked]: ...

    def link(
        self,
        mentions: Mention | Sequence[Mention],
        top_k: int = 10,
        search: Any = BeamSearch(),  # noqa: B008  # a frozen value
        batch_size: int = 32,
        context_tokens: int | None = None,
        ranked: bool = True,
    ) -> Linked | list[Linked]:
        """Rank concepts for a mention or a list of mentions.

        Args:
            mentions: in any order; they are batched by length and come back in the order given.
            top_k: most candidates for each mention; with fewer than beams the search ends sooner, with the same ones.
            search: how names are searched for; `BeamSearch(num_beams=10)` is the published search.
            batch_size: mentions that are searched for at a time; with 16 or more the threads of a CPU share them.
            context_tokens: most tokens of context, both sides together, that the encoder reads; 0: the mention alone;
                None: all that the processor's window holds.
            ranked: weigh what is found by the stages that the model carries, which takes the package; False: the
                published method.

        Returns:
            A Linked for a Mention, a list for a list.

        Raises:
            TypeError: a mention is a string.
            ValueError: `top_k` is more than the search has beams, or a mention is too long to be read.
            RuntimeError: no knowledge base is attached.
        """
        if isinstance(mentions, Mention):
            return self.link([mentions], top_k, search, batch_size, context_tokens, ranked)[0]
        if not 1 <= top_k <= search.num_beams:
            raise ValueError(f"top_k={top_k} with num_beams={search.num_beams}; expected 1 <= top_k <= num_beams")
        # Another thread may give this model other names meanwhile: names and trie shall be those of one moment.
        now, mentions = copy.copy(self), list_of_mentions(mentions)
        if ranked and (stages := now.stages(search)) is not None:
            return stages.link(now, mentions, top_k, search, batch_size, context_tokens)
        questions = now.questions(mentions, context_tokens, search)
        answers = now.answer(questions, search, top_k, batch_size)
        return [now.linked(mention, hypotheses) for mention, hypotheses in zip(mentions, answers)]

    def stages(self, search: Any) -> Any:
        """What ranks the answers of a search, which takes the package; None: nothing."""

    def require_processor(self) -> AngelProcessor:
        """The processor, or a RuntimeError where there is none."""
        if self.processor is None:
            raise RuntimeError("the model has no processor; call model.set_processor(AngelProcessor(tokenizer))")
        return self.processor

    def questions(
        self, mentions: Sequence[Mention], context_tokens: int | None = None, search: Any = None
    ) -> list[Question]:
        """What a search reads of each mention."""
        encoded = self.require_processor().encode_mentions(mentions, context_tokens) if mentions else ([], [])
        start = self.config.decoder_start_token_id
        return [Question(source, [start, *prefix]) for source, prefix in zip(*encoded)]

    def answer(
        self, questions: Sequence[Question], search: Any, top_k: int, batch_size: int = 32
    ) -> list[Sequence[Hypothesis]]:
        """Search for names, on ids: for each question, in the order given, its hypotheses, best first."""
        self.check(questions)
        engine, names = PlainEngine(self), Names(self.trie)
        # The longest first: neighbours of like length waste least, and memory that sufficed once suffices again.
        order = sorted(range(len(questions)), key=lambda position: -len(questions[position].source_ids))
        found: dict[int, Sequence[Hypothesis]] = {}
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            found |= zip(batch, search(engine, [questions[position] for position in batch], names, top_k), strict=True)
        return [found[position] for position in range(len(questions))]

    def check(self, questions: Sequence[Question]) -> None:
        """Refuse ids that no name can follow.

        Raises:
            ValueError: an empty or over-long source, a prefix that does not end as it should or leaves no room.
            RuntimeError: no knowledge base is attached.
        """
        if self.trie is None:
            raise RuntimeError(
                "the model has no knowledge base to link to; call "
                "model.set_knowledge_base(KnowledgeBase.from_file(...)) or give from_pretrained a knowledge_base"
            )
        limit, end = self.config.max_position_embeddings, self.config.prefix_end_token_id
        for row, question in enumerate(questions):
            source, prefix = question.source_ids, question.prefix_ids[1:]
            if not 0 < len(source) <= limit:
                raise ValueError(f"mention {row}: source of {len(source)} tokens; the encoder reads 1 to {limit}")
            if not prefix or prefix[-1] != end:
                raise ValueError(
                    f"mention {row}: prefix ends in token {prefix[-1] if prefix else None}, expected {end} "
                    f"(config.prefix_end_token_id), after which a name starts; AngelProcessor makes such prefixes"
                )
            if len(prefix) > limit - 2:
                raise ValueError(
                    f"mention {row}: prefix of {len(prefix)} tokens leaves no room for a name and its end "
                    f"in the decoder's {limit} positions: shorten the mention"
                )

    def linked(self, mention: Mention, hypotheses: Sequence[Hypothesis]) -> Linked:
        """A mention with its candidates."""
        return Linked(mention, tuple(self.candidate(hypothesis) for hypothesis in hypotheses))

    def candidate(self, hypothesis: Hypothesis) -> Candidate:
        """The name that a hypothesis writes, with its concepts."""
        names, entry = self.knowledge_base, hypothesis.name_index
        return Candidate(names.entry_name(entry), names.entry_concept_ids(entry), hypothesis.score)
