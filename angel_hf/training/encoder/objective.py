"""NT-Xent: synonyms near one another, and all else in the batch apart."""

from __future__ import annotations

import torch


def nt_xent(vectors: torch.Tensor, is_same: torch.Tensor, temperature: float) -> torch.Tensor:
    """The normalised temperature-scaled cross entropy (Chen et al., 2020, arXiv 2002.05709), synonyms left aside.

    Each string has its partner to find among the strings that mean something else: -log of exp(s / t) over its sum with
    those of all others, for cosines s. Further strings that mean the same are neither right nor wrong.

    Args:
        vectors: of length 1, the first strings of all pairs and then the second: float [2 * pairs, dimensions].
        is_same: which mean the same, partners and themselves included: bool [2 * pairs, 2 * pairs].
        temperature: t.

    Returns:
        The mean over all strings.
    """
    scores = vectors @ vectors.T / temperature
    partners = torch.arange(len(vectors)).roll(len(vectors) // 2)
    right = scores.gather(1, partners[:, None])[:, 0]
    # A finite number, so that a batch of one concept has a gradient, of zero.
    wrong = scores.masked_fill(is_same, torch.finfo(scores.dtype).min).logsumexp(dim=1)
    return (torch.logaddexp(right, wrong) - right).mean()
