"""`angel kb`: build, change, show and export."""

import json
import re

import pytest

from angel_hf import KnowledgeBase
from tests.cli_stub import run

MEDIC = "D001259|OMIM:1||Ataxia|Incoordination &amp; Ataxia\nD001260||Ataxia Telangiectasia|Louis-Bar\n"


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "medic.txt").write_text(MEDIC)
    return "medic.txt"


def words(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("output", ["kb", "kb.safetensors"])
def test_a_built_knowledge_base_is_the_source_and_tells_its_size(source, output):
    result = run("kb", "build", source, output)
    assert result.exit_code == 0, result.output
    assert "KnowledgeBase(2 concepts, 4 names, 4 entries, normalization='lowercase-punctuation')" in result.stdout
    assert list(KnowledgeBase.load(output).concepts()) == list(KnowledgeBase.from_file(source).concepts())


def test_the_normalization_can_be_named(source):
    assert run("kb", "build", source, "kb", "--normalization", "as-is").exit_code == 0
    assert KnowledgeBase.load("kb").normalization == "as-is"
    assert run("kb", "build", source, "kb", "--normalization", "upper").exit_code == 2


def test_names_and_concepts_are_added_and_removed(source, tmp_path):
    (tmp_path / "more.json").write_text(json.dumps({"D3": ["fever"], "D001260": ["a-t"]}))
    added = run("kb", "add", source, "kb", "--from", "more.json", "--name", "D3=Pyrexia", "--name", "D4=x=y")
    assert added.exit_code == 0, added.output
    assert "KnowledgeBase(4 concepts, 8 names, 8 entries" in added.stdout
    names = {concept.concept_id: concept.names for concept in KnowledgeBase.load("kb").concepts()}
    assert names["D001260"] == ("Ataxia Telangiectasia", "Louis-Bar", "a-t")
    assert (names["D3"], names["D4"]) == (("fever", "Pyrexia"), ("x=y",))
    removed = run("kb", "remove", "kb", "kb", "--concept", "OMIM:1", "--concept", "D4", "--name", "D3=fever")
    assert removed.exit_code == 0, removed.output
    assert {concept.concept_id: concept.names for concept in KnowledgeBase.load("kb").concepts()} == {
        "D001260": names["D001260"],
        "D3": ("Pyrexia",),
    }


def test_show_tells_counts_normalization_and_names(source):
    run("kb", "build", source, "kb")
    for shown in (run("kb", "show", source), run("kb", "show", "kb")):
        assert shown.exit_code == 0, shown.output
        assert re.search(r"^concepts +2\nnames +4\n", shown.stdout)
        assert "normalization lowercase-punctuation" in words(shown.stdout)
        assert "Ataxia | Incoordination & Ataxia" in words(shown.stdout)


def test_show_has_a_column_of_parents_only_where_there_are_some(source, tmp_path):
    (tmp_path / "mesh.tsv").write_text("D000001\tAtaxia\t\tC10.1\t\nD000002\tDiseases\t\tC10\t\n")
    assert "D000001 Ataxia D000002" in words(run("kb", "show", "mesh.tsv").stdout)
    assert "parents" not in run("kb", "show", source).stdout


def test_show_finds_a_concept_by_either_identifier(source):
    for identifier in ("D001259", "OMIM:1"):
        shown = run("kb", "show", source, "--concept", identifier).stdout
        assert "D001259 Ataxia | Incoordination & Ataxia" in words(shown)
        assert "D001260" not in shown
    absent = run("kb", "show", source, "--concept", "D9")
    assert (absent.exit_code, absent.stderr) == (
        2,
        "error: medic.txt: concept 'D9' is not among the 2 of the knowledge base, whose identifiers look like D001259 "
        "or OMIM:1\n",
    )


def test_an_export_is_read_back_the_same(source):
    assert run("kb", "export", source, "kb.parquet").exit_code == 0
    assert list(KnowledgeBase.from_file("kb.parquet").concepts()) == list(KnowledgeBase.from_file(source).concepts())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "absent.txt", "kb"], "absent.txt: no such file or directory"),
        (["build", "broken.json", "kb"], "broken.json:1: concept 'D1' has 'name'; expected a list of names"),
        (["add", "medic.txt", "kb"], "nothing to add; expected --from FILE or --name CONCEPT=NAME"),
        (["remove", "medic.txt", "kb"], "nothing to remove; expected --concept CONCEPT or --name CONCEPT=NAME"),
        (
            ["add", "medic.txt", "kb", "--name", "D1"],
            "'D1': expected a concept's identifier, an equals sign and a name",
        ),
        (["remove", "medic.txt", "kb", "--concept", "D9"], "medic.txt: concept 'D9' is not among the 2 of"),
        (["remove", "medic.txt", "kb", "--name", "D001260=x"], "concept 'D001260' has no name 'x' to remove"),
        (["show", "other.csv"], "other.csv: its columns are size, name; expected a first line"),
        (["show", "empty"], "empty: has no knowledge_base.safetensors; expected what was saved"),
        (["export", "medic.txt", "kb.csv"], "kb.csv: expected a name that ends in .parquet"),
        (["export", "medic.txt", "absent/kb.parquet"], "absent/kb.parquet: the folder absent does not exist"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(source, tmp_path, arguments, message):
    (tmp_path / "broken.json").write_text(json.dumps({"D1": "name"}))
    (tmp_path / "other.csv").write_text("size,name\n")
    (tmp_path / "empty").mkdir()
    result = run("kb", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "kb").exists()
