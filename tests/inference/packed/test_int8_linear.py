"""Layers of 8-bit integers compute what integers of 8 bits give, whichever product they use."""

import numpy as np
import pytest
import torch
from torch import nn

from angel_hf.inference.packed import int8_linear
from angel_hf.inference.packed.int8_linear import Int8Blocks, Int8Linear, rounded
from angel_hf.inference.packed.linear_product import JointProduct, LinearProduct
from angel_hf.inference.packed.vocabulary_head import VocabularyHead


@pytest.fixture(params=["packed", "plain"])
def products(request, monkeypatch) -> str:
    """With oneDNN's product, and with that of processors which lack its instructions."""
    if request.param == "plain":
        monkeypatch.setattr(int8_linear, "has_packed_products", lambda: False)
    elif not int8_linear.has_packed_products():
        pytest.skip("this processor or this PyTorch has no packed products of 8-bit integers")
    return request.param


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(64, 32)


def inputs(rows: int) -> torch.Tensor:
    """Rows of very different size, one of them of zeros."""
    found = torch.randn(rows, 64, generator=torch.Generator().manual_seed(1)) * torch.logspace(-3, 2, rows)[:, None]
    found[rows // 2] = 0
    return found


def by_hand(layer: nn.Linear, given: torch.Tensor) -> np.ndarray:
    """In numpy's 64-bit integers."""
    (weight, weight_scale), (rows, row_scale) = map(_integers, (layer.weight.detach(), given))
    bias = 0 if layer.bias is None else layer.bias.detach().double().numpy()
    return (rows @ weight.T) * row_scale * weight_scale.T + bias


def _integers(rows: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Rounded as single precision has them; in double precision a few that lie between two would go the other way."""
    scale = np.maximum(np.abs(rows.numpy()).max(1, keepdims=True), np.float32(1e-8)) / np.float32(127)
    return np.rint(rows.numpy() / scale).astype(np.int64), scale.astype(np.float64)


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 2, 17, 320])
def test_the_result_is_that_of_integers(products, layer, rows):
    whole = Int8Linear(layer)
    assert whole.packed == (products == "packed")
    found = whole(inputs(rows))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), by_hand(layer, inputs(rows)), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_the_largest_numbers_do_not_overflow(products):
    """Pairs of products that would not fit 16 bits."""
    layer = nn.Linear(4096, 8, bias=False)
    layer.weight.fill_(1.0)
    np.testing.assert_allclose(Int8Linear(layer)(torch.ones(3, 4096)).numpy(), 4096.0, rtol=1e-6)
    np.testing.assert_allclose(Int8Linear(layer)(-torch.ones(3, 4096)).numpy(), -4096.0, rtol=1e-6)


@torch.inference_mode()
def test_a_row_s_result_does_not_depend_on_the_others(products, layer):
    whole, given = Int8Linear(layer), inputs(17)
    together = whole(given)
    for row in range(17):
        torch.testing.assert_close(whole(given[row : row + 1])[0], together[row], rtol=1e-6, atol=1e-6)


@torch.inference_mode()
def test_it_is_close_to_the_layer(products, layer):
    given = torch.randn(20, 64)
    difference = Int8Linear(layer)(given) - layer(given)
    assert 0 < difference.abs().max() < 0.05


@torch.inference_mode()
def test_layers_over_the_same_rows_round_these_once(products, layer, monkeypatch):
    layers = [Int8Linear(layer), Int8Linear(nn.Linear(64, 8)), Int8Linear(nn.Linear(64, 5, bias=False))]
    expected = torch.cat([each(inputs(9)) for each in layers], dim=-1)
    counted = []
    monkeypatch.setattr(
        "angel_hf.inference.packed.linear_product.rounded", lambda rows: counted.append(rows) or rounded(rows)
    )
    assert torch.equal(JointProduct(*layers)(inputs(9)), expected)
    assert len(counted) == 1
    summand = torch.randn(9, 32)
    torch.testing.assert_close(LinearProduct(layers[0]).onto(summand, inputs(9)), summand + layers[0](inputs(9)))


@torch.inference_mode()
def test_the_vocabulary_in_integers(products):
    torch.manual_seed(0)
    head, bias, hidden = nn.Linear(64, 5_000, bias=False), torch.randn(5_000), torch.randn(3, 64)
    expected = torch.from_numpy(by_hand(head, hidden)) + bias
    rows, token_ids = np.array([0, 2, 2]), np.array([4_999, 0, 4_096])
    whole = Int8Blocks(head, 2_048)
    assert [part.out_features for part in whole.parts] == [2_048, 2_048, 904]
    found = VocabularyHead(whole, bias).logprobs(hidden, rows, token_ids)
    np.testing.assert_allclose(found, expected.log_softmax(-1)[rows, token_ids], atol=1e-5)
    torch.testing.assert_close(whole(hidden), torch.from_numpy(by_hand(head, hidden)).float(), rtol=1e-4, atol=1e-4)
    with_bias = nn.Linear(64, 10)
    found = Int8Blocks(with_bias, 4)(hidden)
    np.testing.assert_allclose(found.numpy(), by_hand(with_bias, hidden), rtol=1e-4, atol=1e-4)
