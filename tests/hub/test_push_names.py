"""`angel push` of names that a licence keeps from being passed on."""

import shutil

import pytest

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention
from tests.hub_clients import NAMES, push

LICENSED = {"C0004134": ["Ataxia", "Dyssynergia"], "C0009375": ["Colonic Neoplasms", "colon cancer"]}
MENTION = Mention("ataxia", 0, 6)


@pytest.fixture(scope="session")
def licensed(tiny_directory, tmp_path_factory):
    """A model that links to names of UMLS."""
    directory = tmp_path_factory.mktemp("licensed")
    names = KnowledgeBase.from_names(LICENSED)
    AngelForEntityLinking.from_pretrained(tiny_directory, knowledge_base=names).save_pretrained(directory)
    return directory


def test_names_of_a_licensed_vocabulary_are_refused_with_the_reason_and_the_way_out(licensed, facts, online):
    result = push("model", licensed, "org/angel-umls", "--facts", facts("our vocabulary"))
    assert result.exit_code == 2
    assert (
        "holds names of UMLS Metathesaurus, and the licence of the UMLS Metathesaurus forbids to distribute its content"
        in result.output
    )
    assert "with --names withhold push concept ids and a recipe; with --names publish" in result.output
    assert online.requests == []


def test_told_explicitly_they_are_published(licensed, facts, online):
    result = push("model", licensed, "org/angel-umls", "--facts", facts("UMLS"), "--names", "publish")
    assert result.exit_code == 0, result.output
    assert "knowledge_base.safetensors" in online.repository("org/angel-umls").files


@pytest.fixture
def withheld(licensed, facts, online):
    """The model without its names, pushed over a version that had them."""
    repository = online.create("org/angel-umls")
    repository.put({"knowledge_base.safetensors": b"names", "trie.safetensors": b"names"})
    result = push("model", licensed, "org/angel-umls", "--facts", facts("UMLS"), "--names", "withhold")
    assert result.exit_code == 0, result.output
    assert "deleted knowledge_base.safetensors; it stays in the repository's history" in result.output
    return repository


def test_withheld_names_are_nowhere_in_the_repository(withheld):
    assert {"knowledge_base.safetensors", "trie.safetensors"}.isdisjoint(withheld.files)
    assert withheld.files["concept_ids.txt"].decode().split() == list(LICENSED)
    for path, data in withheld.files.items():
        if path not in ("tokenizer.json", "model.safetensors") and not path.endswith(".py"):
            for name in ("Dyssynergia", "dyssynergia", "Colonic", "colonic"):
                assert name.encode() not in data, path


def test_names_that_lie_beside_the_model_stay_behind_too(licensed, facts, tmp_path):
    directory = shutil.copytree(licensed, tmp_path / "model")
    beside = ("target_kb.json", "names.txt", "older_names.safetensors", "concepts.parquet")
    for name in beside:
        (directory / name).write_bytes(b"Dyssynergia")
    result = push("model", directory, "org/angel-umls", "--facts", facts("UMLS"), "--names", "withhold", "--dry-run")
    assert result.exit_code == 0, result.output
    for name in (*beside, "knowledge_base.safetensors", "trie.safetensors"):
        assert f"left out  {name}: " in result.output


def test_loading_explains_how_to_get_the_names(withheld):
    with pytest.raises(
        ValueError, match="org/angel-umls came without the names of its 2 concepts: the licence of the UMLS"
    ):
        AngelForEntityLinking.from_pretrained("org/angel-umls")
    with pytest.raises(
        ValueError, match=r"Get your own copy of UMLS 2023AB from https://www.nlm.nih.gov/research/umls/"
    ):
        AngelForEntityLinking.from_pretrained("org/angel-umls")


def test_with_the_user_s_own_copy_the_model_links_as_it_was_published(withheld, licensed, caplog):
    """The copy has more concepts, and its names in another order."""
    own = {"C0000001": ["Fever"], "C0009375": LICENSED["C0009375"], "C0004134": LICENSED["C0004134"]}
    loaded = AngelForEntityLinking.from_pretrained(
        "org/angel-umls", knowledge_base=KnowledgeBase.from_names(own)
    ).eval()
    published = AngelForEntityLinking.from_pretrained(licensed).eval()
    assert loaded.knowledge_base.fingerprint == published.knowledge_base.fingerprint
    assert loaded.link(MENTION) == published.link(MENTION)
    assert caplog.records == []


def test_another_release_is_noticed(withheld, caplog):
    other = LICENSED | {"C0004134": ["Ataxia", "A newer synonym"]}
    AngelForEntityLinking.from_pretrained("org/angel-umls", knowledge_base=KnowledgeBase.from_names(other))
    assert (
        "is not UMLS 2023AB as the model was published with: 0 of 2 concepts are missing, but names differ"
        in caplog.text
    )
    caplog.clear()
    fewer = {"C0004134": LICENSED["C0004134"]}
    AngelForEntityLinking.from_pretrained("org/angel-umls", knowledge_base=KnowledgeBase.from_names(fewer))
    assert "1 of 2 concepts are missing" in caplog.text


def test_another_knowledge_base_is_taken_as_it_is(withheld):
    loaded = AngelForEntityLinking.from_pretrained("org/angel-umls", knowledge_base=KnowledgeBase.from_names(NAMES))
    assert loaded.knowledge_base.num_concepts == len(NAMES)
