"""numpy's OpenBLAS is on one thread while anybody asks for it, and as it was afterwards."""

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from angel_hf import KnowledgeBase
from angel_hf.inference.packed import numpy_blas
from angel_hf.inference.packed.numpy_blas import has_avx2_openblas, one_thread
from angel_hf.inference.packed.products import OneDnnWeight, OpenBlasWeight
from angel_hf.search.batches import answer_batches
from tests.toy import byte_tokenizer, random_model

pytestmark = pytest.mark.skipif(
    numpy_blas._openblas() is None, reason="numpy's products are not by the OpenBLAS of its wheels"
)


def threads() -> int:
    (library,) = numpy_blas._openblas().info()
    return library["num_threads"]


@pytest.fixture
def two_threads():
    with numpy_blas._openblas().limit(limits=2):
        yield


def test_it_is_numpy_s_own():
    (library,) = numpy_blas._openblas().info()
    assert library["internal_api"] == "openblas" and "numpy.libs" in library["filepath"]
    assert library in ThreadpoolController().info()
    assert np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"] == "scipy-openblas"


@pytest.mark.parametrize(("architecture", "expected"), [("Haswell", 1), ("Zen", 1), ("SkylakeX", 0), ("Prescott", 0)])
def test_kernels_of_other_vector_widths_do_not_count(monkeypatch, architecture, expected):
    class Library:
        def info(self):
            return [{"architecture": architecture}]

    monkeypatch.setattr(numpy_blas, "_openblas", Library)
    assert has_avx2_openblas() == bool(expected)
    monkeypatch.setattr(numpy_blas, "_openblas", lambda: None)
    assert not has_avx2_openblas()


def test_one_thread_until_the_last_caller_is_done(two_threads):
    first, second = one_thread(), one_thread()
    assert threads() == 2
    first.__enter__()
    second.__enter__()
    assert threads() == 1
    first.__exit__(None, None, None)
    assert threads() == 1
    second.__exit__(None, None, None)
    assert threads() == 2


def test_after_an_error_too(two_threads):
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert threads() == 2


def test_without_the_library_nothing_happens(monkeypatch, two_threads):
    monkeypatch.setattr(numpy_blas, "_openblas", lambda: None)
    with one_thread():
        pass
    monkeypatch.undo()
    assert threads() == 2


@pytest.mark.parametrize(("kind", "expected"), [(OpenBlasWeight, 1), (OneDnnWeight, 2), (None, 2)])
def test_products_of_a_search_take_one_thread_each_and_else_nothing_changes(monkeypatch, two_threads, kind, expected):
    monkeypatch.setattr("angel_hf.search.batches.packed_type", lambda dtype, threads: kind)
    model, found = random_model(byte_tokenizer()), []
    model.set_knowledge_base(KnowledgeBase.from_names({"D1": ["ataxia"]}))
    answer_batches(model, range(20), 16, lambda engine, batch: [found.append(threads()) for _ in batch], size=int)
    assert set(found) == {expected} and threads() == 2
