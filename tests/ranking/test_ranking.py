"""A ranking as files: what was saved comes back, and what was damaged is refused with the file and what to do."""

import dataclasses
import hashlib
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranker import STAGES
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.ranking.subwords import SubwordEncoder
from tests.fuzz.spoiling import spoiled

MEMORY = Memory({"ataxia": {"D1": 3, "D2": 1}, "β thalassemia": {"D10": 1}})
ENCODER = SubwordEncoder.of_vectors(np.random.default_rng(4).normal(size=(4, 3)).astype(np.float32))
RANKING = Ranking(Weights(0.25, 1.5, 2.0, 0.5), MEMORY, proposals=7, neighbours=3, fitted_on="hand (2)")
WITH_ENCODER = dataclasses.replace(RANKING, encoder=ENCODER)


def write(folder, ranking=RANKING):
    for name, content in ranking.files().items():
        (folder / name).write_bytes(content)
    return [folder / name for name in ranking.files()]


def rewritten(folder, changes, absent=()):
    """With other values, under a digest that fits these."""
    files = write(folder)
    values = json.loads(files[0].read_text())
    del values["digest"]
    values = {key: value for key, value in (values | changes).items() if key not in absent}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
    files[0].write_text(json.dumps(values | {"digest": digest}))
    return files


def test_each_weight_counts_its_own_stage():
    assert STAGES == ("context", "alone", "similarity", "memory", "exact")
    np.testing.assert_array_equal(RANKING.weights.of_stages(), [0.75, 0.25, 1.5, 2.0, 0.5])
    np.testing.assert_array_equal(Weights().of_stages(), [1, 0, 0, 0, 0])


weight = st.floats(allow_nan=False, allow_infinity=False)
rankings = st.builds(
    Ranking,
    st.builds(Weights, weight, weight, weight, weight),
    st.sampled_from([Memory(), MEMORY]),
    st.sampled_from([None, ENCODER]),
    st.integers(0, 10**30),
    st.integers(0, 10**30),
    st.text(max_size=20),
)


@settings(deadline=None)
@given(rankings)
def test_files_give_back_what_was_saved_byte_for_byte(tmp_path_factory, ranking):
    files = write(tmp_path_factory.mktemp("ranking"), ranking)
    again = Ranking.load(*files)
    assert again == ranking
    assert again.files() == ranking.files()


def test_remembering_leaves_the_rest_as_it_was():
    more = RANKING.remembering([("Cold", ("D3",))])
    assert more.memory.counts == MEMORY.counts | {"cold": {"D3": 1}}
    assert RANKING.memory == MEMORY
    assert (more.weights, more.proposals, more.neighbours, more.fitted_on) == (RANKING.weights, 7, 3, "hand (2)")


# Damages


def assert_refused(files, message):
    with pytest.raises(ValueError) as error:
        Ranking.load(*files)
    assert str(error.value).startswith(f"{files[0]}: not angel-ranking-1 (")
    assert str(error.value).endswith("; fit it again with angel_hf.training.ranking")
    assert message in str(error.value)


def test_rewriting_without_a_change_is_no_damage(tmp_path):
    assert Ranking.load(*rewritten(tmp_path, {})) == RANKING


WEIGHTS = {"alone": 0.25, "similarity": 1.5, "memory": 2.0, "exact": 0.5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "angel-ranking-2"}, "another format"),
        ({"format": None}, "another format"),
        ({"note": 1}, "unknown key 'note'"),
        ({"weights": WEIGHTS | {"dense": 1.0}}, "unknown key 'dense' of weights"),
        ({"weights": {"alone": 0.25, "similarity": 1.5, "memory": 2.0}}, "no key 'exact' of weights"),
        ({"weights": {}}, "no key 'alone' of weights"),
        ({"weights": None}, ""),
        ({"weights": [0.25, 1.5, 2.0, 0.5]}, ""),
        ({"weights": WEIGHTS | {"exact": True}}, "weights.exact is true; expected a number"),
        ({"weights": WEIGHTS | {"exact": "0.5"}}, 'weights.exact is "0.5"; expected a number'),
        ({"weights": WEIGHTS | {"exact": None}}, "weights.exact is null; expected a number"),
        ({"weights": WEIGHTS | {"exact": 10**400}}, "weights.exact is inf; expected a finite number"),
        ({"proposals": -1}, "whole numbers of 0 or more"),
        ({"proposals": True}, "whole numbers of 0 or more"),
        ({"proposals": 7.0}, "whole numbers of 0 or more"),
        ({"proposals": "7"}, "whole numbers of 0 or more"),
        ({"neighbours": -3}, "whole numbers of 0 or more"),
        ({"neighbours": False}, "whole numbers of 0 or more"),
        ({"neighbours": None}, "whole numbers of 0 or more"),
        ({"neighbours": [3]}, "whole numbers of 0 or more"),
        ({"fitted_on": 7}, "fitted_on is no text"),
        ({"fitted_on": None}, "fitted_on is no text"),
    ],
    ids=str,
)
def test_values_of_other_kinds_are_refused(tmp_path, changes, message):
    assert_refused(rewritten(tmp_path, changes), message)


