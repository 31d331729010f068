"""The trie equals a plain nested-dict trie, however it is built and changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf import NameTrie
from angel_hf.arrays.ranges import offsets_from_lengths
from tests.trie.nested_dict import END, assert_equal_tries, key_sets, nested_dict


@settings(deadline=None)
@given(key_sets)
def test_equals_a_nested_dict(sequences):
    assert_equal_tries(NameTrie.from_sequences(sequences), nested_dict(sequences))


@settings(deadline=None)
@given(key_sets)
def test_equal_sequences_share_an_index_in_order_of_first_appearance(sequences):
    offsets = np.cumsum([0, *map(len, sequences)])
    trie, indices = NameTrie.build(np.concatenate([np.array(s) for s in sequences]), offsets)
    distinct = list(dict.fromkeys(map(tuple, sequences)))
    assert [distinct[index] for index in indices] == [tuple(sequence) for sequence in sequences]
    assert [tuple(sequence) for sequence in trie.sequences()] == distinct


@pytest.mark.parametrize("largest", [0, 1, 6, 8_000, 65_534, 65_535, 70_000, 2**31 - 1])
def test_ties_longer_than_one_word_of_the_sort_are_resolved(largest):
    """Few token ids in long sequences, of which many begin others: the sort needs many rounds."""
    generator = np.random.default_rng(largest)
    lengths = generator.integers(1, 40, 300)
    ids = generator.integers(max(0, largest - 1), largest + 1, lengths.sum())
    sequences = [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]
    assert_equal_tries(NameTrie.from_sequences(sequences), nested_dict(sequences))


def test_a_name_may_begin_another():
    trie = NameTrie.from_sequences([[5], [5, 6], [5, 6, 7]])
    assert_equal_tries(trie, {5: {END: 0, 6: {END: 1, 7: {END: 2}}}})


def test_names_of_the_real_knowledge_base(shared_data, reference_names, reference_tokenizer):
    sequences = reference_tokenizer([f" {name}" for name in reference_names[:20_000]], add_special_tokens=False)
    trie = NameTrie.from_sequences(sequences["input_ids"])
    assert_equal_tries(trie, nested_dict(sequences["input_ids"]))


def test_token_ids_take_two_bytes_where_they_fit():
    assert NameTrie.from_sequences([[65_535]]).token_ids.dtype == np.uint16
    assert NameTrie.from_sequences([[65_536]]).token_ids.dtype == np.uint32


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_last_id_of_a_type_is_an_id_like_any_other(dtype):
    last = int(np.iinfo(dtype).max)
    sequences = [[last, 1], [last], [0, last], [1], [1, last], [1, last, last]]
    offsets = np.cumsum([0, *map(len, sequences)])
    trie, _ = NameTrie.build(np.array([one for ids in sequences for one in ids], dtype=dtype), offsets)
    assert trie.sequences() == sequences


@pytest.mark.parametrize(
    ("sequences", "message"),
    [([], "none came"), ([[1], []], "sequence 1 is empty"), ([[1, -2]], "token ids must be 0 or more, got -2")],
)
def test_what_cannot_be_a_trie_is_refused(sequences, message):
    with pytest.raises(ValueError, match=message):
        NameTrie.from_sequences(sequences)


# Changing


def assert_same_arrays(found: NameTrie, expected: NameTrie) -> None:
    for array, expected_array in zip(found.arrays, expected.arrays, strict=True):
        np.testing.assert_array_equal(array, expected_array, strict=True)


def laid_end_to_end(sequences: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([token for sequence in sequences for token in sequence]), np.cumsum([0, *map(len, sequences)])


@settings(deadline=None)
@given(key_sets, key_sets)
def test_names_put_in_later_make_the_trie_that_is_built_of_all(sequences, added):
    trie, indices = NameTrie.from_sequences(sequences).with_sequences(*laid_end_to_end(added))
    expected, all_indices = NameTrie.build(*laid_end_to_end(sequences + added))
    assert_same_arrays(trie, expected)
    assert indices.tolist() == all_indices[len(sequences) :].tolist()


@settings(deadline=None)
@given(key_sets, st.data())
def test_names_taken_out_leave_the_trie_that_is_built_of_the_others(sequences, data):
    distinct = list(dict.fromkeys(map(tuple, sequences)))
    removed = data.draw(st.lists(st.booleans(), min_size=len(distinct), max_size=len(distinct)))
    trie = NameTrie.from_sequences(sequences)
    if all(removed):
        with pytest.raises(ValueError, match="expected fewer than all of"):
            trie.without_names(np.array(removed))
        return
    others = [list(sequence) for sequence, is_removed in zip(distinct, removed) if not is_removed]
    assert_same_arrays(trie.without_names(np.array(removed)), NameTrie.from_sequences(others))


def test_taking_names_out_of_many_and_putting_them_in_again_changes_the_numbers_alone():
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 9, 3_000)
    trie, _ = NameTrie.build(generator.integers(0, 40, lengths.sum()), offsets_from_lengths(lengths))
    removed = generator.random(trie.num_names) < 0.2
    taken = [sequence for sequence, is_removed in zip(trie.sequences(), removed) if is_removed]
    again, numbers = trie.without_names(removed).with_sequences(*laid_end_to_end(taken))
    new = np.cumsum(~removed) - 1
    new[removed] = numbers
    assert_same_arrays(again, trie.renumbered(new))
    assert trie.renumbered(np.arange(trie.num_names)).fingerprint == trie.fingerprint
