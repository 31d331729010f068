"""Mentions and names to token ids: the only place where text becomes ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from transformers import BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from .marked_text import parse_marked
from .normalization import normalize
from .types import Mention


class AngelProcessor(ProcessorMixin):
    """Turns mentions into encoder and decoder ids, and names into targets.

    The encoder reads `<s> left START mention END right </s>`; the decoder is given " mention is" and
    goes on with a name. Parts are joined by one space; context is lowercased unless the
    normalisation is "as-is".

    Args:
        tokenizer: the model's tokenizer; it must tell where words start (byte-level BPE does), so
            that the parts of a text tokenise as the whole does.
        mention_start: marker before the mention.
        mention_end: marker after the mention.
        prefix_template: what the decoder is given, with `{mention}` for the mention; it must go on
            after the mention, since its last token starts the target.
        normalization: form of the mention in source and prefix, one of
            `knowledge_base.NORMALIZATIONS`.
        max_source_length: most tokens that the encoder reads, special tokens included; longer
            contexts are cut to a window around the mention.

    Raises:
        ValueError: the template has no `{mention}`, or nothing after it.
    """

    # Tells `save_pretrained` to copy the code, so that the processor loads where this package is not installed.
    _auto_class = "AutoProcessor"

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
        _before, found, after = prefix_template.partition("{mention}")
        if not found or not after.strip():
            raise ValueError(
                f"prefix template {prefix_template!r}: expected '{{mention}}' and a word after it, "
                "as in '{mention} is'; that word's token starts the target"
            )
        normalize("", normalization)  # refuses an unknown one
        self.mention_start = mention_start
        self.mention_end = mention_end
        self.prefix_template = prefix_template
        self.normalization = normalization
        self.max_source_length = max_source_length

    @staticmethod
    def parse(marked: str) -> tuple[Mention, ...]:
        """The mentions of a text that marks them, as "a case of [[ataxia]]"; see `marked_text.parse_marked`."""
        return parse_marked(marked)

    @cached_property
    def prefix_end_token_id(self) -> int:
        """The last token of every prefix: what the target follows."""
        return self._tokenize([" " + self.prefix_template.partition("{mention}")[2].strip()])[0][-1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what decides the ids of a text: the tokenizer's model with its vocabulary and merges."""
        model = json.loads(self.tokenizer.backend_tokenizer.to_str())["model"]
        return hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()

    def encode_mentions(self, mentions: Sequence[Mention]) -> tuple[list[list[int]], list[list[int]]]:
        """Encoder ids and decoder prefix of each mention.

        Returns:
            `encoder_ids`, with the special tokens at both ends, and `prefix_ids`, without the token
            that starts the decoder; one list of ids a mention.

        Raises:
            ValueError: a mention is by itself longer than `max_source_length`.
        """
        pieces: list[str] = []
        for mention in mentions:
            pieces += self._pieces(mention)
        ids = self._tokenize(pieces)
        encoder_ids = [self._window(mention, *ids[4 * row : 4 * row + 3]) for row, mention in enumerate(mentions)]
        return encoder_ids, ids[3::4]

    def encode_names(self, names: Sequence[str]) -> list[list[int]]:
        """Token ids of normalised names as they follow the prefix, without the end token."""
        return self._tokenize([f" {name}" for name in names])

    def __call__(self, mentions: Mention | Sequence[Mention], **kwargs: Any) -> BatchFeature:
        """A padded batch for `model.generate`.

        Returns:
            int64 tensors [batch, longest], padded on the right: `input_ids`, `attention_mask`,
            `decoder_input_ids` (decoder start token and prefix) and `decoder_attention_mask`.
        """
        batch = [mentions] if isinstance(mentions, Mention) else list(mentions)
        encoder_ids, prefix_ids = self.encode_mentions(batch)
        start = [self.tokenizer.eos_token_id]  # BART's decoder starts with the end token
        data = self._pad("", encoder_ids) | self._pad("decoder_", [start + ids for ids in prefix_ids])
        return BatchFeature(data)

    @property
    def model_input_names(self) -> list[str]:
        """What `__call__` returns."""
        return ["input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask"]

    def _pieces(self, mention: Mention) -> list[str]:
        """Left context, marked mention, right context and prefix, each starting with its space."""
        surface = normalize(mention.surface, self.normalization).strip()
        # No token is longer than the longest of the vocabulary, so no text beyond this can be in the window.
        reach = self.max_source_length * self._longest_token
        left = mention.text[max(0, mention.start - reach) : mention.start].strip()
        right = mention.text[mention.end : mention.end + reach].strip()
        if self.normalization != "as-is":
            left, right = left.lower(), right.lower()
        return [
            left and f" {left}",
            f" {self.mention_start} {surface} {self.mention_end}",
            right and f" {right}",
            " " + self.prefix_template.replace("{mention}", surface),
        ]

    def _window(self, mention: Mention, left: list[int], marked: list[int], right: list[int]) -> list[int]:
        """The encoder ids: all of the marked mention and what fits around it."""
        room = self.max_source_length - len(marked) - 2
        if room < 0:
            raise ValueError(
                f"mention {mention.surface[:60]!r}... takes {len(marked)} tokens with its markers; the encoder reads "
                f"{self.max_source_length - 2}: check the span, or shorten the mention"
            )
        # Each side gets half of the room, and what the other side leaves over.
        for_left = min(len(left), max(room // 2, room - len(right)))
        for_right = min(len(right), room - for_left)
        kept_left = left[len(left) - for_left :]
        return [self.tokenizer.bos_token_id, *kept_left, *marked, *right[:for_right], self.tokenizer.eos_token_id]

    @cached_property
    def _longest_token(self) -> int:
        return max(len(token) for token in self.tokenizer.get_vocab())

    def _tokenize(self, pieces: list[str]) -> list[list[int]]:
        return self.tokenizer(pieces, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]

    def _pad(self, side: str, sequences: list[list[int]]) -> dict[str, torch.Tensor]:
        lengths = torch.tensor([len(ids) for ids in sequences])
        rows = [torch.tensor(ids) for ids in sequences]
        padding = self.tokenizer.pad_token_id
        return {
            f"{side}input_ids": torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding),
            f"{side}attention_mask": (torch.arange(int(lengths.max())) < lengths[:, None]).long(),
        }
