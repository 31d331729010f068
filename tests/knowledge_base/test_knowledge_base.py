"""The knowledge base: what goes in comes out, spelled as it was, and what cannot be linked to stays out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from angel_hf import Concept, KnowledgeBase
from angel_hf.arrays import array_file
from angel_hf.text.reading import NORMALIZATIONS, normalize
from tests.toy import CONCEPTS


@pytest.fixture
def knowledge_base():
    return KnowledgeBase.from_concepts(CONCEPTS)


def bearers(knowledge_base: KnowledgeBase) -> dict[str, tuple[str, ...]]:
    """Shown name -> concept ids of every entry, in order."""
    entries = range(knowledge_base.num_entries)
    return {knowledge_base.entry_name(entry): knowledge_base.entry_concept_ids(entry) for entry in entries}


# Entries, names, concepts


def test_concepts_come_back_as_they_were_given(knowledge_base):
    assert list(knowledge_base.concepts()) == CONCEPTS
    assert knowledge_base.concept("X1") == CONCEPTS[2]
    assert list(knowledge_base.concept_ids) == ["D001260", "D001259", "X1"]


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


@pytest.mark.parametrize(
    ("normalization", "entries"),
    [("lowercase-punctuation", ["a t"]), ("lowercase", ["a-t", "a t"]), ("as-is", ["A-T", "a-t", "a t"])],
)
def test_the_normalization_is_stored_and_honoured(tmp_path, normalization, entries):
    built = KnowledgeBase.from_names({"D1": ["A-T", "a-t"], "D2": ["a t"]}, normalization)
    for knowledge_base in (built, KnowledgeBase.load(built.save(tmp_path))):
        assert knowledge_base.normalization == normalization
        assert list(knowledge_base.entry_names()) == entries
        assert knowledge_base.find("a t") == len(entries) - 1


def test_entries_of_some_concepts_are_those_that_stand_for_any_of_them(knowledge_base):
    for concept_ids in (["X1"], ["D001259", "X1"], [], ["absent"]):
        standing = [not set(own).isdisjoint(concept_ids) for own in bearers(knowledge_base).values()]
        assert knowledge_base.entries_of(concept_ids).tolist() == standing


def test_find_normalises_what_is_looked_up(knowledge_base):
    assert knowledge_base.find("LOUIS – BAR") == knowledge_base.find("louis bar") == 1
    assert knowledge_base.find("absent") is None
    assert knowledge_base.find("") is None


def test_concepts_of_an_entry_come_in_the_order_of_the_concepts():
    twice = [Concept("A", ("p",)), Concept("B", ("X",)), Concept("A", ("x",))]
    assert bearers(KnowledgeBase.from_concepts(twice))["X"] == ("A", "B")


def test_a_concept_or_name_that_comes_twice_is_merged():
    twice = [
        Concept("A", ("one", "one", "two"), ("a",)),
        Concept("B", ("two",)),
        Concept("A", ("three", "one"), ("b", "a")),
    ]
    merged = KnowledgeBase.from_concepts(twice)
    assert list(merged.concepts()) == [Concept("A", ("one", "two", "three"), ("a", "b")), Concept("B", ("two",))]


def test_the_preferred_name_is_the_first_of_its_concept_though_another_concept_had_it_before():
    knowledge_base = KnowledgeBase.from_names(
        {"A": ["first", "shared"], "B": ["own", "shared", "first"], "C": ["shared"]}
    )
    assert [concept.names[0] for concept in knowledge_base.concepts()] == ["first", "own", "shared"]
    assert set(knowledge_base.concept("B").names) == {"own", "shared", "first"}


def test_an_unknown_concept_is_a_key_error(knowledge_base):
    with pytest.raises(KeyError, match="concept 'OMIM:1' is not among the 3 of the knowledge base"):
        knowledge_base.concept("OMIM:1")


def test_identifiers_resolve_to_the_concept_that_has_them():
    knowledge_base = KnowledgeBase.from_concepts(
        [Concept("A", ("a",), ("B", "Z")), Concept("B", ("b",), ("Z",)), Concept("C", ("c",))]
    )
    assert {key: knowledge_base.resolve(key) for key in "ABCZQ"} == {"A": "A", "B": "B", "C": "C", "Z": "A", "Q": None}
    assert KnowledgeBase.from_names({"A": ["a"]}).resolve("Z") is None


# Changing


def test_merged_entries_have_the_names_and_concepts_of_all(knowledge_base):
    merged = knowledge_base.merge_entries(np.array([0, 1, 2, 0, 1, 3]))
    assert bearers(merged) == {
        "Ataxia Telangiectasia": ("D001260", "D001259"),
        "Louis-Bar": ("D001260", "D001259", "X1"),
        "A-T": ("D001260", "X1"),
        "Maladie de Louis–Bar": ("X1",),
    }
    assert list(merged.names)[:5] == ["Ataxia Telangiectasia", "Ataxia", "Louis-Bar", "louis bar", "Incoordination"]
    assert (merged.find("ataxia"), merged.find("incoordination"), merged.find("a-t")) == (0, 1, 2)
    by_id = {concept.concept_id: concept for concept in merged.concepts()}
    for concept in CONCEPTS:
        assert by_id[concept.concept_id].names[0] == concept.names[0]
        assert set(by_id[concept.concept_id].names) == set(concept.names)
        assert by_id[concept.concept_id].parents == concept.parents
    assert merged.fingerprint != knowledge_base.fingerprint
    assert list(knowledge_base.concepts()) == CONCEPTS  # the old one is as it was


def test_a_merged_knowledge_base_is_saved_merged(knowledge_base, tmp_path):
    merged = knowledge_base.merge_entries(np.array([0, 0, 0, 1, 1, 1]))
    loaded = KnowledgeBase.load(merged.save(tmp_path))
    assert bearers(loaded) == bearers(merged)
    assert loaded.find("maladie de louis bar") == 1


def test_names_and_concepts_are_added_to_a_copy(knowledge_base):
    more = knowledge_base.with_names({"D001259": ["Dyssynergia", "ataxia"], "NEW": ["Dyssynergia"]})
    assert more.concept("D001259") == Concept(
        "D001259", ("Ataxia", "ataxia", "Incoordination", "Dyssynergia"), ("OMIM:1", "OMIM:2"), ("T184", "T047")
    )
    assert bearers(more)["Dyssynergia"] == ("D001259", "NEW")
    assert more.normalization == knowledge_base.normalization
    assert list(knowledge_base.concepts()) == CONCEPTS


def test_names_and_concepts_are_removed_from_a_copy(knowledge_base):
    fewer = knowledge_base.without_names({"D001260": ["Ataxia Telangiectasia"], "X1": ["A-T"]})
    assert fewer.concept("D001260") == Concept(
        "D001260", ("Louis-Bar", "A-T"), ("OMIM:208900",), ("T047",), ("D001259",)
    )
    assert bearers(fewer)["A-T"] == ("D001260",)
    assert fewer.find("ataxia telangiectasia") is None
    others = knowledge_base.without_concepts(["D001260"])
    assert list(others.concepts()) == [CONCEPTS[1], CONCEPTS[2]]
    assert others.resolve("OMIM:208900") is None
    assert list(knowledge_base.concepts()) == CONCEPTS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"remove": {"D001260": ["ataxia telangiectasia"]}},
            "concept 'D001260' has no name 'ataxia telangiectasia' to r",
        ),
        ({"remove": {"X9": ["A-T"]}}, "concept 'X9', from which something is to be removed, is not among the 3"),
        ({"remove": {"X1": "A-T"}}, "names to remove from concept 'X1' are 'A-T'; expected a list"),
        (
            {"remove": {"D001259": ["Ataxia", "Incoordination"]}},
            "concept 'D001259' would be left without names; to rem",
        ),
        ({"remove_concepts": ["OMIM:208900"]}, "concept 'OMIM:208900', from which .* are looked up with `resolve`"),
        ({"remove_concepts": "X1"}, "the concepts to remove are 'X1'; expected a list"),
        ({"remove_concepts": ["D001259", "D001260", "X1"]}, "no concept would be left; expected one at least"),
        ({"add": {"D1": [""]}}, "row 1: name '' of concept 'D1' is empty"),
    ],
)
def test_changes_that_cannot_be_made_are_refused(knowledge_base, change, message):
    with pytest.raises(ValueError, match=message):
        knowledge_base.updated(**change)


# Refused

BAD_CONCEPTS = [
    (Concept("D1", ()), "row 2: concept 'D1' has no names; expected at least one"),
    (Concept("D1", ("a", "")), "row 2: name '' of concept 'D1' is empty; expected text"),
    (Concept("D1", (" \u00a0",)), r"row 2: name ' \\xa0' of concept 'D1' is empty"),
    (Concept("D1", (7,)), "row 2: name 7 of concept 'D1' is of type int; expected text"),
    (Concept("D1", (["a"],)), r"row 2: name \['a'\] of concept 'D1' is of type list; expected text"),
    (Concept("D1", "ataxia"), "row 2: names of concept 'D1' are 'ataxia'; expected a list of strings"),
    (Concept("D1", None), "row 2: names of concept 'D1' are None; expected a list of strings"),
    (Concept("D1", ("a\tb",)), r"row 2: name 'a\\tb' of concept 'D1' holds the control character U\+0009; remove it"),
    (Concept("D1", ("a\x00",)), r"row 2: .* holds the control character U\+0000"),
    (Concept("D1", ("a\x85b",)), r"row 2: .* holds the control character U\+0085"),
    (Concept("D1", ("\ud800",)), r"row 2: .* holds the control character U\+D800"),
    (Concept("", ("a",)), r"row 2: concept id '' for names \('a',\) is empty; expected text"),
    (Concept(" ", ("a",)), r"row 2: concept id ' ' for names \('a',\) is empty; expected text"),
    (Concept(None, ("a",)), r"row 2: concept id None for names \('a',\) is of type NoneType; expected text"),
    (Concept("D1\t", ("a",)), r"row 2: concept id 'D1\\t' for names \('a',\) holds the control character U\+0009"),
    (Concept("D1", ("a",), "OMIM:1"), "row 2: alternative_ids of concept 'D1' are 'OMIM:1'; expected a list"),
    (Concept("D1", ("a",), ("",)), "row 2: alternative_id '' of concept 'D1' is empty"),
    (Concept("D1", ("a",), (), (3,)), "row 2: semantic_type 3 of concept 'D1' is of type int"),
    (Concept("D1", ("a",), (), (), ("a\nb",)), r"row 2: parent 'a\\nb' of concept 'D1' holds the control character"),
]


@pytest.mark.parametrize(("concept", "message"), BAD_CONCEPTS)
def test_what_cannot_be_linked_to_is_refused_with_row_and_value(concept, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        KnowledgeBase.from_concepts([Concept("D0", ("good",)), concept])


@pytest.mark.parametrize("names", ["ataxia", None, 7])
def test_names_that_are_no_list_are_refused(names):
    with pytest.raises(ValueError, match=f"^row 2: names of concept 'D1' are {names!r}; expected a list of strings"):
        KnowledgeBase.from_names({"D0": ["good"], "D1": names})


def test_no_concepts_and_an_unknown_normalization_are_refused():
    with pytest.raises(
        ValueError, match="the knowledge base has no names; expected at least one concept with one name"
    ):
        KnowledgeBase.from_names({})

    def never_read():
        raise AssertionError("the concepts were read before the normalization was looked at")
        yield

    with pytest.raises(ValueError, match="unknown normalization 'upper'; expected one of"):
        KnowledgeBase.from_concepts(never_read(), "upper")


# Own files


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
    assert not any(table.flags.owndata or table.flags.writeable for table in loaded._tables.values())
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


@pytest.mark.parametrize("damaged", list(KnowledgeBase.from_concepts(CONCEPTS)._tables))
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


# Any spelling

UNICODE = [
    "Sjögren",
    "Sjo\u0308gren",
    "β-Thalassämie",
    "ΣΟΦΟΣ",
    "肝癌",
    "ハンチントン病",
    "🧬 defect",
    "𝛼-1",
    "İ",
    "ß",
    "a\u200bb",
]


def test_unicode_is_kept_and_composed_and_combining_marks_are_different_names(tmp_path):
    built = KnowledgeBase.from_names({f"C{row}": [name] for row, name in enumerate(UNICODE)})
    loaded = KnowledgeBase.load(built.save(tmp_path))
    assert list(loaded.names) == UNICODE
    assert [loaded.find(name) for name in UNICODE] == list(range(len(UNICODE)))


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6).filter(str.strip)
concept_lists = st.lists(
    st.builds(
        Concept,
        st.sampled_from("ABCDEFG"),
        st.lists(texts, min_size=1, max_size=4).map(tuple),
        *(st.lists(st.sampled_from("pqrs"), max_size=2).map(tuple) for _ in range(3)),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)
@given(concept_lists, st.sampled_from(NORMALIZATIONS))
def test_any_concepts_survive_building_saving_and_exporting(tmp_path_factory, concepts, normalization):
    built = KnowledgeBase.from_concepts(concepts, normalization)
    folder = tmp_path_factory.mktemp("round")
    built.to_parquet(folder / "kb.parquet")
    loaded = KnowledgeBase.load(built.save(folder))

    names, bearing = {}, {}
    for concept in concepts:
        names.setdefault(concept.concept_id, {}).update(dict.fromkeys(concept.names))
        for name in concept.names:
            bearing.setdefault(normalize(name, normalization), set()).add(concept.concept_id)
    assert list(loaded.entry_names()) == list(bearing)
    for entry, (name, concept_ids) in enumerate(bearing.items()):
        assert loaded.find(name) == entry
        assert loaded.entry_concept_ids(entry) == tuple(own for own in names if own in concept_ids)
    for other in (loaded, KnowledgeBase.from_file(folder / "kb.parquet")):
        assert [concept.concept_id for concept in other.concepts()] == list(names)
        assert {concept.concept_id: set(concept.names) for concept in other.concepts()} == {
            concept_id: set(own) for concept_id, own in names.items()
        }
        assert [concept.names[0] for concept in other.concepts()] == [next(iter(own)) for own in names.values()]
        assert list(map(columns, other.concepts())) == list(map(columns, built.concepts()))
    assert loaded.fingerprint == built.fingerprint


@settings(deadline=None)
@given(concept_lists, concept_lists, st.sampled_from(NORMALIZATIONS), st.data())
def test_a_changed_knowledge_base_is_the_one_built_of_the_changed_concepts(concepts, more, normalization, data):
    """Table for table, and every entry is traced back to the one that it was."""
    old = KnowledgeBase.from_concepts(concepts, normalization)
    if data.draw(st.booleans(), "entries merged for a tokenizer"):
        groups = data.draw(st.lists(st.integers(0, 3), min_size=old.num_entries, max_size=old.num_entries))
        old = old.merge_entries(np.unique(groups, return_inverse=True)[1])
    removed = data.draw(st.sets(st.sampled_from(list(old.concept_ids))), "removed concepts")
    kept, removed_names = [], {}
    for concept in old.concepts():
        if concept.concept_id in removed:
            continue
        gone = data.draw(st.sets(st.sampled_from(concept.names), max_size=len(concept.names) - 1), "removed names")
        removed_names[concept.concept_id] = sorted(gone)
        kept.append(replace(concept, names=tuple(name for name in concept.names if name not in gone)))
    added = KnowledgeBase.from_concepts(more, normalization)
    expected = KnowledgeBase.from_concepts([*kept, *added.concepts()], normalization)
    changed, origin = old.updated(added, removed_names, removed)
    assert changed.fingerprint == expected.fingerprint
    for entry, name in enumerate(changed.entry_names()):
        found = old.find(name)
        assert origin[entry] == (-1 if found is None else found)


def columns(concept: Concept) -> tuple:
    return concept.alternative_ids, concept.semantic_types, concept.parents


@pytest.mark.parametrize("known", ["Sjögren's Syndrome", "\N{KELVIN SIGN} Disease", "Ataxia, Friedreich"])
def test_a_spelling_of_a_known_form_is_added_to_its_entry_be_it_ascii_or_not(known):
    spelling = normalize(known, "lowercase-punctuation")
    before = KnowledgeBase.from_names({"C1": [known, "other"], "C2": ["third"]})
    after = before.with_names({"C2": [spelling]})
    rebuilt = KnowledgeBase.from_concepts(
        [Concept("C1", (known, "other")), Concept("C2", ("third",)), Concept("C2", (spelling,))]
    )
    assert after.fingerprint == rebuilt.fingerprint
    assert after.entry_concept_ids(after.find(known)) == ("C1", "C2")
