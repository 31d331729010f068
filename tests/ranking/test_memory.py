"""Remembered mentions: whose spelling is near, with which concepts, and what their file may hold."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from angel_hf.ranking.memory import Memory, spelling

COUNTS = {
    "ataxia": {"D1": 3},
    "ataxias": {"D1": 1, "D9": 1},
    "cold": {"D2": 4, "D3": 1},
    "common cold": {"D3": 2},
    "spinocerebellar ataxia": {"D4": 2},
}
MEMORY = Memory(COUNTS)


def similarities(memory, string, neighbours):
    (compared,) = memory.compare([string])
    return memory.similarities(compared, neighbours)


def expected(counts, string, neighbours):
    """By scikit-learn's vectors: each string gives its concepts its cosine, by their share of its most frequent one."""
    strings = list(counts)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), lowercase=False)
    vectors = vectorizer.fit_transform(strings)
    cosines = (vectors @ vectorizer.transform([string]).T).toarray()[:, 0]
    order = sorted((place for place in range(len(strings)) if cosines[place] > 1e-9), key=lambda place: -cosines[place])
    found = {}
    for place in order[:neighbours]:
        own = counts[strings[place]]
        for concept_id, count in own.items():
            found[concept_id] = max(found.get(concept_id, 0), cosines[place] * count / max(own.values()))
    return found


@pytest.mark.parametrize("neighbours", [1, 2, 4, 99])
@pytest.mark.parametrize("string", ["ataxia", "ataxic", "cold", "colds", "common ataxia", "xyz", ""])
def test_similarities_are_cosines_of_scikit_learn(string, neighbours):
    found = expected(COUNTS, string, neighbours)
    assert similarities(MEMORY, string, neighbours) == pytest.approx(found, abs=1e-6)


def test_a_remembered_string_gives_its_most_frequent_concept_one_and_others_their_share():
    assert similarities(MEMORY, "cold", 1) == pytest.approx({"D2": 1.0, "D3": 0.25}, abs=1e-6)
    assert similarities(MEMORY, "ataxias", 1) == pytest.approx({"D1": 1.0, "D9": 1.0}, abs=1e-6)
    assert max(similarities(MEMORY, "cold", 4).values()) <= 1.0


def test_of_several_strings_with_a_concept_the_nearest_counts():
    found = similarities(MEMORY, "cold", 2)
    alone = Memory({name: COUNTS[name] for name in COUNTS if name != "cold"})
    assert found["D3"] > 0.25, "common cold is nearer than a fourth"
    assert found["D3"] < 1 and set(similarities(alone, "cold", 1)) == {"D3"}


def test_without_neighbours_nothing_is_near():
    assert similarities(MEMORY, "ataxia", 0) == {}


def test_an_empty_memory_knows_nothing(tmp_path):
    empty = Memory()
    assert (len(empty), similarities(empty, "ataxia", 4), empty.to_jsonl()) == (0, {}, "")
    (tmp_path / "memory.jsonl").write_text(empty.to_jsonl())
    assert Memory.load(tmp_path / "memory.jsonl") == empty
    assert similarities(Memory({" ": {"D1": 1}}), "ataxia", 4) == {}


# What is remembered


def test_mentions_are_remembered_as_they_are_read():
    found = Memory().with_mentions([("Sjögren-Syndrome", ("D5",)), ("TNFα", ("D6", "D7"))])
    assert found.counts == {"sjogren syndrome": {"D5": 1}, "tnf alpha": {"D6": 1, "D7": 1}}
    assert similarities(found, spelling("sjögren syndrome"), 1) == pytest.approx({"D5": 1.0})


def test_a_correction_takes_the_place_of_what_stood_there_and_the_former_memory_stays():
    before = {string: dict(own) for string, own in COUNTS.items()}
    corrected = MEMORY.with_mentions([("COLD", ("D8",)), ("ataxia", ("D2",)), ("Ataxia", ("D3",))])
    assert corrected.counts == before | {"cold": {"D8": 1}, "ataxia": {"D3": 1}}
    assert MEMORY.counts == before
    assert similarities(corrected, "cold", 1) == pytest.approx({"D8": 1.0})
    assert corrected != MEMORY and corrected.digest != MEMORY.digest


def test_what_is_given_may_change_afterwards():
    given_counts = {"ataxia": {"D1": 1}}
    memory = Memory(given_counts)
    given_counts["ataxia"]["D2"] = 5
    given_counts["cold"] = {"D2": 1}
    assert memory.counts == {"ataxia": {"D1": 1}}


@pytest.mark.parametrize("string", ["\u200b", "\ufeff\u2060", "a \ud800 b"])
def test_what_has_no_letters_or_half_of_one_is_not_remembered(string):
    with pytest.raises(ValueError, match="the mention .* cannot be remembered; expected letters, whole ones"):
        MEMORY.with_mentions([("gout", ("D1",)), (string, ("D1",))])


