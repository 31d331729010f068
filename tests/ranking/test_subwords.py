"""The encoder of strings: by a formula written out for each string alone, and what its file may hold."""

import math
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from angel_hf.ranking.subwords import SubwordEncoder, word_grams

VECTORS = np.random.default_rng(1).normal(size=(64, 8)).astype(np.float32)
ENCODER = SubwordEncoder.of_vectors(VECTORS)
STEPS = np.abs(VECTORS).max(axis=1) / 127
# What the encoder holds, in float64.
ROWS = np.rint(VECTORS / STEPS[:, None]).astype(np.float64) * STEPS.astype(np.float64)[:, None]


def row(key):
    return ROWS[zlib.crc32(key.encode("utf-8", "surrogatepass")) % 64]


def expected(string):
    """The published sum over grams, one string and one gram at a time."""
    words, total = string.split(), np.zeros(8)
    for word in words:
        marked = f"<{word[:100]}>"
        grams = {marked} | {marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)}
        total += sum(map(row, grams)) / math.sqrt(len(grams))
    for first, second in zip(words, words[1:]):
        total += 0.7 * row(f"{first} {second}")
    return total / np.linalg.norm(total) if words else total


STRINGS = [
    "ataxia",
    "ataxia telangiectasia",
    "telangiectasia ataxia",
    "a",
    "",
    "  ",
    "β thalassemia",
    "a a a",
    "x\ud800",
]


@pytest.mark.parametrize("string", STRINGS, ids=ascii)
def test_a_vector_is_the_sum_over_grams_and_pairs_at_length_one(string):
    found = ENCODER.encode([string])
    assert (found.shape, found.dtype) == ((1, 8), np.float32)
    np.testing.assert_allclose(found[0], expected(string), atol=2e-6)


def test_grams_are_those_of_the_marked_word_once_each():
    assert word_grams("gout") == ["<gout>", "<go", "gou", "out", "ut>", "<gou", "gout", "out>", "<gout", "gout>"]
    assert word_grams("aaaa").count("aaa") == 1


def test_the_order_of_words_counts_by_their_pairs_alone():
    first, second, third = ENCODER.encode(["kidney failure", "failure kidney", "kidney kidney failure"])
    assert not np.allclose(first, second) and not np.allclose(first, third)
    assert ENCODER.encode(["kidney"])[0] @ ENCODER.encode([" kidney  "])[0] == pytest.approx(1)


texts = st.text(st.sampled_from("abé β \u3000"), max_size=12)


@settings(deadline=None)
@given(st.lists(texts, max_size=8))
def test_a_vector_does_not_depend_on_its_company(strings):
    together = ENCODER.encode(strings)
    assert together.shape == (len(strings), 8)
    for string, vector in zip(strings, together):
        assert (ENCODER.encode([string])[0] == vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1 if string.split() else 0, abs=1e-6)


def test_thousands_of_strings_are_encoded_as_each_alone():
    strings = [f"type {number} of {number % 7}" for number in range(9000)]
    found = ENCODER.encode(strings)
    for place in (0, 4095, 4096, 8191, 8192, 8999):
        assert (found[place] == ENCODER.encode([strings[place]])[0]).all()


def test_a_word_without_end_is_read_from_its_beginning():
    long = "ab" * 500_000
    assert (ENCODER.encode([long])[0] == ENCODER.encode([long[:100]])[0]).all()


def test_numbers_are_rounded_by_half_a_step_at_most():
    """Each row has steps of its own, so that small rows keep their shape; a row of zeros stays one."""
    vectors = np.concatenate([VECTORS, VECTORS * 1e-6, np.zeros((1, 8), dtype=np.float32)])
    encoder = SubwordEncoder.of_vectors(vectors)
    kept = encoder._table * encoder._steps[:, None]
    bound = np.abs(vectors).max(axis=1, keepdims=True) / 254
    assert (np.abs(kept - vectors) <= bound * 1.001).all()


# Its file


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(ENCODER.to_bytes())
    again = SubwordEncoder.load(path)
    assert again == ENCODER and again.to_bytes() == ENCODER.to_bytes()
    assert (again.encode(STRINGS) == ENCODER.encode(STRINGS)).all()
    assert again != SubwordEncoder.of_vectors(VECTORS * 2) and again != "encoder"


@pytest.mark.parametrize(
    ("table", "steps", "message"),
    [
        (np.zeros(15, dtype=np.int8), np.zeros(4, dtype=np.float32), "a table of 15 numbers for 4 vectors"),
        (np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.float32), "a table of 0 numbers for 0 vectors"),
        (np.zeros(8, dtype=np.int16), np.zeros(4, dtype=np.float32), "array 'table' is int16"),
        (np.zeros(8, dtype=np.int8), np.zeros(4, dtype=np.int32), "array 'steps' is int32"),
        (np.zeros((2, 4), dtype=np.int8), np.zeros(4, dtype=np.float32), "array 'table' is int8 of 2 dimensions"),
        (np.zeros(8, dtype=np.int8), None, "has no array 'steps'"),
        (np.zeros(8, dtype=np.int8), np.full(4, np.nan, dtype=np.float32), "steps that are no finite numbers"),
    ],
)
def test_arrays_that_are_no_encoder_are_refused(tmp_path, table, steps, message):
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(save({"table": table} if steps is None else {"table": table, "steps": steps}))
    with pytest.raises(ValueError) as error:
        SubwordEncoder.load(path)
    assert str(error.value).startswith(f"{path}: ") and message in str(error.value)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    path = tmp_path / "encoder.safetensors"
    path.write_bytes(ENCODER.to_bytes()[:-1])
    with pytest.raises(ValueError, match=r"encoder.safetensors: not a readable safetensors file"):
        SubwordEncoder.load(path)
