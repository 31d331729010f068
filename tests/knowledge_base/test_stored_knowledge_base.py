"""A knowledge base looked up, saved and opened: as it was, from a mapped file, or refused."""

import pytest
from safetensors.numpy import load_file, save_file

from angel_hf import Concept, KnowledgeBase
from angel_hf.arrays import array_file
from angel_hf.knowledge_base.stored_knowledge_base import StoredKnowledgeBase
from tests.knowledge_base.examples import bearers
from tests.toy import CONCEPTS

# Looking up


def test_names_that_normalise_alike_share_an_entry_with_all_concepts(knowledge_base):
    assert bearers(knowledge_base) == {
        "Ataxia Telangiectasia": ("D001260",),
        "Louis-Bar": ("D001260", "X1"),
        "A-T": ("D001260", "X1"),
        "Ataxia": ("D001259",),
        "Incoordination": ("D001259",),
        "Maladie de Louis–Bar": ("X1",),
    }
    assert (knowledge_base.num_concepts, knowledge_base.num_names, knowledge_base.num_entries) == (3, 7, 6)
    assert "3 concepts, 7 names, 6 entries, normalization='lowercase-punctuation'" in repr(knowledge_base)


def test_an_entry_is_shown_as_first_spelled_and_generated_normalised(knowledge_base):
    assert list(knowledge_base.entry_names()) == [
        "ataxia telangiectasia", "louis bar", "a t", "ataxia", "incoordination", "maladie de louis bar",
    ]  # fmt: skip
    assert list(knowledge_base.names)[1:3] == ["Louis-Bar", "louis bar"]  # spellings of an entry side by side


def test_find_normalises_what_is_looked_up(knowledge_base):
    assert knowledge_base.find("LOUIS – BAR") == knowledge_base.find("louis bar") == 1
    assert knowledge_base.find("absent") is None
    assert knowledge_base.find("") is None


def test_concepts_of_an_entry_come_in_the_order_of_the_concepts():
    twice = [Concept("A", ("p",)), Concept("B", ("X",)), Concept("A", ("x",))]
    assert bearers(KnowledgeBase.from_concepts(twice))["X"] == ("A", "B")


def test_an_unknown_concept_is_a_key_error(knowledge_base):
    expected = "concept 'OMIM:7' is not among the 3 .*, whose identifiers look like OMIM:208900 or D001260"
    with pytest.raises(KeyError, match=expected):
        knowledge_base.concept("OMIM:7")


def test_identifiers_resolve_to_the_concept_that_has_them():
    knowledge_base = KnowledgeBase.from_concepts(
        [Concept("A", ("a",), ("B", "Z")), Concept("B", ("b",), ("Z",)), Concept("C", ("c",))]
    )
    assert {key: knowledge_base.resolve(key) for key in "ABCZQ"} == {"A": "A", "B": "B", "C": "C", "Z": "A", "Q": None}
    assert KnowledgeBase.from_names({"A": ["a"]}).resolve("Z") is None


# Files


@pytest.mark.parametrize("target", ["folder", "file.safetensors", "deep/er/folder"])
def test_saved_and_loaded_the_same(knowledge_base, tmp_path, target):
    path = knowledge_base.save(tmp_path / target)
    assert path.suffix == ".safetensors"
    assert list(path.parent.iterdir()) == [path]
    for loaded in (KnowledgeBase.load(tmp_path / target), KnowledgeBase.load(path), KnowledgeBase.from_file(path)):
        assert list(loaded.concepts()) == CONCEPTS
        assert bearers(loaded) == bearers(knowledge_base)
        assert loaded.fingerprint == knowledge_base.fingerprint
        assert loaded.resolve("OMIM:2") == "D001259"


def test_opening_maps_the_file_and_copies_nothing(knowledge_base, tmp_path):
    """A name changed in the file, after it was opened, is changed in the knowledge base."""
    path = knowledge_base.save(tmp_path)
    loaded = KnowledgeBase.load(path)
    assert not any(table.flags.owndata or table.flags.writeable for table in loaded.tables.values())
    content = path.read_bytes()
    assert content.count(b"Incoordination") == 1
    with path.open("r+b") as stream:
        stream.seek(content.index(b"Incoordination"))
        stream.write(b"INCOORDINATION")
    assert loaded.entry_name(4) == "INCOORDINATION"