# Its file


def stored(path, memory):
    path.write_text(memory.to_jsonl(), encoding="utf-8")
    return path


counts_of_concepts = st.dictionaries(st.text(max_size=5).filter(lambda one: one.isprintable()), st.integers(1, 10**20))


@settings(deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), counts_of_concepts))
def test_what_was_written_is_read_back(tmp_path_factory, counts):
    memory = Memory({string: own for string, own in counts.items() if own})
    path = stored(tmp_path_factory.mktemp("memory") / "memory.jsonl", memory)
    again = Memory.load(path)
    assert again == memory
    assert (again.to_jsonl(), again.digest) == (memory.to_jsonl(), memory.digest)
    assert path.read_text(encoding="utf-8").count("\n") == len(memory)


def test_the_order_in_which_strings_came_changes_neither_file_nor_digest():
    turned = Memory(dict(reversed(COUNTS.items())))
    assert turned == MEMORY
    assert (turned.to_jsonl(), turned.digest) == (MEMORY.to_jsonl(), MEMORY.digest)


GOOD = '{"mention": "ataxia", "concepts": {"D1": 3}}'
DAMAGES = {
    "": "not JSON",
    "{": "not JSON",
    GOOD[:-1]: "not JSON",
    "[" * 100_000: "nested too deeply",
    "null": "no remembered mention",
    "7": "no remembered mention",
    "[]": "no remembered mention",
    '"ataxia"': "no remembered mention",
    '["ataxia", {"D1": 3}]': "no remembered mention",
    "{}": "has no 'mention'",
    '{"mention": "ataxia"}': "has no 'concepts'",
    '{"concepts": {"D1": 3}}': "has no 'mention'",
    GOOD.replace('"ataxia"', "7"): "expected a mention",
    GOOD.replace('"ataxia"', "null"): "expected a mention",
    GOOD.replace('"ataxia"', '["ataxia"]'): "expected a mention",
    GOOD.replace('"ataxia"', '"\\ud800"'): "half a surrogate pair",
    GOOD.replace('"D1"', '"\\udc00"'): "half a surrogate pair",
    GOOD.replace('{"D1": 3}', "{}"): "expected a mention, and how often",
    GOOD.replace('{"D1": 3}', "null"): "expected a mention, and how often",
    GOOD.replace('{"D1": 3}', '["D1"]'): "no remembered mention",
    GOOD.replace('{"D1": 3}', '"D1"'): "no remembered mention",
    GOOD.replace('{"D1": 3}', "3"): "no remembered mention",
    GOOD.replace("3", "0"): "whole numbers above 0",
    GOOD.replace("3", "-3"): "whole numbers above 0",
    GOOD.replace("3", "3.0"): "whole numbers above 0",
    GOOD.replace("3", "true"): "whole numbers above 0",
    GOOD.replace("3", '"3"'): "whole numbers above 0",
    GOOD.replace("3", "[3]"): "whole numbers above 0",
    GOOD.replace("3", "null"): "whole numbers above 0",
    GOOD.replace("3", "NaN"): "NaN is no number of JSON",
    GOOD.replace("3", "1e999"): "too large",
    GOOD.replace("3", '3, "D2": 0'): "whole numbers above 0",
    '{"mention": "cold", "concepts": {"D1": 3}}': "again",
    GOOD[:-1] + ', "note": 1}': "unknown key 'note'",
}


@pytest.mark.parametrize(("line", "message"), DAMAGES.items(), ids=lambda value: value[:50])
def test_a_damaged_line_is_refused_with_file_and_number(tmp_path, line, message):
    path = tmp_path / "memory.jsonl"
    path.write_text('{"mention": "cold", "concepts": {"D2": 1}}\n' + line + "\n" + GOOD + "\n")
    with pytest.raises(ValueError) as error:
        Memory.load(path)
    assert str(error.value).startswith(f"{path}:2: no remembered mention (")
    assert message in str(error.value)


@pytest.mark.parametrize("damage", [b"\xff", b"\xc3", b"\x00"])
def test_bytes_that_are_no_text_are_refused_with_file_and_number(tmp_path, damage):
    path = tmp_path / "memory.jsonl"
    path.write_bytes(GOOD.encode() + b"\n" + GOOD.encode().replace(b"ax", b"a" + damage + b"x") + b"\n")
    with pytest.raises(ValueError, match=r"memory.jsonl:2: no remembered mention \(not JSON"):
        Memory.load(path)


def test_a_missing_file_is_told_as_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"memory.jsonl"):
        Memory.load(tmp_path / "memory.jsonl")


def test_every_line_is_json_in_readable_letters():
    (line,) = Memory({"β thalassämie": {"D1": 2, "D2": 1}}).to_jsonl().splitlines()
    assert "β thalassämie" in line
    assert json.loads(line) == {"mention": "β thalassämie", "concepts": {"D1": 2, "D2": 1}}
