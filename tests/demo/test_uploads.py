"""Files that visitors bring, good and hostile."""

import csv
import json

import pyarrow.parquet as pq
import pytest

from angel_hf.formats.document import Document
from demo import batch
from demo.batch import annotate_documents, read_documents, write_csv, write_parquet
from demo.limits import MOST_UPLOAD_BYTES, VisitorError
from demo.uploads import read_knowledge_base
from demo.workbench import annotate, as_row
from tests.demo.conftest import TEXT

OBO = 'format-version: 1.2\n\n[Term]\nid: X:1\nname: Zebra itch\nsynonym: "striped itch" EXACT []\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.csv", "concept_id,name,synonyms\nX:1,Zebra itch,striped itch\n"),
        ("own.csv", "\ufeffID;Name\nX:1;Zebra itch\nX:1;striped itch\n"),
        ("own.tsv", "name\tid\nZebra itch|striped itch\tX:1\n"),
        ("own.json", json.dumps({"X:1": ["Zebra itch", "striped itch"]})),
        ("own.obo", OBO),
    ],
)
def test_knowledge_bases(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    concept = read_knowledge_base(tmp_path / name).concept("X:1")
    assert concept.names == ("Zebra itch", "striped itch")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("own.csv", b"", "own.csv is empty"),
        ("own.csv", b"a,b\n1,2\n", "own.csv is not a knowledge base: its columns are a, b; expected a first line"),
        ("own.csv", b"id,name\n", "the knowledge base has no names"),
        ("own.csv", b"id,name\nX:1,\n", "own.csv:2: no name in"),
        ("own.csv", "id,name\nX:1,na\xefve\n".encode("latin-1"), "own.csv is not a knowledge base: line 2: not UTF-8"),
        ("own.json", b"{", "own.json is not a knowledge base: "),
        ("own.json", b"[1, 2]", "own.json is not a knowledge base: "),
        ("own.obo", b"\x00\x01\x02", "own.obo is not a knowledge base: "),
    ],
)
def test_refused_knowledge_bases_tell_why_and_not_where(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VisitorError, match=message) as caught:
        read_knowledge_base(tmp_path / name)
    assert str(tmp_path) not in str(caught.value)


def test_ten_megabytes_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes(b"a" * (2 * MOST_UPLOAD_BYTES))
    for read in (read_knowledge_base, read_documents):
        with pytest.raises(VisitorError, match="own.csv has 10.0 MB; this page takes 5 MB"):
            read(path)


def test_too_many_names_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("demo.uploads.MOST_NAMES", 2)
    path = tmp_path / "own.csv"
    path.write_text("id,name\nX:1,a\nX:2,b\nX:3,c\n")
    with pytest.raises(VisitorError, match="3 names; this page takes 2"):
        read_knowledge_base(path)


def test_documents_of_a_csv_and_of_pubtator(tmp_path):
    table = tmp_path / "documents.csv"
    table.write_text(f'id,text\n7,"{TEXT}"\n,gout\n', encoding="utf-8")
    assert [(one.document_id, one.text) for one in read_documents(table).documents] == [("7", TEXT), ("3", "gout")]
    corpus = tmp_path / "documents.txt"
    corpus.write_text("12|t|Gout.\n12|a|An abstract.\n12\t0\t4\tGout\tDisease\tD1\n\n13|t|A\n13|a|B\n")
    assert [(one.document_id, one.text) for one in read_documents(corpus).documents] == [
        ("12", "Gout. An abstract."),
        ("13", "A B"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\nx\n", "its columns are name; expected a header with a column text"),
        ("text\n", "has 0 documents; this page takes 1 to 200"),
        ("text\n" + "gout\n" * 201, "has 201 documents"),
        ("id,text\n5,\n", "line 2 could not be read: the column text is empty"),
    ],
)
def test_refused_documents(tmp_path, content, message):
    path = tmp_path / "documents.csv"
    path.write_text(content)
    with pytest.raises(VisitorError, match=message):
        read_documents(path)


def test_one_bad_record_of_an_upload_costs_that_record_and_is_told(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "gout"}\n{"id": 2}\n{"id": 3, "text": "anemia"}\n')
    upload = read_documents(tmp_path / "a.jsonl")
    assert [one.document_id for one in upload.documents] == ["1", "3"]
    assert upload.told.startswith(" 1 records could not be read, the first at line 2: no 'text' among the keys 'id'")


def test_both_files_of_a_batch_hold_the_answers_of_the_api(tmp_path, visit):
    documents = [Document.of_text("a", TEXT), Document.of_text("b", "nothing here"), Document.of_text("c", "anemia")]
    lines = []
    rows = annotate_documents(visit, documents, None, lambda part, text: lines.append((round(part, 2), text)))
    assert lines == [(0.0, "0 of 3 documents"), (0.33, "1 of 3 documents"), (0.67, "2 of 3 documents")]
    expected = [as_row(visit, one) for text in (TEXT, "anemia") for one in annotate(visit, text)]

    stored = pq.read_table(write_parquet(rows, tmp_path / "a.parquet")).to_pylist()
    for row, answer in zip(stored, expected, strict=True):
        assert {key: row[key] for key in ("start", "end", "text", "read_as", "confidence", "nil")} == {
            key: answer[key] for key in ("start", "end", "text", "read_as", "confidence", "nil")
        }
        assert json.loads(row["candidates"]) == answer["candidates"]
        assert row["concept_ids"] == "|".join(answer["candidates"][0]["concept_ids"])

    with write_csv(rows, tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [(row["document_id"], int(row["start"]), row["text"]) for row in table] == [
        (row["document_id"], row["start"], row["text"]) for row in stored
    ]


def test_a_formula_in_a_name_is_text_in_the_spreadsheet(tmp_path):
    row = dict.fromkeys(batch.COLUMNS, "") | {"text": '=HYPERLINK("http://x")', "name": "@sum", "start": -1}
    with write_csv([row], tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as stream:
        (back,) = csv.DictReader(stream)
    assert (back["text"], back["name"], back["start"]) == ('\'=HYPERLINK("http://x")', "'@sum", "-1")


def test_a_nil_has_no_concept_in_its_row(visit):
    rows = annotate_documents(visit, [Document.of_text("a", TEXT)], precision=0.9)
    nil = [row for row in rows if row["nil"]]
    assert nil, "the small model is unsure of something"
    assert {(row["name"], row["concept_ids"]) for row in nil} == {(None, None)}
