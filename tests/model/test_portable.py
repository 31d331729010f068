"""The model as it travels: its own loading, by the code that a repository carries."""

import random

import pytest
from safetensors import safe_open

from angel_hf import KnowledgeBase
from angel_hf.knowledge_base.stored_knowledge_base import KNOWLEDGE_BASE_FILE
from angel_hf.model.modeling_angel import AngelForEntityLinking
from angel_hf.search import BeamSearch
from angel_hf.trie.stored_trie import TRIE_FILE
from tests.toy import CONCEPTS, byte_tokenizer, mention, random_model

MENTIONS = [mention("the old [ataxia] gene"), mention("a [t] of fever"), mention("[louis bar]")]


@pytest.fixture
def model():
    found = random_model(byte_tokenizer())
    found.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    return found


@pytest.fixture
def saved(model, tmp_path):
    model.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.mark.parametrize("search", [BeamSearch(), BeamSearch(2)])
def test_it_links_as_the_package_does(model, saved, search):
    portable = AngelForEntityLinking.from_pretrained(saved).eval()
    for found, expected in zip(portable.link(MENTIONS, 2, search), model.link(MENTIONS, 2, search), strict=True):
        assert [(one.name, one.concept_ids) for one in found.candidates] == [
            (one.name, one.concept_ids) for one in expected.candidates
        ]
        scores = [[one.score for one in linked.candidates] for linked in (found, expected)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize("name", [KNOWLEDGE_BASE_FILE, TRIE_FILE])
def test_no_changed_byte_of_the_names_is_taken(saved, name):
    """A damaged file gives an error, never another answer."""
    content = (saved / name).read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    assert safe_open(saved / name, framework="np").metadata()
    for place in random.Random(0).sample(range(header, len(content)), 40):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        (saved / name).write_bytes(changed)
        with pytest.raises(ValueError, match="damaged|do not fit"):
            AngelForEntityLinking.from_pretrained(saved)
    (saved / name).unlink()
    with pytest.raises(OSError, match=name):
        AngelForEntityLinking.from_pretrained(saved)


def test_what_it_does_not_read_is_saved_again(model, saved, tmp_path):
    (saved / "confidence.json").write_text("{}")
    AngelForEntityLinking.from_pretrained(saved).save_pretrained(tmp_path / "again")
    for name in ("confidence.json", KNOWLEDGE_BASE_FILE, TRIE_FILE, "config.json", "tokenizer.json"):
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()
