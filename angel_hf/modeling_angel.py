"""The linking model: BART that writes names of a knowledge base and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from transformers import AutoTokenizer, BartForConditionalGeneration, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.utils import ModelOutput, cached_file
from transformers.utils.hub import resolve_revision

from .array_file import offsets_from_lengths
from .configuration_angel import AngelConfig
from .knowledge_base import KNOWLEDGE_BASE_FILE, KnowledgeBase
from .packed_bart import PackedBart
from .processing_angel import AngelProcessor
from .search import beam_search
from .trie import TRIE_FILE, NameTrie
from .types import Candidate, Hypothesis, Linked, Mention

EMBEDDED_MODELS = ("angel-mini",)

# What `from_pretrained` hands on to every file that it fetches.
_HUB_ARGUMENTS = ("cache_dir", "force_download", "local_files_only", "token", "subfolder")


@dataclass
class AngelGenerateOutput(ModelOutput):
    """What `generate` returns with `return_dict_in_generate=True`; N = batch * num_return_sequences.

    Args:
        sequences: int64 [N, longest]: decoder start, prefix, name, end token, padding.
        sequences_scores: float32 [N]: mean log-probability of the target; -inf where there were fewer
            names than sequences asked for. With `output_scores=True`.
        token_logprobs: float32 [N, longest target], 0 after its end. With `output_scores=True`.
        name_indices: int64 [N], the entry of the knowledge base, or -1.
    """

    sequences: torch.LongTensor | None = None
    sequences_scores: torch.FloatTensor | None = None
    token_logprobs: torch.FloatTensor | None = None
    name_indices: torch.LongTensor | None = None


class AngelForEntityLinking(BartForConditionalGeneration):
    """BART under a trie of names: `link` takes mentions to ranked concepts.

    The parameters are BART's, by the same names. Beside them a model carries a processor (text to
    ids), a knowledge base and the trie of its names; `from_pretrained` loads and `save_pretrained` writes
    all of them.

    Attributes:
        processor: an AngelProcessor, or None.
        knowledge_base: a KnowledgeBase, or None; change it with `set_knowledge_base`.
        trie: the NameTrie whose name indices are the knowledge base's entries.
    """

    config_class = AngelConfig

    def __init__(self, config: AngelConfig) -> None:
        super().__init__(config)
        self.processor: AngelProcessor | None = None
        self.knowledge_base: KnowledgeBase | None = None
        self.trie: NameTrie | None = None

    # Loading and saving

    @classmethod
    def from_pretrained(  # type: ignore[override]
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
                repository that `save_pretrained` or `push_to_hub` wrote; or any plain BART checkpoint, such as the
                published "dmis-lab/ANGEL_ncbi", with `knowledge_base` and where it lacks one `tokenizer`.
            knowledge_base: instead of the one saved with the model; a file is read with
                `KnowledgeBase.from_file`.
            tokenizer: instead of the one saved with the model.
            revision: branch, tag or commit; resolved once for all files.
            rebuild_trie: build the trie anew instead of reading it.
            kwargs: as for any transformers model; `dtype` is float32 unless given, since half precision, in
                which weights may be stored, is slow on CPUs.

        Raises:
            ValueError: the checkpoint is neither ANGEL's nor BART's, or its trie does not belong to its
                knowledge base or tokenizer.
            OSError: the checkpoint has no tokenizer and none was given.
        """
        path = _embedded(pretrained_model_name_or_path)
        hub = {name: kwargs[name] for name in _HUB_ARGUMENTS if name in kwargs}
        revision = resolve_revision(
            path,
            revision,
            token=hub.get("token"),
            cache_dir=hub.get("cache_dir"),
            local_files_only=hub.get("local_files_only", False),
        )
        hub["revision"] = revision or "main"
        config = kwargs.pop("config", None) or _load_config(path, hub)
        kwargs.setdefault("dtype", torch.float32)
        model = super().from_pretrained(path, *model_args, config=config, **(kwargs | {"revision": hub["revision"]}))
        loading_info = None
        if isinstance(model, tuple):
            model, loading_info = model
        model.set_processor(_load_processor(path, tokenizer, config, hub))
        if knowledge_base is not None:
            if not isinstance(knowledge_base, KnowledgeBase):
                knowledge_base = KnowledgeBase.from_file(knowledge_base)
            model.set_knowledge_base(knowledge_base)
        elif (file := _find_file(path, KNOWLEDGE_BASE_FILE, hub)) is not None:
            model._load_knowledge_base(KnowledgeBase.load(file), _find_file(path, TRIE_FILE, hub), rebuild_trie)
        return model if loading_info is None else (model, loading_info)

    def save_pretrained(self, save_directory: str | Path, push_to_hub: bool = False, **kwargs: Any) -> None:  # type: ignore[override]
        """Write weights, configuration, processor, knowledge base and trie to a directory.

        Raises:
            ValueError: `push_to_hub` was set; transformers would push the weights without the rest.
        """
        if push_to_hub:
            raise ValueError("save_pretrained(push_to_hub=True) uploads only a part; use model.push_to_hub(repo_id)")
        super().save_pretrained(str(save_directory), **kwargs)
        if self.processor is not None:
            self.processor.save_pretrained(str(save_directory))
        if self.knowledge_base is not None and self.trie is not None:
            self.knowledge_base.save(save_directory)
            self.trie.save(save_directory, self._trie_provenance(self.knowledge_base))

    def set_processor(self, processor: AngelProcessor) -> None:
        """Attach a processor; the token that ends its prefixes is where targets start.

        A knowledge base that was attached before must be set again, since its trie holds the old tokenizer's ids.
        """
        self.processor = processor
        self.config.prefix_end_token_id = processor.prefix_end_token_id
        self.knowledge_base = self.trie = None

    def set_knowledge_base(self, knowledge_base: KnowledgeBase) -> None:
        """Link to another knowledge base from now on; nothing is trained.

        Names that the tokenizer cannot tell apart come to share an entry.

        Raises:
            ValueError: a name is longer than the model can generate, or tokenises to nothing.
        """
        token_ids, offsets = self._encode_names(knowledge_base)
        self.trie, groups = NameTrie.build(token_ids, offsets)
        if self.trie.num_names < knowledge_base.num_entries:
            knowledge_base = knowledge_base.merge_entries(groups)
        self.knowledge_base = knowledge_base

    def _load_knowledge_base(self, knowledge_base: KnowledgeBase, trie_file: str | None, rebuild: bool) -> None:
        if trie_file is None or rebuild:
            self.set_knowledge_base(knowledge_base)
            return
        trie, provenance = NameTrie.load(trie_file)
        for part, fingerprint in self._trie_provenance(knowledge_base).items():
            if provenance.get(part) != fingerprint:
                raise ValueError(
                    f"{trie_file}: was not built from this {part.replace('_', ' ')} (fingerprint "
                    f"{str(provenance.get(part))[:12]}, expected {fingerprint[:12]}); load with rebuild_trie=True"
                )
        self.knowledge_base, self.trie = knowledge_base, trie

    def _trie_provenance(self, knowledge_base: KnowledgeBase) -> dict[str, str]:
        return {"knowledge_base": knowledge_base.fingerprint, "tokenizer": self._require_processor().fingerprint}

    def _encode_names(self, knowledge_base: KnowledgeBase) -> tuple[np.ndarray, np.ndarray]:
        """Token ids of all entries laid end to end, and their offsets."""
        processor = self._require_processor()
        # One token of a mention, the rest of the template and the end token share the decoder with a name.
        longest = self.config.max_position_embeddings - 3
        parts, lengths = [], []
        for first, names in _blocks(knowledge_base.entry_names(), 50_000):
            encoded = processor.encode_names(names)
            for entry, (name, ids) in enumerate(zip(names, encoded), start=first):
                if not 0 < len(ids) <= longest:
                    raise ValueError(
                        f"entry {entry}: name {name[:80]!r} of concept {knowledge_base.entry_concept_ids(entry)[0]!r} "
                        f"takes {len(ids)} tokens; the model can generate 1 to {longest}: shorten or leave out the name"
                    )
            lengths += [len(ids) for ids in encoded]
            parts.append(np.fromiter((token for ids in encoded for token in ids), dtype=np.int32))
        return np.concatenate(parts), offsets_from_lengths(lengths)

    # Linking

    @overload
    def link(self, mentions: Mention, top_k: int = ..., num_beams: int = ..., batch_size: int = ...) -> Linked: ...

    @overload
    def link(
        self, mentions: Sequence[Mention], top_k: int = ..., num_beams: int = ..., batch_size: int = ...
    ) -> list[Linked]: ...

    def link(
        self, mentions: Mention | Sequence[Mention], top_k: int = 10, num_beams: int = 10, batch_size: int = 32
    ) -> Linked | list[Linked]:
        """Rank concepts for a mention or a list of mentions.

        Args:
            mentions: in any order; they are batched by length and come back in the order given.
            top_k: most candidates for each mention.
            num_beams: width of the search; at least `top_k`.
            batch_size: mentions that go through the model together.

        Returns:
            A Linked for a Mention, a list for a list.

        Raises:
            ValueError: `num_beams` is less than `top_k`, or a mention is too long to be read.
            RuntimeError: no knowledge base is attached.
        """
        if isinstance(mentions, Mention):
            return self.link([mentions], top_k, num_beams, batch_size)[0]
        if not 1 <= top_k <= num_beams:
            raise ValueError(f"top_k={top_k} with num_beams={num_beams}; expected 1 <= top_k <= num_beams")
        encoder_ids, prefix_ids = self._require_processor().encode_mentions(mentions) if mentions else ([], [])
        found = self.search(encoder_ids, prefix_ids, num_beams, batch_size)
        return [
            Linked(mention, tuple(self._candidate(hypothesis) for hypothesis in hypotheses[:top_k]))
            for mention, hypotheses in zip(mentions, found)
        ]

    def search(
        self,
        encoder_ids: Sequence[Sequence[int]],
        prefix_ids: Sequence[Sequence[int]],
        num_beams: int = 10,
        batch_size: int = 32,
        length_penalty: float = 1.0,
    ) -> list[list[Hypothesis]]:
        """Beam search on ids; see `angel_hf.search` for its exact meaning.

        Args:
            encoder_ids: source ids of each mention, special tokens included.
            prefix_ids: decoder prefix of each mention without the decoder's start token; its last id
                is `config.prefix_end_token_id`.
            num_beams: width of the search and most hypotheses for each mention.
            batch_size: mentions that go through the model together.
            length_penalty: exponent of the target's length in the final score.

        Returns:
            For each mention, in the order given, its hypotheses, best first. There are as many as names, where
            the knowledge base has fewer names than `num_beams`.

        Raises:
            ValueError: an empty or over-long source, a prefix that does not end as it should or leaves no room.
            RuntimeError: no knowledge base is attached.
        """
        if self.trie is None:
            raise RuntimeError(
                "the model has no knowledge base to link to; call model.set_knowledge_base(KnowledgeBase.from_file(...)) "
                "or give from_pretrained a knowledge_base"
            )
        if num_beams < 1 or batch_size < 1:
            raise ValueError(f"num_beams={num_beams}, batch_size={batch_size}; expected both to be 1 or more")
        self._check_ids(encoder_ids, prefix_ids)
        bart = PackedBart(self)
        start = self.config.decoder_start_token_id
        order = sorted(range(len(encoder_ids)), key=lambda position: len(encoder_ids[position]))
        found: list[list[Hypothesis]] = [[] for _ in order]
        for first in range(0, len(order), batch_size):
            batch = order[first : first + batch_size]
            results = beam_search(
                bart,
                self.trie,
                [encoder_ids[position] for position in batch],
                [[start, *prefix_ids[position]] for position in batch],
                num_beams=num_beams,
                end_token_id=self.config.eos_token_id,
                max_length=self.config.max_position_embeddings,
                length_penalty=length_penalty,
            )
            for position, hypotheses in zip(batch, results):
                found[position] = hypotheses
        return found

    def _check_ids(self, encoder_ids: Sequence[Sequence[int]], prefix_ids: Sequence[Sequence[int]]) -> None:
        if len(encoder_ids) != len(prefix_ids):
            raise ValueError(f"{len(encoder_ids)} sources came with {len(prefix_ids)} prefixes; expected one each")
        limit = self.config.max_position_embeddings
        end = self.config.prefix_end_token_id
        for row, (source, prefix) in enumerate(zip(encoder_ids, prefix_ids)):
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

    def _candidate(self, hypothesis: Hypothesis) -> Candidate:
        assert self.knowledge_base is not None
        return Candidate(
            name=self.knowledge_base.entry_name(hypothesis.name_index),
            concept_ids=self.knowledge_base.entry_concept_ids(hypothesis.name_index),
            score=hypothesis.score,
        )

    def _require_processor(self) -> AngelProcessor:
        if self.processor is None:
            raise RuntimeError("the model has no processor; give it one with model.set_processor(AngelProcessor(tokenizer))")
        return self.processor

    # Generation in the manner of transformers

    @torch.no_grad()
    def generate(  # type: ignore[override]
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        decoder_input_ids: torch.Tensor | None = None,
        decoder_attention_mask: torch.Tensor | None = None,
        num_beams: int = 10,
        num_return_sequences: int = 1,
        length_penalty: float = 1.0,
        return_dict_in_generate: bool = False,
        output_scores: bool = False,
        constrained: bool = True,
        **kwargs: Any,
    ) -> AngelGenerateOutput | torch.Tensor:
        """Generate names under the trie; `processor(mentions)` makes the inputs.

        Args:
            input_ids: int64 [batch, source length].
            attention_mask: [batch, source length], 1 for tokens; all tokens if absent.
            decoder_input_ids: int64 [batch, prefix length], decoder start token and prefix.
            decoder_attention_mask: [batch, prefix length], 1 for tokens.
            num_beams, num_return_sequences, length_penalty, return_dict_in_generate, output_scores: as in
                transformers.
            constrained: False gives BART's own free generation, with transformers' options.

        Returns:
            int64 [batch * num_return_sequences, longest], or an AngelGenerateOutput.

        Raises:
            TypeError: an option that a constrained search does not have.
            ValueError: inputs are missing, or more sequences than beams are asked for.
        """
        if not constrained:
            given = {"decoder_input_ids": decoder_input_ids, "decoder_attention_mask": decoder_attention_mask}
            return super().generate(
                input_ids,
                attention_mask=attention_mask,
                num_beams=num_beams,
                num_return_sequences=num_return_sequences,
                length_penalty=length_penalty,
                return_dict_in_generate=return_dict_in_generate,
                output_scores=output_scores,
                **{name: value for name, value in given.items() if value is not None},
                **kwargs,
            )
        if kwargs:
            raise TypeError(
                f"constrained generation has no option {', '.join(kwargs)}; pass constrained=False for free generation"
            )
        if input_ids is None or decoder_input_ids is None:
            raise ValueError("expected input_ids and decoder_input_ids (start token and prefix): model.processor(mentions)")
        if not 1 <= num_return_sequences <= num_beams:
            raise ValueError(f"num_return_sequences={num_return_sequences} with num_beams={num_beams}; expected 1 to it")
        prefixes = _rows(decoder_input_ids, decoder_attention_mask)
        found = self.search(
            _rows(input_ids, attention_mask),
            [prefix[1:] for prefix in prefixes],
            num_beams,
            batch_size=max(1, len(prefixes)),
            length_penalty=length_penalty,
        )
        output = self._pad_output(prefixes, [row[:num_return_sequences] for row in found], num_return_sequences)
        if not output_scores:
            output = AngelGenerateOutput(sequences=output.sequences, name_indices=output.name_indices)
        return output if return_dict_in_generate else output.sequences

    def _pad_output(
        self, prefixes: list[list[int]], found: list[list[Hypothesis]], per_mention: int
    ) -> AngelGenerateOutput:
        nothing = Hypothesis(token_ids=(), score=float("-inf"), token_logprobs=(), name_index=-1)
        sequences, chosen = [], []
        for prefix, hypotheses in zip(prefixes, found):
            for hypothesis in hypotheses + [nothing] * (per_mention - len(hypotheses)):
                sequences.append(torch.tensor([*prefix, *hypothesis.token_ids]))
                chosen.append(hypothesis)
        logprobs = [torch.tensor(hypothesis.token_logprobs) for hypothesis in chosen]
        padded = torch.nn.utils.rnn.pad_sequence
        return AngelGenerateOutput(
            sequences=padded(sequences, batch_first=True, padding_value=self.config.pad_token_id).to(self.device),
            sequences_scores=torch.tensor([hypothesis.score for hypothesis in chosen], device=self.device),
            token_logprobs=padded(logprobs, batch_first=True).to(self.device),
            name_indices=torch.tensor([hypothesis.name_index for hypothesis in chosen], device=self.device),
        )


