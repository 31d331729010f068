"""Losses over a right name and a wrong one, named as in TRL 1.16; a test compares each with TRL's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from angel_hf.training.recipes.schema import LossName

TRL_VERSION = "1.16"


@dataclass(frozen=True, slots=True)
class PairScores:
    """Log-probabilities of a batch of pairs; every tensor is float [pairs].

    Attributes:
        chosen: of the chosen name under the policy, summed over its tokens.
        rejected: of the rejected name under the policy.
        reference_chosen: of the chosen name under the reference.
        reference_rejected: of the rejected name under the reference.
        chosen_tokens: number of tokens of the chosen name, end token included.
        rejected_tokens: number of tokens of the rejected name.
    """

    chosen: Tensor
    rejected: Tensor
    reference_chosen: Tensor
    reference_rejected: Tensor
    chosen_tokens: Tensor
    rejected_tokens: Tensor

    @property
    def margin(self) -> Tensor:
        """The policy's preference for the chosen name beyond the reference's, [pairs]."""
        return (self.chosen - self.reference_chosen) - (self.rejected - self.reference_rejected)

    def normalized(self) -> PairScores:
        """The same scores as means over tokens."""
        return PairScores(
            self.chosen / self.chosen_tokens,
            self.rejected / self.rejected_tokens,
            self.reference_chosen / self.chosen_tokens,
            self.reference_rejected / self.rejected_tokens,
            torch.ones_like(self.chosen_tokens),
            torch.ones_like(self.rejected_tokens),
        )


def _sigmoid(scores: PairScores, beta: float) -> Tensor:
    """DPO: Rafailov et al. 2023, eq. 7."""
    return -logsigmoid(beta * scores.margin)


def _sft(scores: PairScores, beta: float) -> Tensor:
    """Negative log-likelihood of the chosen names, averaged over the tokens of the batch."""
    return (-scores.chosen.sum() / scores.chosen_tokens.sum()).expand(len(scores.chosen))


LOSSES: dict[LossName, Callable[[PairScores, float], Tensor]] = {"sigmoid": _sigmoid, "sft": _sft}


def preference_loss(
    scores: PairScores, losses: Sequence[LossName], weights: Sequence[float], beta: float, normalized: bool
) -> Tensor:
    """The weighted sum of losses, each the mean over the pairs; a scalar.

    Args:
        scores: of the batch.
        losses: names of LOSSES.
        weights: one for each loss.
        beta: weight of a log-ratio.
        normalized: compare means over tokens instead of sums; "sft" is not affected.
    """
    compared = scores.normalized() if normalized else scores
    each = [LOSSES[name](scores if name == "sft" else compared, beta).mean() for name in losses]
    return torch.stack([weight * loss for weight, loss in zip(weights, each, strict=True)]).sum()


def check_trl() -> None:
    """Refuse other versions of TRL, whose options may differ in meaning.

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
            f"scale losses differently: pip install 'trl=={TRL_VERSION}.*'"
        )
