"""Packed weights give the products of the layers that they are of, whatever happens to those."""

import gc
import weakref

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu
from transformers.activations import ACT2FN

from angel_hf.inference.packed.linear_product import JointProduct, LinearProduct
from angel_hf.inference.packed.products import MklWeight, OneDnnWeight, OpenBlasWeight, packed_type
from angel_hf.inference.packed.weights import can_pack, packed, rows_multiple

pytestmark = pytest.mark.skipif(
    packed_type(torch.float32, 1) is None, reason="this machine or this PyTorch has no products with packed weights"
)
ROWS = torch.randn(7, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(6, 9)


def assert_current(layer: nn.Linear) -> None:
    with torch.inference_mode():
        product = LinearProduct(layer)
        assert product.weight is not None, "the layer was not packed"
        torch.testing.assert_close(product(ROWS), layer(ROWS))


def test_a_product_is_the_layer_s(layer):
    assert_current(layer)
    with torch.inference_mode():
        summand = torch.randn(7, 9)
        torch.testing.assert_close(LinearProduct(layer).onto(summand, ROWS), summand + layer(ROWS))
        for name, activation in (("gelu", gelu), ("relu", torch.relu), ("silu", nn.functional.silu)):
            product = LinearProduct(layer, ACT2FN[name])
            assert (product.weight is None) == (name == "silu")
            torch.testing.assert_close(product(ROWS), activation(layer(ROWS)))


@pytest.mark.skipif(packed_type(torch.bfloat16, 1) is None, reason="this processor has no bfloat16")
def test_a_product_in_bfloat16_is_the_layer_s(layer):
    layer, rows = layer.bfloat16(), ROWS.bfloat16()
    summand = torch.randn(7, 9).bfloat16()
    with torch.inference_mode():
        product = LinearProduct(layer, ACT2FN["gelu"])
        assert product.weight is not None and product(rows).dtype == torch.bfloat16
        # Eight bits of a number are kept.
        torch.testing.assert_close(product(rows), gelu(layer(rows)), atol=0.02, rtol=0.01)
        onto = LinearProduct(layer).onto(summand, rows)
        torch.testing.assert_close(onto, summand + layer(rows), atol=0.02, rtol=0.01)
        torch.testing.assert_close(JointProduct(layer, layer)(rows), layer(rows).repeat(1, 2), atol=0.02, rtol=0.01)


def test_several_layers_in_one_product(layer):
    layers = [layer, nn.Linear(6, 2), nn.Linear(6, 5)]
    with torch.inference_mode():
        expected = torch.cat([each(ROWS) for each in layers], dim=-1)
        joint = JointProduct(*layers)
        assert not joint.parts
        torch.testing.assert_close(joint(ROWS), expected)
        layers[1] = nn.Linear(6, 2, bias=False)
        one_by_one = JointProduct(*layers)
        assert one_by_one.parts
        torch.testing.assert_close(one_by_one(ROWS), torch.cat([each(ROWS) for each in layers], dim=-1))


def train_fused(layer: nn.Linear) -> None:
    layer(ROWS).sum().backward()
    torch.optim.AdamW(layer.parameters(), lr=0.1, fused=True).step()


@torch.no_grad()
def in_place(layer: nn.Linear) -> None:
    layer.weight[2, 5] += 1.0


@pytest.mark.parametrize(
    "change",
    [
        in_place,
        train_fused,
        lambda layer: layer.weight.data.mul_(2),
        lambda layer: layer.weight.data[3].zero_(),
        lambda layer: layer.weight.data[:, 4].zero_(),
        lambda layer: setattr(layer.weight, "data", torch.randn(9, 6)),
        lambda layer: setattr(layer, "weight", nn.Parameter(torch.randn(9, 6))),
        lambda layer: layer.load_state_dict(nn.Linear(6, 9).state_dict()),
        lambda layer: layer.bias.data.add_(1),
    ],
    ids=["one element", "fused optimizer", "data", "row", "column", "other data", "other parameter", "loaded", "bias"],
)
def test_a_change_of_a_layer_is_noticed(layer, change):
    assert_current(layer)
    change(layer)
    assert_current(layer)


def test_an_unchanged_layer_is_packed_once(layer):
    assert packed([layer])[0] is packed([layer])[0]
    assert [len(blocks) for blocks in (packed([layer], 4), packed([layer]))] == [3, 1]


@pytest.mark.parametrize("depends", [True, False])
def test_another_number_of_threads_wants_another_layout_where_it_is_cut_for_them(layer, monkeypatch, depends):
    class Layout:
        DEPENDS_ON_THREADS = depends

        def __init__(self, weight):
            self.weight = weight

    monkeypatch.setattr("angel_hf.inference.packed.weights.packed_type", lambda dtype, threads: Layout)
    before = packed([layer])[0]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert (packed([layer])[0] is not before) == depends
    assert packed([layer])[0] is packed([layer])[0]


@pytest.mark.parametrize(("kind", "expected"), [(OneDnnWeight, 8), (None, 8), (MklWeight, 1), (OpenBlasWeight, 1)])
def test_only_onednn_wants_round_numbers_of_rows(layer, monkeypatch, kind, expected):
    monkeypatch.setattr("angel_hf.inference.packed.weights.packed_type", lambda dtype, threads: kind)
    assert rows_multiple(layer) == expected
    assert rows_multiple(layer.to("meta")) == 1


def test_what_is_packed_goes_with_its_layer():
    layer = nn.Linear(6, 9)
    block = weakref.ref(packed([layer])[0])
    assert block() is not None
    del layer
    gc.collect()
    assert block() is None


@pytest.mark.parametrize("change", [lambda layer: layer.half(), lambda layer: _Wrapped(layer)], ids=["half", "wrapped"])
def test_what_is_packed_goes_once_the_layer_is_multiplied_otherwise(layer, change):
    block = weakref.ref(packed([layer])[0])
    assert block() is not None
    assert LinearProduct(change(layer)).weight is None
    gc.collect()
    assert block() is None


class _Wrapped(nn.Module):
    """A layer as an adapter has it."""

    def __init__(self, layer):
        super().__init__()
        self.base_layer = layer


def test_what_is_more_than_a_product_is_left_to_the_module(layer):
    assert can_pack(layer)
    assert can_pack(nn.Linear(6, 9).bfloat16()) == (packed_type(torch.bfloat16, 1) is not None)
    assert not can_pack(nn.Linear(6, 9).half())
    assert not can_pack(nn.Linear(6, 9).double())
    assert not can_pack(nn.Linear(6, 9, device="meta"))
    assert not can_pack(torch.nn.utils.parametrizations.weight_norm(nn.Linear(6, 9)))
    with torch.autocast("cpu"):
        assert not can_pack(layer)
    handle = layer.register_forward_hook(lambda module, inputs, output: output + 1)
    assert not can_pack(layer)
    torch.testing.assert_close(LinearProduct(layer)(ROWS), layer(ROWS))
    handle.remove()
    layer.forward = lambda rows: torch.zeros(len(rows), 9)
    assert not can_pack(layer)
