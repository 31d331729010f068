"""What a search needs of a model: two engines give it, `plain` on any device and `packed` on CPUs.

Tensors and ids only: an engine knows neither text nor the trie. Ids and log-probabilities live on the engine's device.
Shapes are given with B mentions, K beams a mention and R live beams (rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


@dataclass
class Step:
    """Live beams that the decoder reads one more token of, ordered by mention; all int64 [R].

    Beam k of mention b has slot b * K + k.

    Attributes:
        parent: row of the beam that each continues, in the step before.
        parent_slot: slot of that beam.
        mention: position of the beam's mention in the decoder.
        slot: where the decoder keeps the beam.
        token_id: the beam's last token.
    """

    parent: Tensor
    parent_slot: Tensor
    mention: Tensor
    slot: Tensor
    token_id: Tensor


class Decoder(Protocol):
    """A batch of mentions on its way through the decoder."""

    def logprobs(self, rows: Tensor, token_ids: Tensor) -> Tensor:
        """Log-probabilities of tokens (int64 [n]) after live beams (int64 [n]): float32 [n].

        Before the first step the live beams are one for each mention, after its prefix.
        """

    def step(self, step: Step) -> None:
        """Read the last token of each live beam."""

    def keep(self, mentions: Tensor, rows: int) -> Tensor | None:
        """Drop all but some mentions, if that pays.

        Args:
            mentions: int64 [n], ascending, those that have live beams.
            rows: number of live beams.

        Returns:
            None where all stay; else int64 [n], the mentions in their new order, which the next steps count by.
        """

    def close(self) -> None:
        """Give back the decoder's memory; it is not used afterwards."""


class TreeDecoder(Decoder, Protocol):
    """A decoder that reads tokens of any branches in one pass.

    Attributes:
        length: cached positions of each mention in use.
    """

    length: int

    def step_tree(
        self, token_ids: np.ndarray, mentions: np.ndarray, positions: np.ndarray, seen: Sequence[Sequence[int]]
    ) -> None:
        """Read tokens of which some may follow others; a mention's are cached one after the other.

        Args:
            token_ids: int64 [R].
            mentions: int64 [R], ascending.
            positions: int64 [R], of the tokens in the target.
            seen: the cached positions that each sees, its own among them.
        """


class Engine(Protocol):
    """The forward passes of one model.

    Attributes:
        device: of all tensors.
        vocab_size: number of tokens that a softmax is taken over.
        end_token_id: the token that ends a target.
        max_length: positions of the decoder, start token not counted.
    """

    device: torch.device
    vocab_size: int
    end_token_id: int
    max_length: int

    def encode(self, source_ids: Sequence[Sequence[int]]) -> Any:
        """Encoded sources, special tokens included: what `start` takes, in a form of the engine's own.

        Its `select(mentions: Sequence[int])` gives those of some mentions.
        """

    def start(self, sources: Any, prefix_ids: Sequence[Sequence[int]], num_beams: int) -> Decoder:
        """Read the prefixes.

        Args:
            sources: what `encode` returned.
            prefix_ids: the decoder's input of each mention, start token included.
            num_beams: K, the most live beams of a mention.
        """
