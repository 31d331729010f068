"""Corpora of both formats give mentions with their identifiers, each part by itself."""

import re

import pytest

from angel_hf.training.data.corpus import coverage, expanded, read_corpus, split_identifiers


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("D1", ("D1",)),
        (" D2", ("D2",)),
        ("MESH:D2", ("D2",)),
        ("D3+OMIM:1|MESH:D4", ("D3", "OMIM:1", "D4")),
        ("", ()),
    ],
)
def test_identifiers_are_split(identifier, parts):
    assert split_identifiers(identifier) == parts


def test_identifiers_are_resolved_and_unknown_ones_left_out(mentions, knowledge_base):
    assert [annotated.concept_ids(knowledge_base) for annotated in mentions] == [
        ("D1",),
        ("D2",),
        ("D2",),
        ("D1", "D5"),
        (),
    ]


def test_what_a_knowledge_base_lacks_is_counted(mentions, knowledge_base):
    found = coverage(mentions * 2, knowledge_base)
    assert (found.mentions, found.known, found.unknown) == (10, 8, ("D999",))
    assert str(found) == "8 of 10 mentions have a concept of the knowledge base; it lacks D999"
    assert str(coverage(mentions[:1], knowledge_base)) == "1 of 1 mentions have a concept of the knowledge base"
    assert coverage([], knowledge_base).mentions == 0


def test_a_pubtator_corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("7|t|Wilson disease (WD).\n7|a|WD is rare.\n7\t21\t23\tWD\tDisease\tD2\n", encoding="utf-8")
    (annotated,) = read_corpus(path, "pubtator")
    assert (annotated.mention.surface, annotated.identifiers, annotated.document_id) == ("WD", ("D2",), "7")
    (written_out,) = expanded([annotated])
    assert written_out.mention.surface == "Wilson disease"
    assert written_out.mention.text == "Wilson disease (WD). Wilson disease is rare."
    assert (written_out.identifiers, written_out.document_id) == (("D2",), "7")


def test_a_genbioel_corpus(tmp_path):
    (tmp_path / "train.source").write_text('["START skin cancer END"]\n["no START wd END here"]\n', encoding="utf-8")
    (tmp_path / "trainlabel.txt").write_text("D1|D5\nD2\n", encoding="utf-8")
    first, second = read_corpus(tmp_path / "train", "genbioel")
    assert (first.mention.text, first.mention.surface, first.identifiers) == (
        "skin cancer",
        "skin cancer",
        ("D1", "D5"),
    )
    assert (second.mention.text, second.mention.surface, second.identifiers) == ("no wd here", "wd", ("D2",))


@pytest.mark.parametrize(
    ("source", "label", "cause"),
    [
        ('["START a END"]\n', "D1\nD2\n", "train.source: 1 rows, but"),
        ('["a"]\n', "D1\n", "train.source:1: '[\"a\"]'; expected a text with `START mention END` in it"),
        ('"a"\n["b", "c"]\n', "D1\nD2\n", "expected a"),
        ("[START a END]\n", "D1\n", "expected a JSON list of one text"),
    ],
)
def test_a_malformed_genbioel_corpus_is_refused(tmp_path, source, label, cause):
    (tmp_path / "train.source").write_text(source, encoding="utf-8")
    (tmp_path / "trainlabel.txt").write_text(label, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(cause)):
        read_corpus(tmp_path / "train", "genbioel")


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown corpus format 'conll'; expected one of pubtator, genbioel"):
        read_corpus(tmp_path, "conll")