def _embedded(path: str | Path) -> str | Path:
    """The directory of a model that the package holds, for its name; any other path as it is."""
    if str(path) in EMBEDDED_MODELS and not Path(path).exists():
        directory = Path(__file__).parent / "assets" / str(path)
        if directory.is_dir():
            return str(directory)
    return path


def _load_config(path: str | Path, hub: dict[str, Any]) -> AngelConfig:
    values, _ = PreTrainedConfig.get_config_dict(path, **hub)
    found = values.pop("model_type", None)
    if found not in ("angel", "bart"):
        raise ValueError(f"{path}: model type {found!r}; expected 'angel', or 'bart' for a plain BART checkpoint")
    if found == "bart":
        values.pop("architectures", None)
        values["forced_eos_token_id"] = None
    return AngelConfig.from_dict(values)


def _load_processor(
    path: str | Path,
    tokenizer: PreTrainedTokenizerBase | str | Path | None,
    config: AngelConfig,
    hub: dict[str, Any],
) -> AngelProcessor:
    if tokenizer is None and _find_file(path, "processor_config.json", hub) is not None:
        return AngelProcessor.from_pretrained(path, **hub)
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        try:
            # A tokenizer named apart is another repository, where this one's revision means nothing.
            tokenizer = AutoTokenizer.from_pretrained(tokenizer) if tokenizer else AutoTokenizer.from_pretrained(path, **hub)
        except (OSError, ValueError) as error:
            raise OSError(
                f"no tokenizer found in {tokenizer or path}; name one, as in "
                f"from_pretrained({str(path)!r}, tokenizer='facebook/bart-large', ...)"
            ) from error
    return AngelProcessor(tokenizer, max_source_length=config.max_position_embeddings)


def _find_file(path: str | Path, name: str, hub: dict[str, Any]) -> str | None:
    return cached_file(path, name, _raise_exceptions_for_missing_entries=False, **hub)


def _rows(ids: torch.Tensor, mask: torch.Tensor | None) -> list[list[int]]:
    """The unpadded rows of a padded batch."""
    if mask is None:
        return ids.tolist()
    return [row[kept].tolist() for row, kept in zip(ids, mask.bool())]


def _blocks(names: Iterator[str], size: int) -> Iterator[tuple[int, list[str]]]:
    """Lists of up to `size` names, each with the position of its first."""
    first, block = 0, []
    for name in names:
        block.append(name)
        if len(block) == size:
            yield first, block
            first, block = first + size, []
    if block:
        yield first, block
