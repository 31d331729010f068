"""Losses that compare a right name with a wrong one, under the names that TRL 1.16 gives them.

Each is the published formula of the paper that it names, over the log-ratios of the policy to the reference; a test
compares every one with what TRL computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

TRL_VERSION = "1.16"


@dataclass(frozen=True, slots=True)
class PairScores:
    """Log-probabilities of a batch of pairs; every tensor is float [pairs].

    Attributes:
        chosen: of the chosen name under the policy, summed over its tokens.
        rejected: of the rejected name.
        reference_chosen: the same under the reference.
        reference_rejected: the same.
        chosen_tokens: number of tokens of the chosen name, end token included.
        rejected_tokens: of the rejected name.
    """

    chosen: Tensor
    rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor
    chosen_tokens: Tensor
    rejected_tokens: Tensor

    @property
    def chosen_ratio(self) -> Tensor:
        """Log-ratio of policy to reference, of the chosen name."""
        return self.chosen - self.reference_chosen

    @property
    def rejected_ratio(self) -> Tensor:
        """Log-ratio of policy to reference, of the rejected name."""
        return self.rejected - self.reference_rejected

    @property
    def margin(self) -> Tensor:
        """How much more the policy prefers the chosen name than the reference does."""
        return self.chosen_ratio - self.rejected_ratio

    @property
    def mean_margin(self) -> Tensor:
        """The margin between means over tokens."""
        return self.chosen_ratio / self.chosen_tokens - self.rejected_ratio / self.rejected_tokens

    def normalized(self) -> PairScores:
        """The same with means over tokens for sums."""
        return PairScores(
            self.chosen / self.chosen_tokens,
            self.rejected / self.rejected_tokens,
            self.reference_chosen / self.chosen_tokens,
            self.reference_rejected / self.rejected_tokens,
            torch.ones_like(self.chosen_tokens),
            torch.ones_like(self.rejected_tokens),
        )


Loss = Callable[[PairScores, float, float], Tensor]


def _sigmoid(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """DPO: Rafailov et al. 2023, eq. 7."""
    return -logsigmoid(beta * scores.margin)


def _sigmoid_norm(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """DPO over means."""
    return -logsigmoid(beta * scores.mean_margin)


def _hinge(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """RSO and SLiC: Liu et al. 2023."""
    return torch.relu(1 - beta * scores.margin)


def _ipo(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """IPO: Azar et al. 2023, eq. 17, over means as its authors do."""
    return (scores.mean_margin - 1 / (2 * beta)) ** 2


def _robust(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """Robust DPO: Chowdhury et al. 2024; a share `smoothing` of the pairs is taken to be the wrong way round."""
    clean, flipped = -logsigmoid(beta * scores.margin), -logsigmoid(-beta * scores.margin)
    return ((1 - smoothing) * clean - smoothing * flipped) / (1 - 2 * smoothing)


def _exo_pair(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """EXO: Ji et al. 2024, eq. 16."""
    wanted = torch.tensor([1 - smoothing, smoothing], dtype=scores.chosen.dtype, device=scores.chosen.device).log()
    log_better, log_worse = logsigmoid(beta * scores.margin), logsigmoid(-beta * scores.margin)
    return log_better.exp() * (log_better - wanted[0]) + log_worse.exp() * (log_worse - wanted[1])


def _nca_pair(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """NCA: Chen et al. 2024."""
    chosen, rejected = beta * scores.chosen_ratio, beta * scores.rejected_ratio
    return -logsigmoid(chosen) - 0.5 * logsigmoid(-chosen) - 0.5 * logsigmoid(-rejected)


def _sppo_hard(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """SPPO with certain preferences: Wu et al. 2024, eq. 4.7."""
    return (scores.chosen_ratio - 0.5 / beta) ** 2 + (scores.rejected_ratio + 0.5 / beta) ** 2


def _apo_zero(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """APO-zero: D'Oosterlinck et al. 2024, eq. 7."""
    return 1 - torch.sigmoid(beta * scores.chosen_ratio) + torch.sigmoid(beta * scores.rejected_ratio)


def _apo_down(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """APO-down: D'Oosterlinck et al. 2024, eq. 8."""
    return torch.sigmoid(beta * scores.chosen_ratio) + 1 - torch.sigmoid(beta * scores.margin)


def _sft(scores: PairScores, beta: float, smoothing: float) -> Tensor:
    """Negative log-likelihood of the chosen names, the mean over the tokens of the batch."""
    return (-scores.chosen.sum() / scores.chosen_tokens.sum()).expand(len(scores.chosen))


LOSSES: dict[str, Loss] = {
    "sigmoid": _sigmoid,
    "sigmoid_norm": _sigmoid_norm,
    "hinge": _hinge,
    "ipo": _ipo,
    "robust": _robust,
    "exo_pair": _exo_pair,
    "nca_pair": _nca_pair,
    "sppo_hard": _sppo_hard,
    "apo_zero": _apo_zero,
    "apo_down": _apo_down,
    "sft": _sft,
}
"""TRL's others are left out: `aot` sorts a batch, `bco_pair` and `discopop` were made for judged chat."""


def preference_loss(
    scores: PairScores, losses: list[str], weights: list[float], beta: float, smoothing: float, normalized: bool
) -> Tensor:
    """The weighted sum of losses, each the mean over the pairs; a scalar.

    Args:
        scores: of the batch.
        losses: names of LOSSES.
        weights: of each.
        beta: how much a log-ratio counts.
        smoothing: of "robust" and "exo_pair".
        normalized: take means over tokens for sums; "sft" stays as it is.
    """
    compared = scores.normalized() if normalized else scores
    each = [LOSSES[name](scores if name == "sft" else compared, beta, smoothing).mean() for name in losses]
    return torch.stack([weight * loss for weight, loss in zip(weights, each, strict=True)]).sum()


def check_trl() -> None:
    """Refuse a TRL whose options may mean something else.

    Raises:
        ImportError: TRL is missing or of another version.
    """
    try:
        found = metadata.version("trl")
    except metadata.PackageNotFoundError:
        found = "none"
    if not found.startswith(f"{TRL_VERSION}."):
        raise ImportError(
            f"preference training takes its options from TRL {TRL_VERSION} and found {found}; other versions name and "
            f"scale losses otherwise: pip install 'trl=={TRL_VERSION}.*'"
        )
