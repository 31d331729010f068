"""BART's forward pass for a search on a CPU: batches without padding.

The encoder runs once a mention, and so do the keys and values of the sources, however many beams read them. Shapes
are given with T tokens in all, B mentions, R rows (live beams), H heads, K beams a mention, D the model's width and
h = D / H.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.decoder_state import DecoderState
from angel_hf.inference.packed.layers import DecoderLayer, DecoderPass, EncoderLayer
from angel_hf.inference.packed.row_blocks import RowBlocks
from angel_hf.inference.packed.vocabulary_head import VocabularyHead
from angel_hf.inference.packed.weights import rows_multiple
from angel_hf.inference.packed.workspace import Workspace

# Enough for products to be efficient, and few enough for what lies between them to stay in a core's cache.
_TOKENS_TOGETHER = 768
# Steps that the cache has room for before it grows.
_STEPS = 8


@dataclass(frozen=True)
class PackedSources:
    """Hidden states of each source, [its length, D]."""

    states: list[Tensor]

    def select(self, mentions: Sequence[int]) -> PackedSources:
        """Those of some mentions."""
        return PackedSources([self.states[mention] for mention in mentions])


class PackedEngine:
    """The inference passes of a BART model; adapters are passed through, and a change of weights calls for a new one.

    Args:
        model: BART with a language-modelling head, on a CPU.
    """

    def __init__(self, model: Any) -> None:
        self.encoder = model.model.encoder
        self.decoder = model.model.decoder
        self.heads: int = model.config.decoder_attention_heads
        self.device: torch.device = model.lm_head.weight.device
        self.multiple = rows_multiple(model.lm_head)
        self.end_token_id: int = model.config.eos_token_id
        self.max_length: int = model.config.max_position_embeddings
        self.normalize_before: bool = getattr(model.config, "normalize_before", False)
        heads: int = model.config.encoder_attention_heads
        self.encoder_layers = [EncoderLayer(layer, heads, self.normalize_before) for layer in self.encoder.layers]
        self.decoder_layers = [DecoderLayer(layer, self.heads, self.normalize_before) for layer in self.decoder.layers]
        self.workspace = Workspace()
        self.head = VocabularyHead(model.lm_head, model.final_logits_bias[0])

    def sibling(self) -> PackedEngine:
        """The same passes with memory of their own, for another thread."""
        other = copy.copy(self)
        other.workspace = Workspace()
        return other

    @property
    def vocab_size(self) -> int:
        """Number of tokens that a softmax is taken over."""
        return self.head.vocabulary

    def encode(self, source_ids: Sequence[Sequence[int]]) -> PackedSources:
        """Hidden states of the sources; see `Engine`."""
        lengths = [len(ids) for ids in source_ids]
        groups = _groups(lengths, _TOKENS_TOGETHER)
        return PackedSources([hidden for group in groups for hidden in self._encode(source_ids[group], lengths[group])])

    def start(self, sources: PackedSources, prefix_ids: Sequence[Sequence[int]], num_beams: int) -> PackedDecoder:
        """The decoder after the prefixes; see `Engine`."""
        lengths = np.array([len(ids) for ids in prefix_ids])
        state = self._state(sources.states, lengths, num_beams)
        mentions, columns = np.repeat(np.arange(len(lengths)), lengths), _positions(lengths)
        blocks = RowBlocks(mentions, columns, len(lengths), state.length, self.multiple)
        hidden = self.read(state, _flat(prefix_ids), columns, blocks, slice(0, state.length), None)
        hidden = hidden[torch.from_numpy(np.cumsum(lengths) - 1)]
        return PackedDecoder(state, hidden, self.read, self.head, self.multiple, self.recycle)

    def read(
        self,
        state: DecoderState,
        token_ids: np.ndarray,
        positions: np.ndarray,
        blocks: RowBlocks,
        region: slice,
        mask: Tensor | None,
    ) -> Tensor:
        """Run the decoder over rows.

        Args:
            state: its caches are written to.
            token_ids, positions: int64 [R], tokens and where they stand in their targets.
            blocks: where the rows stand among the mentions.
            region: the cached positions that the rows get.
            mask: [B, 1, width, end of region], or None where rows see what stands before them in their own block.

        Returns:
            Hidden states [R or a few more, D]; rows after the Rth mean nothing.
        """
        hidden = self._embed(self.decoder, token_ids[blocks.rows], positions[blocks.rows])
        common = DecoderPass(blocks, region, mask, state.source_mask)
        for layer, targets, sources in zip(self.decoder_layers, state.targets, state.sources):
            hidden = layer(hidden, targets, sources, common)
        return self._end(self.decoder, hidden)

    def recycle(self, state: DecoderState) -> None:
        """Take back the memory of a state that nobody uses any more."""
        self.workspace.give_back([*state.sources, *state.targets])
        state.sources.clear()
        state.targets.clear()

    def _encode(self, source_ids: Sequence[Sequence[int]], lengths: list[int]) -> list[Tensor]:
        token_ids, positions = _flat(source_ids), _positions(np.array(lengths))
        # Tokens that only fill up are one more source, which nobody reads.
        filling = -len(token_ids) % self.multiple
        token_ids, positions = np.pad(token_ids, (0, filling)), np.pad(positions, (0, filling))
        hidden = self._embed(self.encoder, token_ids, positions)
        runs = _runs([*lengths, filling] if filling else lengths)
        for layer in self.encoder_layers:
            hidden = layer(hidden, runs)
        return list(self._end(self.encoder, hidden)[: sum(lengths)].split(lengths))

    def _end(self, stack: Any, hidden: Tensor) -> Tensor:
        """A stack whose layers normalise before their sublayers has a norm at its end."""
        return stack.layer_norm(hidden) if self.normalize_before else hidden

    def _embed(self, stack: Any, token_ids: np.ndarray, positions: np.ndarray) -> Tensor:
        """Token and position embeddings, normalised: int64 [T], int64 [T] -> [T, D]."""
        table = stack.embed_positions
        # BART's table of positions begins with two unused rows.
        ids, rows = torch.from_numpy(np.stack([token_ids, positions + table.offset]))
        return stack.layernorm_embedding(stack.embed_tokens(ids) + table.weight.index_select(0, rows))

    def _state(self, sources: list[Tensor], prefix_lengths: np.ndarray, num_beams: int) -> DecoderState:
        packed, lengths = torch.cat(sources), [len(source) for source in sources]
        longest = int(prefix_lengths.max())
        capacity = longest + _STEPS * num_beams
        seen = np.arange(capacity) < np.repeat(prefix_lengths, num_beams)[:, None]
        beyond = np.arange(max(lengths)) >= np.array(lengths)[:, None]
        mask = np.where(beyond, np.float32("-inf"), np.float32(0))[:, None, None]

        def pad(rows: Tensor) -> Tensor:
            padded = self.workspace.take((len(lengths), max(lengths), rows.shape[-1]), rows)
            for own, part in zip(padded, rows.split(lengths)):
                own[: len(part)] = part
                own[len(part) :] = 0
            return padded.view(*padded.shape[:2], 2, self.heads, -1)

        cached = [pad(layer.source_key_value(packed)) for layer in self.decoder_layers]
        targets = [self.workspace.take((len(sources), capacity, *rows.shape[2:]), rows) for rows in cached]
        return DecoderState(
            num_beams=num_beams,
            sources=cached,
            source_mask=torch.from_numpy(mask).to(packed) if beyond.any() else None,
            targets=targets,
            seen=torch.from_numpy(seen),
            length=longest,
            positions=torch.from_numpy(prefix_lengths),
        )


def _flat(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Ids of all sequences, end to end: int64 [T]."""
    return np.fromiter(itertools.chain.from_iterable(sequences), dtype=np.int64)


def _positions(lengths: np.ndarray) -> np.ndarray:
    """0, 1, ... for each length: int64 [T]."""
    return np.concatenate([np.arange(length) for length in lengths])


def _runs(lengths: list[int]) -> list[tuple[int, int]]:
    """Neighbours of equal length as (count, length)."""
    return [(len(list(run)), length) for length, run in itertools.groupby(lengths)]


def _groups(lengths: list[int], most: int) -> list[slice]:
    """Neighbours with `most` tokens together, or a single one with more."""
    groups, first, total = [], 0, 0
    for position, length in enumerate(lengths):
        if total and total + length > most:
            groups.append(slice(first, position))
            first, total = position, 0
        total += length
    return [*groups, slice(first, len(lengths))]
