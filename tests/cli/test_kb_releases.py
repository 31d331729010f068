"""`angel kb diff`, `map`, `upgrade` and `build --crosswalk`, and identifiers given in any spelling."""

import csv
import json

import pytest

from angel_hf import KnowledgeBase
from tests.cli_stub import rows, run

OLD = "D001259|OMIM:1||Ataxia|Incoordination\nD001260||Ataxia Telangiectasia|Louis-Bar\nD005334||Fever\n"
NEW = "D001259|D001260||Ataxia|Louis-Bar\nD000099||Chill\n"
MONDO = [
    {
        "id": "0000437",
        "name": "cerebellar ataxia",
        "namespace": "mondo",
        "xrefs": [{"namespace": "MESH", "id": "D001259"}],
    },
    {"id": "0001", "name": "fever", "namespace": "mondo", "xrefs": [{"namespace": "UMLS", "id": "C0015967"}]},
]
TEXT = "1|t|Ataxia fever\n1|a|x\n1\t0\t6\tAtaxia\tDisease\tMESH:D001260\n1\t7\t12\tfever\tDisease\tD005334\n"


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in {"old.txt": OLD, "new.txt": NEW, "mondo.json": json.dumps(MONDO), "a.pubtator": TEXT}.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def test_a_difference_is_a_table_for_people_and_rows_for_programs():
    result = run("kb", "diff", "old.txt", "new.txt", "-o", "diff.jsonl")
    assert result.exit_code == 0, result.output
    assert "old.txt: 3 concepts; new.txt: 2 concepts" in result.stdout
    assert "D001260 Ataxia Telangiectasia -> D001259" in result.stdout
    with open("diff.jsonl") as stream:
        changes = [json.loads(line) for line in stream]
    assert [(change["kind"], change["concept_id"]) for change in changes] == [
        ("names", "D001259"), ("merged", "D001260"), ("removed", "D005334"), ("added", "D000099"),
    ]  # fmt: skip
    assert changes[0]["before"] == ["Incoordination"] and changes[0]["after"] == ["Louis-Bar"]
    assert run("kb", "diff", "old.txt", "new.txt", "--output", "diff.TSV").exit_code == 0
    with open("diff.TSV", newline="") as stream:
        table = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["kind"] for row in table] == [change["kind"] for change in changes]
    assert table[0]["after"] == "Louis-Bar"


def test_a_knowledge_base_that_was_built_is_a_release_too():
    assert run("kb", "build", "old.txt", "kb").exit_code == 0
    assert run("kb", "build", "new.txt", "new.safetensors").exit_code == 0
    assert (
        run("kb", "diff", "kb", "new.safetensors").stdout.replace("kb", "old.txt").split("\n", 1)[1]
        == (run("kb", "diff", "old.txt", "new.txt").stdout.split("\n", 1)[1])
    )


def test_a_crosswalk_is_a_table_with_names_on_both_sides():
    result = run("kb", "map", "old.txt", "mondo.json", "--to", "mondo")
    assert result.stdout.splitlines() == [
        "from_id\tfrom_name\tto_id\tto_name\trelation\tvia\tsources",
        "MESH:D001259\tAtaxia\tMONDO:0000437\tcerebellar ataxia\tdirect\t\tmondo.json",
    ]
    assert result.stderr == "1 of 3 concepts of old.txt have 1 identifiers of mondo: 1 direct\n"
    for ending in ("csv", "jsonl", "sssom.tsv"):
        assert run("kb", "map", "old.txt", "mondo.json", "--to", "MONDO", "-o", f"map.{ending}").exit_code == 0
    with open("map.jsonl") as stream:
        assert rows(stream.read())[0]["sources"] == ["mondo.json"]
    with open("map.sssom.tsv") as stream:
        assert stream.read().startswith("#curie_map:\n")


def test_stored_annotations_are_upgraded_and_what_is_unsure_is_listed():
    result = run("kb", "upgrade", "a.pubtator", "--from", "old.txt", "--to", "new.txt", "-o", "b.pubtator")
    assert result.exit_code == 1
    with open("b.pubtator") as stream:
        assert stream.read() == TEXT.replace("MESH:D001260", "MESH:D001259")
    assert "b.pubtator: identifiers: 1 renewed, 1 retired" in result.stderr
    assert "D005334 (1): it is retired without a successor" in result.stderr
    with open("b.pubtator.rejected.jsonl") as stream:
        assert rows(stream.read()) == [
            {
                "source": "a.pubtator",
                "line": 4,
                "cause": "D005334: it is retired without a successor",
                "record": "D005334",
            }
        ]


