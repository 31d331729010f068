"""Log-probabilities under a softmax over the whole vocabulary, without a matrix of the whole vocabulary's scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from .int8_linear import Int8Blocks, rounded
from .packed_weights import can_pack, is_plain, packed, product

# The scores of so many tokens, for all beams of a batch, lie in the cache of a core.
TOKENS_A_BLOCK = 4096


class VocabularyHead:
    """A language-modelling head of which a few tokens a row are asked.

    On a CPU, scores are made for one block of the vocabulary after the other, and of each block only the sum of the
    exponentials and the tokens that are asked for are kept; to write all scores to memory and read them again takes
    longer than to compute them.

    Args:
        lm_head: the head without bias, or what an adapter put in its place.
        bias: [vocabulary], added to its scores.
    """

    def __init__(self, lm_head: Any, bias: Tensor) -> None:
        self.vocabulary = len(bias)
        self.block = self.vocabulary
        self.scores: list[Callable[..., Tensor]]
        self.inputs: Callable[[Tensor], tuple[Tensor, ...]] = lambda hidden: (hidden,)
        if isinstance(lm_head, Int8Blocks):
            # Rounded once for all blocks.
            self.inputs = rounded
            self.block = lm_head.block
            self.scores = [partial(_in_integers, part, own) for part, own in zip(lm_head.parts, bias.split(self.block))]
            return
        bias = bias.to(lm_head.weight.dtype)
        if not is_plain(lm_head) or bias.device.type != "cpu":
            self.scores = [lambda hidden: lm_head(hidden) + bias]
            return
        self.block = min(TOKENS_A_BLOCK, self.vocabulary)
        biases = bias.split(self.block)
        if can_pack(lm_head):
            weights = packed([lm_head], self.block)
            self.scores = [partial(product, weight=weight, bias=own) for weight, own in zip(weights, biases)]
        else:
            weights = lm_head.weight.split(self.block)
            self.scores = [partial(linear, weight=weight, bias=own) for weight, own in zip(weights, biases)]

    def logprobs(self, hidden: Tensor, rows: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
        """Log-probabilities of some tokens after some rows.

        Args:
            hidden: [R, D].
            rows, token_ids: int64 [n], a row of `hidden` and a token.

        Returns:
            float32 [n].
        """
        order = np.argsort(token_ids, kind="stable")
        bounds = np.searchsorted(token_ids[order], np.arange(len(self.scores) + 1) * self.block)
        places = np.stack([rows[order], token_ids[order] % self.block])
        row, column = torch.from_numpy(places).to(hidden.device)
        inputs = self.inputs(hidden)
        sums, asked = [], []
        for scores_of, first, last in zip(self.scores, bounds, bounds[1:]):
            scores = scores_of(*inputs).float()
            sums.append(torch.logsumexp(scores, dim=-1))
            asked.append(scores[row[first:last], column[first:last]])
        found = torch.cat(asked) - torch.logsumexp(torch.stack(sums), dim=0)[row]
        logprobs = np.empty(len(order), dtype=np.float32)
        logprobs[order] = found.cpu().numpy()
        return logprobs


def _in_integers(part: Any, bias: Tensor, inputs: Tensor, scale: Tensor) -> Tensor:
    return part.multiply(inputs, scale) + bias