def test_a_loaded_knowledge_base_can_be_saved_over_its_own_file_and_changed(knowledge_base, tmp_path):
    loaded = KnowledgeBase.load(knowledge_base.save(tmp_path))
    loaded.save(tmp_path)
    assert list(loaded.concepts()) == list(KnowledgeBase.load(tmp_path).concepts()) == CONCEPTS
    loaded.with_names({"D001259": ["Dyssynergia"]}).save(tmp_path)
    assert KnowledgeBase.load(tmp_path).find("dyssynergia") is not None
    assert loaded.find("dyssynergia") is None


def test_an_error_while_saving_leaves_the_old_knowledge_base(knowledge_base, tmp_path, monkeypatch):
    path = knowledge_base.save(tmp_path)

    def fails_half_way(arrays, temporary, metadata):
        with open(temporary, "wb") as stream:
            stream.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(array_file, "save_file", fails_half_way)
    with pytest.raises(OSError, match="no space left"):
        KnowledgeBase.from_names({"D1": ["other"]}).save(tmp_path)
    assert list(KnowledgeBase.load(tmp_path).concepts()) == CONCEPTS
    assert list(tmp_path.iterdir()) == [path]


def test_the_half_that_only_reads_has_the_same_contents(knowledge_base, tmp_path):
    stored = StoredKnowledgeBase.load(knowledge_base.save(tmp_path))
    assert type(stored) is StoredKnowledgeBase
    assert type(KnowledgeBase.load(tmp_path)) is KnowledgeBase
    reader = KnowledgeBase(stored.tables, stored.normalization)
    assert list(reader.concepts()) == CONCEPTS
    assert stored.fingerprint == knowledge_base.fingerprint == reader.fingerprint
    again = stored.save(tmp_path / "again")
    assert KnowledgeBase.load(again).fingerprint == knowledge_base.fingerprint, "written without digests, it opens too"


def test_equal_knowledge_bases_have_equal_fingerprints_and_others_have_others(tmp_path):
    def built(concepts=CONCEPTS, normalization="lowercase-punctuation"):
        return KnowledgeBase.from_concepts(concepts, normalization)

    assert built().fingerprint == built(iter(CONCEPTS)).fingerprint
    others = [
        built(normalization="lowercase"),
        built(normalization="as-is"),
        built(CONCEPTS[:2]),
        built(CONCEPTS[::-1]),
        built([*CONCEPTS, Concept("D", ("d",))]),
        built([*CONCEPTS[:2], Concept("X1", ("louis bar", "Maladie de Louis–Bar"))]),
        built([*CONCEPTS[:2], Concept("X1", ("louis bar", "A-T", "Maladie de Louis–Bar"), ("OMIM:3",))]),
        built([*CONCEPTS[:2], Concept("X1", ("louis bar", "A-T", "Maladie de Louis–Bar"), (), (), ("OMIM:3",))]),
    ]
    assert len({knowledge_base.fingerprint for knowledge_base in [built(), *others]}) == 1 + len(others)


# Refused


def test_a_file_cut_short_is_refused(knowledge_base, tmp_path):
    path = knowledge_base.save(tmp_path)
    whole = path.read_bytes()
    for length in {0, 7, 8, 100, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"{path}: not a readable safetensors file"):
            KnowledgeBase.load(tmp_path)


@pytest.mark.parametrize("metadata", [{}, {"format": "angel-trie-1"}, {"format": "angel-knowledge-base-1"}])
def test_another_format_is_refused(knowledge_base, tmp_path, metadata):
    path = knowledge_base.save(tmp_path)
    save_file(load_file(path), path, metadata)
    with pytest.raises(ValueError, match=f"{path}: format .*; expected 'angel-knowledge-base-1' and one of lowercase"):
        KnowledgeBase.load(path)


@pytest.mark.parametrize("damaged", list(KnowledgeBase.from_concepts(CONCEPTS).tables))
@pytest.mark.parametrize("damage", ["shorter", "missing"])
def test_tables_that_do_not_fit_each_other_are_refused(knowledge_base, tmp_path, damaged, damage):
    path = knowledge_base.save(tmp_path)
    tables = load_file(path)
    if damage == "missing":
        del tables[damaged]
    else:
        tables[damaged] = tables[damaged][:-1].copy()
    metadata = {"format": "angel-knowledge-base-1", "normalization": "as-is"}
    save_file(tables, path, metadata)
    with pytest.raises(ValueError, match=f"{path}: (has no array|its tables do not fit|offsets '.*' do not run)"):
        KnowledgeBase.load(path)