def test_an_upgrade_that_resolves_all_ends_with_0_and_removes_the_list_of_an_earlier_run(files):
    (files / "b.pubtator.rejected.jsonl").write_text("{}\n")
    result = run("kb", "upgrade", "a.pubtator", "--from", "old.txt", "--to", "old.txt", "-o", "b.pubtator")
    assert (result.exit_code, result.stderr) == (0, "b.pubtator: identifiers: 2 current\n")
    assert (files / "b.pubtator").read_text() == TEXT
    assert not (files / "b.pubtator.rejected.jsonl").exists()


def test_a_line_that_cannot_be_read_is_set_aside(files):
    (files / "a.jsonl").write_text('{"identifier": "D001260"}\n{"identifier"\n')
    result = run("kb", "upgrade", "a.jsonl", "--from", "old.txt", "--to", "new.txt", "-o", "b.jsonl")
    assert result.exit_code == 1
    assert (files / "b.jsonl").read_text() == '{"identifier": "D001259"}\n'
    assert "a.jsonl:2: not JSON" in result.stderr


def test_a_crosswalk_is_built_into_a_knowledge_base_and_shown():
    assert run("kb", "build", "old.txt", "kb", "--crosswalk", "mondo.json").exit_code == 0
    assert KnowledgeBase.load("kb").equivalents("MESH:D001259") == ("OMIM:1", "MONDO:0000437")
    for spelling in ("MESH:D001259", "http://id.nlm.nih.gov/mesh/D001259", "MIM:1", "1"):
        shown = run("kb", "show", "kb", "--concept", spelling)
        assert "OMIM:1 MONDO:0000437" in " ".join(shown.stdout.split())


def test_names_and_concepts_of_any_spelling_are_added_and_removed(files):
    (files / "more.json").write_text(json.dumps({"MESH:D001259": ["ataxy"], "MESH:D000001": ["new"], "1": ["one"]}))
    assert run("kb", "add", "old.txt", "kb", "--from", "more.json", "--name", "mesh:D005334=Pyrexia").exit_code == 0
    added = KnowledgeBase.load("kb")
    assert added.concept("D001259").names == ("Ataxia", "Incoordination", "ataxy")
    assert added.concept("D005334").names == ("Fever", "Pyrexia")
    assert (added.num_concepts, added.concept("1").names) == (5, ("one",))
    removed = run("kb", "remove", "kb", "kb", "--name", "MESH:D005334=Fever", "--concept", "MIM:1")
    assert removed.exit_code == 0, removed.output
    left = KnowledgeBase.load("kb")
    assert left.concept("D005334").names == ("Pyrexia",)
    assert left.resolve("D001259") is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "old.txt", "new.txt", "-o", "x.xlsx"], "x.xlsx: expected a name that ends in .jsonl, .tsv or .csv"),
        (["diff", "old.txt", "absent.txt"], "absent.txt: no such file or directory"),
        (["map", "old.txt", "--to", "MSHX"], "the vocabulary 'MSHX' is not known; did you mean MESH?"),
        (["map", "old.txt", "old.txt", "--to", "MESH"], "old.txt old.txt: a file is named twice"),
        (["map", "old.txt", "--to", "MESH", "-o", "x"], "x: expected a name that ends in .tsv, .csv, .jsonl or .sssom"),
        (
            ["upgrade", "a.pubtator", "--from", "old.txt", "--to", "new.txt", "-o", "a.pubtator"],
            "a.pubtator: is ANNOTATIONS itself; expected another file",
        ),
        (
            ["upgrade", "new.txt", "--from", "old.txt", "--to", "new.txt", "-o", "b"],
            "new.txt: starts with 'D001259|D001260||Ataxia|Louis-Bar'; expected PubTator, JSON lines",
        ),
        (
            ["upgrade", "a.pubtator", "--from", "old.txt", "--to", "new.txt", "-o", "b.gz"],
            "b.gz: expected a name without .gz",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(files, arguments, message):
    result = run("kb", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert {file.name for file in files.iterdir()} == {"old.txt", "new.txt", "mondo.json", "a.pubtator"}