@pytest.mark.parametrize("key", ["format", "weights", "proposals", "neighbours", "fitted_on", "memory"])
def test_a_missing_key_is_named(tmp_path, key):
    assert_refused(rewritten(tmp_path, {}, absent=(key,)), f"no key '{key}'" if key != "format" else "has no 'format'")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ['"proposals": 7', '"exact": 0.5'])
def test_numbers_that_are_none_are_refused(tmp_path, number, place):
    files = write(tmp_path)
    text = files[0].read_text()
    assert place in text
    files[0].write_text(text.replace(place, f"{place.partition(':')[0]}: {number}"))
    assert_refused(files, "not JSON")


@pytest.mark.parametrize("content", ["", "{", "[]", "7", "null", '"x"', "[" * 100_000, "{}"])
def test_other_contents_are_refused(tmp_path, content):
    files = write(tmp_path)
    files[0].write_text(content)
    assert_refused(files, "")


@pytest.mark.parametrize(("old", "new"), [("1.5", "1.6"), ('"proposals": 7', '"proposals": 8'), ("hand", "head")])
def test_a_changed_value_is_told_as_damage(tmp_path, old, new):
    files = write(tmp_path)
    files[0].write_text(files[0].read_text().replace(old, new))
    assert_refused(files, "its contents are not those that were saved, the file is damaged")


def test_a_file_without_digest_is_refused(tmp_path):
    files = write(tmp_path)
    values = json.loads(files[0].read_text())
    del values["digest"]
    files[0].write_text(json.dumps(values))
    assert_refused(files, "has no 'digest'")


@pytest.mark.parametrize("counts", [{}, {"ataxia": {"D1": 3}}, MEMORY.counts | {"ataxia": {"D1": 4, "D2": 1}}])
def test_the_memory_of_another_ranking_is_refused_with_what_to_do(tmp_path, counts):
    files = write(tmp_path)
    files[1].write_text(Memory(counts).to_jsonl(), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        Ranking.load(*files)
    assert str(error.value) == (
        f"{files[1]}: its contents are not those that were saved with {files[0].name}, the file is damaged or of "
        "another model; fit it again with angel_hf.training.ranking"
    )


def test_a_damaged_line_of_the_memory_is_refused_with_file_line_and_what_to_do(tmp_path):
    files = write(tmp_path)
    files[1].write_text("{}\n")
    with pytest.raises(ValueError, match=r"memory.jsonl:1: no remembered mention .*; fit it again with angel_hf.train"):
        Ranking.load(*files)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_missing_file_is_told_as_missing(tmp_path, place):
    files = write(tmp_path, WITH_ENCODER)
    files[place].unlink()
    with pytest.raises(FileNotFoundError, match=files[place].name):
        Ranking.load(*files)


def loaded(files):
    """The ranking, or what it was refused with."""
    try:
        return Ranking.load(*files)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_changed_byte_is_refused_or_gives_an_equal_ranking(tmp_path, place):
    files = write(tmp_path, WITH_ENCODER)
    whole = files[place].read_bytes()
    refused = 0
    for position in range(len(whole)):
        for changed in {whole[position] ^ 1 << bit for bit in range(8)} | set(b'0 \n\r"},1e') - {whole[position]}:
            files[place].write_bytes(whole[:position] + bytes([changed]) + whole[position + 1 :])
            found = loaded(files)
            if isinstance(found, str):
                refused += 1
                assert found.startswith(str(files[place])), (position, changed)
            else:
                assert found == WITH_ENCODER and found.files() == WITH_ENCODER.files(), (position, changed)
    assert refused > 8 * len(whole)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_spoiled_file_is_refused_by_name_or_gives_an_equal_ranking(tmp_path, place):
    files = write(tmp_path, WITH_ENCODER)
    whole, chance = files[place].read_bytes(), random.Random(place)
    for _ in range(300):
        files[place].write_bytes(spoiled(whole, chance))
        found = loaded(files)
        assert found.startswith(str(files[place])) if isinstance(found, str) else found == WITH_ENCODER


def test_an_encoder_that_the_ranking_names_is_missed(tmp_path):
    files = write(tmp_path, WITH_ENCODER)
    with pytest.raises(
        FileNotFoundError, match="ranking.json: encoder.safetensors, which goes with it, is missing; fit"
    ):
        Ranking.load(*files[:2])


def test_the_encoder_of_another_ranking_is_refused(tmp_path):
    ranking, memory = write(tmp_path)
    encoder = tmp_path / "encoder.safetensors"
    encoder.write_bytes(ENCODER.to_bytes())
    with pytest.raises(ValueError, match=r"encoder.safetensors: its contents are not those that were saved with rank"):
        Ranking.load(ranking, memory, encoder)
