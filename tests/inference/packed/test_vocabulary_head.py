"""Log-probabilities made block by block are those of a softmax over all tokens at once."""

import numpy as np
import pytest
import torch
from torch import nn

from angel_hf.inference.packed.vocabulary_head import VocabularyHead

VOCABULARY, WIDTH, ROWS = 9_001, 8, 5


class Adapted(nn.Module):
    """A head in a module of another kind, as adapters make it."""

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.head = head
        self.weight = head.weight

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(rows) + 1.0  # what all tokens get alike leaves log-probabilities as they are


@pytest.fixture
def head() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(WIDTH, VOCABULARY, bias=False)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("make", "blocks", "tolerance"),
    [
        (lambda head: head, 3, 2e-6),
        (lambda head: head.double(), 3, 2e-6),
        (lambda head: head.bfloat16(), 3, 0.1),
        (Adapted, 1, 2e-6),
    ],
    ids=["float32", "float64", "bfloat16", "adapted"],
)
def test_tokens_in_any_order_and_again(head, make, blocks, tolerance):
    bias, hidden = torch.randn(VOCABULARY), 3 * torch.randn(ROWS, WIDTH)
    expected = (hidden.double() @ head.weight.double().T + bias).log_softmax(-1)
    head = make(head)
    vocabulary_head = VocabularyHead(head, bias)
    assert len(vocabulary_head.scores) == blocks
    rows = np.array([4, 0, 0, 3, 0, 1, 4, 2])
    token_ids = np.array([VOCABULARY - 1, 4096, 4095, 0, 4096, 17, 8192, 8191])
    logprobs = vocabulary_head.logprobs(hidden.to(head.weight.dtype), rows, token_ids)
    assert logprobs.dtype == np.float32
    np.testing.assert_allclose(logprobs, expected[rows, token_ids], atol=tolerance)


@torch.inference_mode()
@pytest.mark.parametrize("shift", [-3000.0, -80.0, 0.0, 80.0, 3000.0])
def test_scores_anywhere(head, shift):
    """Exponentials that overflow or vanish in some rows, all rows or none."""
    bias, hidden = torch.randn(VOCABULARY) + shift, torch.randn(ROWS, WIDTH)
    hidden[0] *= 100
    hidden[1] *= 0
    rows, token_ids = np.repeat(np.arange(ROWS), 3), np.tile([0, 4096, VOCABULARY - 1], ROWS)
    expected = (hidden.double() @ head.weight.double().T + bias).log_softmax(-1)
    found = VocabularyHead(head, bias).logprobs(hidden, rows, token_ids)
    np.testing.assert_allclose(found, expected[rows, token_ids], atol=2e-6, rtol=2e-6 if abs(shift) < 100 else 1e-3)


@torch.inference_mode()
def test_most_tokens_have_scores_that_vanish(head):
    """As where a vocabulary was filled up with tokens that no name has."""
    bias, hidden = torch.full((VOCABULARY,), -1e4), torch.randn(ROWS, WIDTH)
    bias[::100] = -20.0
    rows, token_ids = np.arange(ROWS), np.full(ROWS, 4100)
    expected = (hidden.double() @ head.weight.double().T + bias).log_softmax(-1)
    found = VocabularyHead(head, bias).logprobs(hidden, rows, token_ids)
    np.testing.assert_allclose(found, expected[rows, token_ids], atol=4e-6)


@torch.inference_mode()
def test_a_row_that_needs_another_way_does_not_change_the_others(head):
    bias, hidden = torch.randn(VOCABULARY), torch.randn(ROWS, WIDTH)
    rows, token_ids = np.arange(ROWS), np.full(ROWS, 17)
    before = VocabularyHead(head, bias).logprobs(hidden, rows, token_ids)
    hidden[2] *= 1000
    after = VocabularyHead(head, bias).logprobs(hidden, rows, token_ids)
    assert np.delete(after == before, 2).all()


@torch.inference_mode()
def test_no_tokens(head):
    nothing = np.zeros(0, dtype=np.int64)
    assert VocabularyHead(head, torch.zeros(VOCABULARY)).logprobs(torch.randn(ROWS, WIDTH), nothing, nothing).size == 0


@torch.inference_mode()
def test_tokens_that_a_bias_rules_out(head):
    """A block without any possible token, and scores that would overflow without a maximum."""
    bias = torch.full((VOCABULARY,), float("-inf"))
    bias[:100] = 200.0
    hidden = torch.randn(ROWS, WIDTH)
    found = VocabularyHead(head, bias).logprobs(hidden, np.array([0, 0]), np.array([7, 8000]))
    expected = (hidden[0].double() @ head.weight.double().T + bias).log_softmax(-1)
    assert found[0] == pytest.approx(expected[7].item(), abs=2e-5)
    assert found[1] == float("-inf")
