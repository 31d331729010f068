"""The processor of the package: the portable one, that also encodes names and says what the encoder can read."""

from __future__ import annotations

from collections.abc import Sequence

from angel_hf.model import processing_angel
from angel_hf.text.reading import fold, normalize
from angel_hf.types import Mention


class AngelProcessor(processing_angel.AngelProcessor):
    """Turns mentions into encoder and decoder ids, and names into targets; the arguments are the portable one's."""

    def fits(self, mentions: Sequence[Mention]) -> list[bool]:
        """Whether the encoder can read each mention: without context it has at most `max_source_length` tokens."""
        room = self.max_source_length - 2 - sum(map(len, self._own_ids[:2]))
        surfaces = [self._read(mention.surface) for mention in mentions]
        # A token has a byte at least, so that most mentions need not be tokenised to know.
        long = [surface for surface in dict.fromkeys(surfaces) if len(surface.encode()) > room]
        too_long = {surface for surface, ids in zip(long, self.encode_names(long)) if len(ids) > room}
        return [surface not in too_long for surface in surfaces]

    def encode_names(self, names: Sequence[str]) -> list[list[int]]:
        """Token ids of normalised names as they follow the prefix, without the end token; folded as the mentions are.

        The tokenizer's own threads share the work, unless TOKENIZERS_PARALLELISM says otherwise.
        """
        tokenizer = self.tokenizer.backend_tokenizer
        # What `_tokenize` sets through transformers, which takes twice the time for what is not asked for here.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        if self.folding:
            names = [name if name.isascii() else normalize(fold(name), self.normalization) for name in names]
        encoded = tokenizer.encode_batch_fast([f" {name}" for name in names], add_special_tokens=False)
        return [one.ids for one in encoded]
