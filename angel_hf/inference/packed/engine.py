"""BART's forward pass for inference on batches without padding.

The encoder runs once a mention, and so do the keys and values of the sources, however many beams read them. Shapes
are given with T tokens in all, B mentions, R rows (live beams), H heads, K beams a mention, D the model's width and
h = D / H.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import BartForConditionalGeneration

from .decoder_state import DecoderState
from .layers import DecoderLayer, DecoderPass, EncoderLayer
from .row_blocks import RowBlocks
from .vocabulary_head import VocabularyHead
from .weights import rows_multiple
from .workspace import Workspace

# Enough for products to be efficient, and few enough for what lies between them to stay in a core's cache.
_TOKENS_TOGETHER = 768
# Steps that the cache has room for before it grows.
_STEPS = 8

Ids = np.ndarray | Tensor


class PackedBart:
    """The inference passes of a BART model; adapters are passed through, and a change of weights calls for a new one.

    Args:
        model: BART with a language-modelling head, in evaluation mode.
    """

    def __init__(self, model: BartForConditionalGeneration) -> None:
        self.encoder = model.model.encoder
        self.decoder = model.model.decoder
        self.heads: int = model.config.decoder_attention_heads
        self.device: torch.device = model.lm_head.weight.device
        self.multiple = rows_multiple(model.lm_head)
        self.normalize_before: bool = getattr(model.config, "normalize_before", False)
        heads: int = model.config.encoder_attention_heads
        self.encoder_layers = [EncoderLayer(layer, heads, self.normalize_before) for layer in self.encoder.layers]
        self.decoder_layers = [DecoderLayer(layer, self.heads, self.normalize_before) for layer in self.decoder.layers]
        self.workspace = Workspace()
        self.head = VocabularyHead(model.lm_head, model.final_logits_bias[0])

    def sibling(self) -> PackedBart:
        """The same passes with memory of their own, for another thread."""
        other = copy.copy(self)
        other.workspace = Workspace()
        return other

    def encode(self, encoder_ids: Sequence[Sequence[int]]) -> list[Tensor]:
        """Last hidden states of each source, [its length, D]."""
        lengths = [len(ids) for ids in encoder_ids]
        groups = _groups(lengths, _TOKENS_TOGETHER) if self.device.type == "cpu" else [slice(0, len(lengths))]
        return [hidden for group in groups for hidden in self._encode(encoder_ids[group], lengths[group])]

    def recycle(self, state: DecoderState) -> None:
        """Take back the memory of a state that nobody uses any more."""
        self.workspace.give_back([*state.sources, *state.targets])
        state.sources.clear()
        state.targets.clear()

    def start(
        self, sources: list[Tensor], prefix_ids: Sequence[Sequence[int]], num_beams: int
    ) -> tuple[DecoderState, Tensor]:
        """Run the decoder over the prefixes.

        Args:
            sources: what `encode` returned.
            prefix_ids: the decoder's input of each mention, start token included.
            num_beams: slots to keep for each mention.

        Returns:
            The state, and the hidden state after each prefix [B, D].
        """
        lengths = np.array([len(ids) for ids in prefix_ids])
        state = self._state(sources, lengths, num_beams)
        mentions, columns = np.repeat(np.arange(len(lengths)), lengths), _positions(lengths)
        blocks = RowBlocks(mentions, columns, len(lengths), state.length, self.device, self.multiple)
        hidden = self._embed(self.decoder, _flat(prefix_ids)[blocks.rows], columns[blocks.rows])
        hidden = self._decode(hidden, state, DecoderPass(blocks, slice(0, state.length), None, state.source_mask))
        return state, hidden[torch.from_numpy(np.cumsum(lengths) - 1).to(self.device)]

    def step(self, state: DecoderState, token_ids: Ids, slots: Ids, parent_slots: Ids) -> Tensor:
        """Feed one token to each live beam.

        Args:
            state: changed in place.
            token_ids: int64 [R], as all ids here in numpy or torch.
            slots: int64 [R], ascending; beam k of mention b is slot b * K + k.
            parent_slots: int64 [R], the slot whose history each beam continues.

        Returns:
            Hidden states [R or a few more, D]; rows after the Rth mean nothing.
        """
        token_ids, slots, parent_slots = map(_on_host, (token_ids, slots, parent_slots))
        mentions, beams = np.divmod(slots, state.num_beams)
        blocks = RowBlocks(mentions, beams, len(state.positions), int(beams.max()) + 1, self.device, self.multiple)
        positions = state.positions.numpy()[mentions]
        hidden = self._embed(self.decoder, token_ids[blocks.rows], positions[blocks.rows])
        region = slice(state.advance(slots, parent_slots), state.length)
        return self._decode(hidden, state, DecoderPass(blocks, region, state.mask(blocks.width), state.source_mask))

    def step_ahead(
        self,
        state: DecoderState,
        token_ids: np.ndarray,
        mentions: np.ndarray,
        positions: np.ndarray,
        seen: Sequence[Sequence[int]],
    ) -> Tensor:
        """Feed tokens of which some may follow others; a mention's are cached one after the other.

        Args:
            state: changed in place.
            token_ids: int64 [R].
            mentions: int64 [R], ascending.
            positions: int64 [R], of the tokens in the target.
            seen: the cached positions that each sees, its own among them.

        Returns:
            Hidden states [R or a few more, D]; rows after the Rth mean nothing.
        """
        columns = np.arange(len(mentions)) - np.searchsorted(mentions, mentions)
        width = int(columns.max()) + 1
        blocks = RowBlocks(mentions, columns, len(state.positions), width, self.device, self.multiple)
        region = state.open(width)
        mask = np.full((len(state.positions), 1, width, state.length), np.float32("-inf"))
        for mention, column, own in zip(mentions.tolist(), columns.tolist(), seen):
            mask[mention, 0, column, list(own)] = 0
        hidden = self._embed(self.decoder, token_ids[blocks.rows], positions[blocks.rows])
        common = DecoderPass(blocks, region, torch.from_numpy(mask).to(state.sources[0]), state.source_mask)
        return self._decode(hidden, state, common)

    def logprobs(self, hidden: Tensor, rows: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Log-probabilities of `token_ids` (int64 [n]) after `rows` (int64 [n]) of `hidden`: float32 [n]."""
        return self.head.logprobs(hidden, rows, token_ids)

    def _encode(self, encoder_ids: Sequence[Sequence[int]], lengths: list[int]) -> list[Tensor]:
        token_ids, positions = _flat(encoder_ids), _positions(np.array(lengths))
        # Tokens that only fill up are one more source, which nobody reads.
        filling = -len(token_ids) % self.multiple
        token_ids, positions = np.pad(token_ids, (0, filling)), np.pad(positions, (0, filling))
        hidden = self._embed(self.encoder, token_ids, positions)
        runs = _runs([*lengths, filling] if filling else lengths)
        for layer in self.encoder_layers:
            hidden = layer(hidden, runs)
        return list(self._end(self.encoder, hidden)[: sum(lengths)].split(lengths))

    def _decode(self, hidden: Tensor, state: DecoderState, common: DecoderPass) -> Tensor:
        for layer, targets, sources in zip(self.decoder_layers, state.targets, state.sources):
            hidden = layer(hidden, targets, sources, common)
        return self._end(self.decoder, hidden)

    def _end(self, stack: Any, hidden: Tensor) -> Tensor:
        """A stack whose layers normalise before their sublayers has a norm at its end."""
        return stack.layer_norm(hidden) if self.normalize_before else hidden

    def _embed(self, stack: Any, token_ids: np.ndarray, positions: np.ndarray) -> Tensor:
        """Token and position embeddings, normalised: int64 [T], int64 [T] -> [T, D]."""
        table = stack.embed_positions
        # BART's table of positions begins with two unused rows.
        ids, rows = torch.from_numpy(np.stack([token_ids, positions + table.offset])).to(self.device)
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


def _on_host(ids: Ids) -> np.ndarray:
    return ids.cpu().numpy() if isinstance(ids, Tensor) else ids


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
