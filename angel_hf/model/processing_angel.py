"""Mentions and names to token ids: the only place where text becomes ids."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import compress
from typing import Any

import torch
from transformers import BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from ..text.reading import fold, left_context, normalize, parse_marked, right_context
from ..types import Mention

_CONTEXTS = (left_context, right_context)
# As many as suffice in most texts; where tokens are longer, more of the text is read.
_CHARACTERS_A_TOKEN = 6


class AngelProcessor(ProcessorMixin):
    """Turns mentions into encoder and decoder ids, and names into targets.

    The encoder reads `<s> left START mention END right </s>`; the decoder is given " mention is" and continues with a
    name. Parts are joined by one space; context is lowercased unless the normalisation is "as-is".

    Args:
        tokenizer: it must mark where words start (as byte-level BPE), so that parts of a text tokenise as the whole.
        mention_start, mention_end: markers before and after the mention.
        prefix_template: what the decoder is given: words, `{mention}` one of them; the last one starts the target.
        normalization: form of the mention in source and prefix, one of `NORMALIZATIONS`.
        max_source_length: most tokens that the encoder reads, special ones included; longer contexts are cut to fit.
        folding: read mentions, contexts and names in ASCII, see `text.reading.fold`; the published models do not.

    Raises:
        ValueError: the template has no `{mention}` of its own, or nothing after it.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        mention_start: str = "START",
        mention_end: str = "END",
        prefix_template: str = "{mention} is",
        normalization: str = "lowercase-punctuation",
        max_source_length: int = 1024,
        folding: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(tokenizer, **kwargs)
        words = prefix_template.split(" ")
        if "" in words or prefix_template.count("{mention}") != 1 or "{mention}" not in words[:-1]:
            raise ValueError(
                f"prefix template {prefix_template!r}: expected words with single spaces between them, '{{mention}}' "
                "once and a word after it, as in '{mention} is'; that word's last token starts the target"
            )
        missing = [name for name in ("bos_token", "eos_token", "pad_token") if getattr(tokenizer, f"{name}_id") is None]
        if missing:
            raise ValueError(f"the tokenizer has no {' and no '.join(missing)}; expected one that has them, as BART's")
        normalize("", normalization)  # refuses an unknown one
        self.mention_start, self.mention_end, self.prefix_template = mention_start, mention_end, prefix_template
        self.normalization, self.folding, self.max_source_length = normalization, folding, max_source_length

    def to_dict(self) -> dict[str, Any]:
        """All settings, and the class that works from a repository alone."""
        return super().to_dict() | {"auto_map": {"AutoProcessor": "angel_code/model_processing_angel.AngelProcessor"}}

    def save_pretrained(self, save_directory: Any, **kwargs: Any) -> Any:
        """Write the settings and the tokenizer, without what transformers noted about how they were loaded."""
        for name in ("auto_map", "is_local", "local_files_only"):
            self.tokenizer.init_kwargs.pop(name, None)
        return super().save_pretrained(save_directory, **kwargs)

    @classmethod
    def register_for_auto_class(cls, auto_class: str = "AutoProcessor") -> None:
        """Leave saving the code to `remote_code`; transformers would scatter it over the saved model's root."""

    @staticmethod
    def parse(marked: str) -> tuple[Mention, ...]:
        """The mentions of a text that marks them, as "a case of [[ataxia]]"; see `parse_marked`."""
        return parse_marked(marked)

    @cached_property
    def prefix_end_token_id(self) -> int:
        """The last token of every prefix: what the target follows."""
        return self._own_ids[-1][-1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what decides the ids of a text: the tokenizer's model with its vocabulary and merges."""
        model = json.loads(self.tokenizer.backend_tokenizer.to_str())["model"]
        return hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()

    def folded(self, text: str) -> str:
        """The text folded, with one space for any white space, where the model reads it so."""
        return " ".join(fold(text).split()) if self.folding else text

    def encode_mentions(
        self, mentions: Sequence[Mention], context_tokens: int | None = None
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Encoder ids, special tokens included, and decoder prefix, without its start token, of each mention.

        Args:
            mentions: in any order.
            context_tokens: most tokens of context, both sides together; None: all that `max_source_length` allows.

        Raises:
            ValueError: a mention is by itself longer than `max_source_length`.
        """
        if context_tokens is not None and context_tokens < 0:
            raise ValueError(f"context_tokens={context_tokens}; expected 0 or more, or None for all that fit")
        most = self.max_source_length if context_tokens is None else min(context_tokens, self.max_source_length)
        surfaces = self._tokenize([f" {self._read(one.surface)}" for one in mentions])
        contexts = self._tokenize_contexts(mentions, most)
        _, _, before, after = self._own_ids
        encoder_ids = [self._window(*row, most) for row in zip(mentions, contexts[0::2], surfaces, contexts[1::2])]
        return encoder_ids, [[*before, *own, *after] for own in surfaces]

    def __call__(self, mentions: Mention | Sequence[Mention], **kwargs: Any) -> BatchFeature:
        """A batch for `model.generate`: int64 [batch, longest], padded on the right, by `model_input_names`.

        Raises:
            TypeError: a mention is a string.
            ValueError: there are no mentions, or one is by itself longer than `max_source_length`.
        """
        batch = [mentions] if isinstance(mentions, Mention) else list_of_mentions(mentions)
        if not batch:
            raise ValueError("got no mentions; expected one at least to make a batch")
        encoder_ids, prefix_ids = self.encode_mentions(batch)
        start = [self.tokenizer.eos_token_id]  # BART's decoder starts with the end token
        return BatchFeature(self._pad("", encoder_ids) | self._pad("decoder_", [start + ids for ids in prefix_ids]))

    @property
    def model_input_names(self) -> list[str]:
        """What `__call__` returns."""
        return ["input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask"]

    def _tokenize_contexts(self, mentions: Sequence[Mention], context_tokens: int) -> list[list[int]]:
        """Ids of the left and the right context of each mention in turn: all that its window can hold, or more."""
        # No token is longer than the longest of the vocabulary, so no text beyond this can be in the window.
        reach = context_tokens * self._longest_token
        size = _CHARACTERS_A_TOKEN * math.ceil(context_tokens / 2)
        ids: list[list[int]] = [[] for _ in range(2 * len(mentions))]
        waiting = list(range(len(ids)))
        while waiting:
            contexts = [_CONTEXTS[side % 2](mentions[side // 2], size, reach) for side in waiting]
            texts = [self.folded(one.text).strip() for one in contexts]
            texts = texts if self.normalization == "as-is" else list(map(str.lower, texts))
            for side, own in zip(waiting, self._tokenize([text and f" {text}" for text in texts])):
                ids[side] = own
            # Each side gets half of the room, and what the other side leaves over; see `_window`.
            room = [context_tokens - min(len(ids[side ^ 1]), context_tokens // 2) for side in waiting]
            is_short = [not one.is_whole and len(ids[side]) < most for side, one, most in zip(waiting, contexts, room)]
            waiting = list(compress(waiting, is_short))
            size *= 2
        return ids

    def _window(
        self, mention: Mention, left: list[int], surface: list[int], right: list[int], context_tokens: int
    ) -> list[int]:
        """The encoder ids: all of the marked mention and what fits around it."""
        start, end, _, _ = self._own_ids
        marked = [*start, *surface, *end]
        room = min(self.max_source_length - len(marked) - 2, context_tokens)
        if room < 0:
            raise ValueError(
                f"mention {mention.surface[:60]!r}... takes {len(marked)} tokens with its markers; the encoder reads "
                f"{self.max_source_length - 2}: check the span, or shorten the mention"
            )
        # Each side gets half of the room, and what the other side leaves over.
        for_left = min(len(left), max(room // 2, room - len(right)))
        kept = [*left[len(left) - for_left :], *marked, *right[: room - for_left]]
        return [self.tokenizer.bos_token_id, *kept, self.tokenizer.eos_token_id]

    @cached_property
    def _longest_token(self) -> int:
        return max(len(token) for token in self.tokenizer.get_vocab())

    @cached_property
    def _own_ids(self) -> list[list[int]]:
        """Ids of the markers before and after a mention, and of the prefix before and after it."""
        before, after = self.prefix_template.split("{mention}")
        markers = f" {self.mention_start}", f" {self.mention_end}"
        return self._tokenize([*markers, before and f" {before.rstrip()}", after], special=True)

    def _read(self, surface: str) -> str:
        return normalize(self.folded(surface), self.normalization).strip()

    def _tokenize(self, pieces: list[str], special: bool = False) -> list[list[int]]:
        """Ids of each piece; what spells a special token is text like any other, unless it is our own."""
        options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
        return self.tokenizer(pieces, split_special_tokens=not special, **options)["input_ids"] if pieces else []

    def _pad(self, side: str, sequences: list[list[int]]) -> dict[str, torch.Tensor]:
        rows, pad = [torch.tensor(ids) for ids in sequences], torch.nn.utils.rnn.pad_sequence
        padded = pad(rows, batch_first=True, padding_value=self.tokenizer.pad_token_id)
        is_token = pad([torch.ones_like(row) for row in rows], batch_first=True)
        return {f"{side}input_ids": padded, f"{side}attention_mask": is_token}


def list_of_mentions(mentions: Iterable[Mention | str]) -> list[Mention]:
    """The mentions as a list; strings, which say nothing of where the mention stands, are refused."""
    found: list[Mention] = []
    for mention in [mentions] if isinstance(mentions, str) else mentions:
        if isinstance(mention, str):
            expected = "a Mention: Mention(text, start, end), or for a name without context Mention(name, 0, len(name))"
            raise TypeError(f"got the string {mention[:60]!r}; expected {expected}")
        found.append(mention)
    return found
