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

from ..text.reading import left_context, normalize, parse_marked, right_context
from ..types import Mention

_CONTEXTS = (left_context, right_context)
# As many as suffice in most texts; where tokens are longer, more of the text is read.
_CHARACTERS_A_TOKEN = 6


class AngelProcessor(ProcessorMixin):
    """Turns mentions into encoder and decoder ids, and names into targets.

    The encoder reads `<s> left START mention END right </s>`; the decoder is given " mention is" and continues with a
    name. Parts are joined by one space; context is lowercased unless the normalisation is "as-is".

    Args:
        tokenizer: the model's; it must mark where words start (byte-level BPE does), so that the parts of a text
            tokenise as the whole does.
        mention_start, mention_end: markers before and after the mention.
        prefix_template: what the decoder is given: words, `{mention}` one of them but not the last, since the last
            token starts the target.
        normalization: form of the mention in source and prefix, one of `NORMALIZATIONS`.
        max_source_length: most tokens that the encoder reads, special tokens included; longer contexts are cut to a
            window around the mention.

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
        **kwargs: Any,
    ) -> None:
        super().__init__(tokenizer, **kwargs)
        words = prefix_template.split(" ")
        if "" in words or prefix_template.count("{mention}") != 1 or "{mention}" not in words[:-1]:
            raise ValueError(
                f"prefix template {prefix_template!r}: expected words with single spaces between them, '{{mention}}' "
                "once and a word after it, as in '{mention} is'; that word's last token starts the target"
            )
        normalize("", normalization)  # refuses an unknown one
        self.mention_start, self.mention_end = mention_start, mention_end
        self.prefix_template = prefix_template
        self.normalization = normalization
        self.max_source_length = max_source_length

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
        return self._template_ids[1][-1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what decides the ids of a text: the tokenizer's model with its vocabulary and merges."""
        model = json.loads(self.tokenizer.backend_tokenizer.to_str())["model"]
        return hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()

    def encode_mentions(
        self, mentions: Sequence[Mention], context_tokens: int | None = None
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Encoder ids and decoder prefix of each mention.

        Args:
            mentions: in any order.
            context_tokens: most tokens of context, those on both sides of the mention together; None: all that
                `max_source_length` leaves room for.

        Returns:
            `encoder_ids`, with the special tokens at both ends, and `prefix_ids`, without the token that starts the
            decoder; one list of ids a mention.

        Raises:
            ValueError: a mention is by itself longer than `max_source_length`.
        """
        if context_tokens is not None and context_tokens < 0:
            raise ValueError(f"context_tokens={context_tokens}; expected 0 or more, or None for all that fit")
        most = self.max_source_length if context_tokens is None else min(context_tokens, self.max_source_length)
        surfaces = self._tokenize([f" {normalize(one.surface, self.normalization).strip()}" for one in mentions])
        contexts = self._tokenize_contexts(mentions, most)
        before, after = self._template_ids
        encoder_ids = [self._window(*row, most) for row in zip(mentions, contexts[0::2], surfaces, contexts[1::2])]
        return encoder_ids, [[*before, *own, *after] for own in surfaces]

    def __call__(self, mentions: Mention | Sequence[Mention], **kwargs: Any) -> BatchFeature:
        """A padded batch for `model.generate`.

        Returns:
            int64 tensors [batch, longest], padded on the right: `input_ids`, `attention_mask`, `decoder_input_ids`
            (decoder start token and prefix) and `decoder_attention_mask`.

        Raises:
            TypeError: a mention is a string.
            ValueError: there are no mentions, or one is by itself longer than `max_source_length`.
        """
        batch = [mentions] if isinstance(mentions, Mention) else list_of_mentions(mentions)
        if not batch:
            raise ValueError("got no mentions; expected one at least to make a batch")
        encoder_ids, prefix_ids = self.encode_mentions(batch)
        start = [self.tokenizer.eos_token_id]  # BART's decoder starts with the end token
        data = self._pad("", encoder_ids) | self._pad("decoder_", [start + ids for ids in prefix_ids])
        return BatchFeature(data)

    @property
    def model_input_names(self) -> list[str]:
        """What `__call__` returns."""
        return ["input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask"]

    def _tokenize_contexts(self, mentions: Sequence[Mention], context_tokens: int) -> list[list[int]]:
        """Ids of the left and the right context of each mention in turn: all that its window can hold, or more.

        What is near is tokenised first, and more only where that is too little.
        """
        # No token is longer than the longest of the vocabulary, so no text beyond this can be in the window.
        reach = context_tokens * self._longest_token
        size = _CHARACTERS_A_TOKEN * math.ceil(context_tokens / 2)
        ids: list[list[int]] = [[] for _ in range(2 * len(mentions))]
        waiting = list(range(len(ids)))
        while waiting:
            contexts = [_CONTEXTS[side % 2](mentions[side // 2], size, reach) for side in waiting]
            texts = [one.text if self.normalization == "as-is" else one.text.lower() for one in contexts]
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
        start, end = self._marker_ids
        marked = [*start, *surface, *end]
        room = self.max_source_length - len(marked) - 2
        if room < 0:
            raise ValueError(
                f"mention {mention.surface[:60]!r}... takes {len(marked)} tokens with its markers; the encoder reads "
                f"{self.max_source_length - 2}: check the span, or shorten the mention"
            )
        room = min(room, context_tokens)
        # Each side gets half of the room, and what the other side leaves over.
        for_left = min(len(left), max(room // 2, room - len(right)))
        for_right = min(len(right), room - for_left)
        kept_left = left[len(left) - for_left :]
        return [self.tokenizer.bos_token_id, *kept_left, *marked, *right[:for_right], self.tokenizer.eos_token_id]

    @cached_property
    def _longest_token(self) -> int:
        return max(len(token) for token in self.tokenizer.get_vocab())

    @cached_property
    def _marker_ids(self) -> list[list[int]]:
        """Ids of the markers before and after a mention."""
        return self._tokenize([f" {self.mention_start}", f" {self.mention_end}"], special=True)

    @cached_property
    def _template_ids(self) -> list[list[int]]:
        """Ids of the prefix before and after the mention."""
        before, after = self.prefix_template.split("{mention}")
        return self._tokenize([before and f" {before.rstrip()}", after], special=True)

    def _tokenize(self, pieces: list[str], special: bool = False) -> list[list[int]]:
        """Ids of each piece; what spells a special token is text like any other, unless it is our own."""
        if not pieces:
            return []
        options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
        return self.tokenizer(pieces, split_special_tokens=not special, **options)["input_ids"]

    def _pad(self, side: str, sequences: list[list[int]]) -> dict[str, torch.Tensor]:
        lengths = torch.tensor([len(ids) for ids in sequences])
        rows = [torch.tensor(ids) for ids in sequences]
        padding = self.tokenizer.pad_token_id
        return {
            f"{side}input_ids": torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding),
            f"{side}attention_mask": (torch.arange(int(lengths.max())) < lengths[:, None]).long(),
        }


def list_of_mentions(mentions: Iterable[Mention | str]) -> list[Mention]:
    """The mentions as a list; strings, which say nothing of where the mention stands, are refused."""
    found: list[Mention] = []
    for mention in [mentions] if isinstance(mentions, str) else mentions:
        if isinstance(mention, str):
            raise TypeError(
                f"got the string {mention[:60]!r}; expected a Mention: Mention(text, start, end), or for a name "
                "without context Mention(name, 0, len(name))"
            )
        found.append(mention)
    return found
