"""Stored files with a bit turned or a header rewritten: an error that names the file, or the same answers as ever."""

import json
import random
import warnings

import pytest
from safetensors import safe_open

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase, Mention, NameTrie
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold
from tests.fuzz.spoiling import MANY_ROUNDS, ROUNDS, flipped, in_time, spoiled
from tests.toy import CONCEPTS, byte_tokenizer, random_model

KNOWLEDGE_BASE = KnowledgeBase.from_concepts(
    [
        Concept("D001260", ("Ataxia Telangiectasia", "Louis-Bar Syndrome"), ("OMIM:208900",), ("T047",), ("D001259",)),
        Concept("D001259", ("Ataxia", "Ataxias"), cross_references=("MONDO:1",)),
    ]
)
TRIE = NameTrie.from_sequences([[7, 8, 9], [7, 8], [1, 300], [4]])
CONFIDENCE = Confidence(-1.0, Features(0.5, 0.25, 2.0, 1.0, 0.5), (NilThreshold(0.9, 0.4, 0.95),), "hand")
MENTIONS = [Mention("of ataxia", 3, 9), Mention("Louis-Bar here", 0, 9)]


def knowledge_base_answers(path):
    knowledge_base = KnowledgeBase.load(path)
    found = [knowledge_base.find(name) for name in ("ataxia", "louis bar syndrome")]
    return list(knowledge_base.concepts()), list(knowledge_base.entry_names()), found, knowledge_base.fingerprint


def trie_answers(path):
    trie, metadata = NameTrie.load(path)
    assert metadata["tokenizer"] == "x"
    return trie.sequences(), trie.heights.tolist(), trie.fingerprint


STORED = {
    "knowledge_base.safetensors": (KNOWLEDGE_BASE.save, knowledge_base_answers),
    "trie.safetensors": (lambda folder: TRIE.save(folder, {"tokenizer": "x"}), trie_answers),
    "confidence.json": (CONFIDENCE.save, Confidence.load),
}


def with_other_header(data, chance):
    """The header says something else: another type, shape, offset, name or metadata."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    name = chance.choice([key for key in header if key != "__metadata__"])
    kind = chance.randrange(6)
    if kind == 0:
        header[name]["dtype"] = chance.choice(
            ["F64", "F32", "BF16", "I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL", "C64", "X", 7, None]
        )
    elif kind == 1:
        header[name]["shape"] = chance.choice([[], [0], [1, *header[name]["shape"]], [2**62, 2**62], [-1], None, "x"])
    elif kind == 2:
        header[name]["data_offsets"] = chance.choice([[0, 0], [0, 2**63], [8, 0], [-8, 8], [0], None])
    elif kind == 3:
        header[chance.choice(["x", *header])] = header.pop(name)
    elif kind == 4:
        del header[name]
    else:
        metadata = header["__metadata__"]
        metadata[chance.choice(list(metadata))] = chance.choice(["", "x", "[]", "{}", "none", "[" * 9_000])
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def run_stored(name, tmp_path, rounds):
    save, answers = STORED[name]
    path = save(tmp_path)
    whole, chance, expected, refused = path.read_bytes(), random.Random(name), answers(path), 0
    spoil = (flipped, flipped, flipped, spoiled, with_other_header if path.suffix == ".safetensors" else spoiled)
    for number in range(rounds):
        path.write_bytes(chance.choice(spoil)(whole, chance))
        with in_time(f"{name}, mutant {number}"), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                found = answers(path)
            except ValueError as error:
                refused += 1
                message = str(error)
                assert path.name in message, f"{name}, mutant {number}: {message}"
                continue
        assert found == expected, f"{name}, mutant {number}"
    assert refused > rounds / 2, "the files were damaged"


@pytest.mark.parametrize("name", STORED)
def test_damaged_stored_files(name, tmp_path):
    run_stored(name, tmp_path, ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", STORED)
def test_many_damaged_stored_files(name, tmp_path):
    run_stored(name, tmp_path, MANY_ROUNDS)


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    model = random_model(byte_tokenizer(), 0)
    model.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    model.confidence = CONFIDENCE
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    return folder


def model_answers(folder):
    model = AngelForEntityLinking.from_pretrained(folder).eval()
    linked = model.link(MENTIONS, top_k=3)
    return [[(one.name, one.concept_ids, round(one.score, 4)) for one in answer.candidates] for answer in linked]


DIGESTED = ("model.safetensors", "knowledge_base.safetensors", "trie.safetensors", "confidence.json")


def run_model(folder, names, rounds):
    chance, expected = random.Random(5), model_answers(folder)
    for number in range(rounds):
        path = folder / chance.choice(names)
        whole = path.read_bytes()
        path.write_bytes((flipped if path.name in DIGESTED else spoiled)(whole, chance))
        try:
            found = model_answers(folder)
        except (ValueError, OSError) as error:
            assert str(folder) in str(error) or path.name in str(error), f"{path.name}, mutant {number}: {error}"  # noqa: PT017
            found = None
        finally:
            path.write_bytes(whole)
        if path.name in DIGESTED:
            assert found in (None, expected), f"{path.name}, mutant {number}"


def test_a_damaged_model_gives_an_error_or_its_own_answers(saved_model):
    run_model(saved_model, DIGESTED, 24)


@pytest.mark.slow
def test_a_model_damaged_in_many_places(saved_model):
    run_model(saved_model, DIGESTED, 2_000)


SETTINGS = ("config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")


def test_damaged_settings_of_a_model_are_an_error_in_words_or_are_read(saved_model):
    run_model(saved_model, SETTINGS, 24)


@pytest.mark.slow
def test_settings_damaged_in_many_places(saved_model):
    run_model(saved_model, SETTINGS, 2_000)


def test_the_weights_of_a_saved_model_keep_the_format_that_others_expect(saved_model):
    with safe_open(saved_model / "model.safetensors", "pt") as file:
        assert file.metadata()["format"] == "pt"
