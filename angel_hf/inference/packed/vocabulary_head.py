"""Log-probabilities under a softmax over the whole vocabulary, without a matrix of the whole vocabulary's scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear

from angel_hf.inference.packed.int8_linear import Int8Blocks, rounded
from angel_hf.inference.packed.weights import can_pack, forget, is_plain, packed

# The scores of so many tokens, for all beams of a batch, lie in the cache of a core.
TOKENS_A_BLOCK = 4096
# Scores lie around 0 as a rule, so that their exponentials can be summed as they are, as exactly as relative to the
# largest score, which would have to be found first. Rows whose sum is beyond these bounds are done that way.
# Exponentials that vanish take many times as long as others, so that no score is taken as less than the least; a whole
# vocabulary of those adds less than 1e-29.
_LEAST_SCORE = -80.0
_LEAST_SUM, _MOST_SUM = 1e-20, 1e35


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
        packable = can_pack(lm_head)
        if not packable:
            forget(lm_head)
        if not is_plain(lm_head):
            self.scores = [lambda hidden: lm_head(hidden) + bias]
            return
        self.block = min(TOKENS_A_BLOCK, self.vocabulary)
        # It is zero in nearly all models, and a sum over all scores is not for nothing.
        biases = [own if own.any() else None for own in bias.split(self.block)]
        if packable:
            weights = packed([lm_head], self.block)
            self.scores = [partial(weight.product, bias=own) for weight, own in zip(weights, biases)]
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
        starts = np.arange(len(self.scores) + 1) * self.block
        bounds = np.searchsorted(token_ids[order], starts)
        # Where each stands among the scores of its block, which is narrower if it is the last.
        block, column = np.divmod(token_ids[order], self.block)
        places = rows[order] * np.minimum(self.block, self.vocabulary - starts[block]) + column
        row, place = torch.from_numpy(np.stack([rows[order], places]))
        inputs = self.inputs(hidden)
        sums, asked = [], []
        for scores_of, first, last in zip(self.scores, bounds, bounds[1:]):
            scores = _wide(scores_of(*inputs))
            asked.append(scores.flatten().index_select(0, place[first:last]))
            sums.append(scores.clamp_(min=_LEAST_SCORE).exp_().sum(dim=-1))
        total = torch.stack(sums).sum(dim=0)
        # Neither too large for float32, nor so small that terms were lost.
        sound = (total > _LEAST_SUM) & (total < _MOST_SUM)
        total = total.log()
        if not sound.all():
            blocks = [torch.logsumexp(_wide(scores_of(*inputs)), dim=-1) for scores_of in self.scores]
            total = torch.where(sound, total, torch.logsumexp(torch.stack(blocks), dim=0))
        found = torch.cat(asked) - total.index_select(0, row)
        logprobs = np.empty(len(order), dtype=np.float32)
        logprobs[order] = found.numpy()
        return logprobs


def _wide(scores: Tensor) -> Tensor:
    """Half precision as float32."""
    return scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores


def _in_integers(part: Any, bias: Tensor, inputs: Tensor, scale: Tensor) -> Tensor:
    return part.multiply(inputs, scale) + bias
