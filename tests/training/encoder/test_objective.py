"""NT-Xent by a loop in float64."""

import math

import numpy as np
import pytest
import torch

from angel_hf.training.encoder.objective import nt_xent

TORCH = torch.Generator().manual_seed(5)
VECTORS = torch.nn.functional.normalize(torch.randn(8, 5, dtype=torch.float64, generator=TORCH), dim=1)
SAME = torch.eye(8, dtype=torch.bool) | torch.eye(8, dtype=torch.bool).roll(4, 0)
SAME[0, 1] = SAME[1, 0] = SAME[4, 7] = SAME[7, 4] = True


def by_hand(vectors, same, temperature):
    losses = []
    for row, vector in enumerate(vectors):
        scores = [math.exp(vector @ other / temperature) for other in vectors]
        partner = scores[(row + 4) % 8]
        wrong = sum(score for column, score in enumerate(scores) if not same[row, column])
        losses.append(-math.log(partner / (partner + wrong)))
    return np.mean(losses)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_the_loss_is_the_cross_entropy_of_partners_against_what_means_something_else(temperature):
    assert nt_xent(VECTORS, SAME, temperature).item() == pytest.approx(
        by_hand(VECTORS.numpy(), SAME.numpy(), temperature)
    )


def test_gradients_are_those_of_small_differences():
    vectors = VECTORS.clone().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda one: nt_xent(one, SAME, 0.2), (vectors,))


def test_a_batch_of_one_meaning_has_nothing_to_learn():
    vectors = VECTORS.clone().requires_grad_(True)
    loss = nt_xent(vectors, torch.ones(8, 8, dtype=torch.bool), 0.05)
    loss.backward()
    assert loss.item() == 0 and not vectors.grad.any()
