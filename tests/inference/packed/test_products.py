"""All libraries give the products of the plain weight, and the fastest one is taken."""

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu

from angel_hf.inference.packed import products as packed_products
from angel_hf.inference.packed.products import MklWeight, OneDnnWeight, OpenBlasWeight, packed_type

LIBRARIES = [
    pytest.param(
        OneDnnWeight, marks=pytest.mark.skipif(not packed_products._has_onednn(), reason="this PyTorch has no oneDNN")
    ),
    pytest.param(
        MklWeight, marks=pytest.mark.skipif(not packed_products._has_mkl(), reason="this PyTorch has no packed MKL")
    ),
    OpenBlasWeight,  # by whatever library numpy has
]


@pytest.fixture(autouse=True)
def forgetful():
    packed_type.cache_clear()
    yield
    packed_type.cache_clear()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("shape", [(64, 192), (192, 64), (70, 1000), (3, 5)])
def test_one_layout_serves_any_number_of_rows(library, shape):
    torch.manual_seed(0)
    layer = nn.Linear(*shape)
    with torch.inference_mode():
        weight = library(layer.weight)
        for count in (1, 2, 7, 16, 63, 190, 384, 385, 1000):
            rows, summand = torch.randn(count, shape[0]), torch.randn(count, shape[1])
            plain = (rows.double() @ layer.weight.double().T).float()
            expected = plain + layer.bias
            torch.testing.assert_close(weight.product(rows, layer.bias), expected, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(weight.product(rows, None), plain, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(weight.product(rows, layer.bias, "gelu"), gelu(expected), atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(weight.product(rows, layer.bias, "relu"), expected.relu(), atol=1e-5, rtol=1e-5)
            untouched = summand.clone()
            onto = weight.product_onto(rows, layer.bias, summand)
            torch.testing.assert_close(onto, expected + summand, atol=1e-5, rtol=1e-5)
            assert torch.equal(summand, untouched)


@pytest.mark.parametrize("library", LIBRARIES)
def test_rows_that_lie_apart_and_a_part_of_a_weight(library):
    layer, rows = nn.Linear(8, 12), torch.randn(5, 16)[:, ::2]
    with torch.inference_mode():
        part = library(layer.weight[4:9])
        torch.testing.assert_close(part.product(rows, layer.bias[4:9]), layer(rows)[:, 4:9])


@pytest.mark.skipif(not packed_products._has_mkl(), reason="this PyTorch has no packed MKL")
def test_the_plain_weight_is_not_multiplied_with():
    with torch.inference_mode():
        weight = MklWeight(torch.randn(6, 4))
        assert weight.shape.isnan().all() and weight.shape.shape == (6, 4)
        assert not weight.product(torch.randn(9, 4), None).isnan().any()


@pytest.fixture
def processor(monkeypatch):
    """Makes this machine one with other libraries."""

    def pretend(intel: bool, mkl: bool, openblas: bool = False, capability: str = "AVX512") -> None:
        monkeypatch.setattr(packed_products, "_is_intel", lambda: intel)
        monkeypatch.setattr(packed_products, "_has_mkl", lambda: mkl)
        monkeypatch.setattr(packed_products, "_has_onednn", lambda: True)
        monkeypatch.setattr(packed_products, "has_avx2_openblas", lambda: openblas)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(packed_products.platform, "machine", lambda: "x86_64")

    return pretend


@pytest.mark.parametrize(("intel", "mkl", "expected"), [(1, 1, MklWeight), (0, 1, OneDnnWeight), (1, 0, OneDnnWeight)])
def test_mkl_on_intel_and_else_onednn(processor, monkeypatch, intel, mkl, expected):
    processor(bool(intel), bool(mkl))
    assert packed_type(torch.float32, 1) is packed_type(torch.float32, 2) is expected
    for instructions, bfloat16 in ((True, OneDnnWeight), (False, None)):
        packed_type.cache_clear()
        monkeypatch.setattr(packed_products, "has_bfloat16", lambda device, told=instructions: told)
        assert packed_type(torch.bfloat16, 1) is bfloat16
    assert packed_type(torch.float16, 1) is None


@pytest.mark.parametrize(
    ("intel", "openblas", "capability", "expected"),
    [
        (False, True, "AVX2", OpenBlasWeight),
        (False, True, "AVX512", OneDnnWeight),
        (False, True, "DEFAULT", OneDnnWeight),
        (False, False, "AVX2", OneDnnWeight),
        (True, True, "AVX2", MklWeight),
    ],
)
def test_numpy_s_openblas_on_one_thread_where_an_amd_has_avx2_only(processor, intel, openblas, capability, expected):
    processor(intel, True, openblas, capability)
    assert packed_type(torch.float32, 1) is expected
    assert packed_type(torch.float32, 2) is (MklWeight if intel else OneDnnWeight)
    assert packed_type(torch.float16, 1) is None


def test_none_on_other_processors(monkeypatch):
    monkeypatch.setattr(packed_products.platform, "machine", lambda: "arm64")
    assert packed_type(torch.float32, 1) is None


@pytest.mark.skipif(not packed_products._has_mkl(), reason="this PyTorch has no packed MKL")
def test_a_layout_that_serves_only_its_own_number_of_rows_is_not_taken(monkeypatch):
    right = MklWeight.product
    monkeypatch.setattr(MklWeight, "product", lambda own, rows, bias: right(own, rows, bias) + (len(rows) != 1))
    assert not packed_products._has_mkl()


@pytest.mark.skipif(not packed_products._has_mkl(), reason="this PyTorch has no packed MKL")
def test_what_is_found_depends_on_nothing_and_changes_nothing():
    before = torch.get_rng_state()
    with torch.autocast("cpu"):
        assert packed_products._has_mkl()
    assert torch.equal(torch.get_rng_state(), before)
