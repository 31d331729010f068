"""`angel annotate`: every format in, every format out, and what it says when it cannot."""

import gzip
import json
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from angel_hf import AngelForEntityLinking, Concept, KnowledgeBase
from angel_hf.formats.documents import read_documents
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.formats.source import Source
from angel_hf.ranking.confidence import Confidence, Features, NilThreshold
from tests.annotation.test_token_classification import tagger
from tests.cli_stub import rows, run
from tests.conftest import SAMPLE

NAMES = {"D1": ["Wilson disease"], "D2": ["breast cancer"], "D3": ["ovarian cancer"], "D4": ["anemia"]}
TITLE, ABSTRACT = "Wilson disease (WD) & more", "WD, anaemia; breast and ovarian cancer."
TEXT = f"{TITLE} {ABSTRACT}"
SURFACES = ["Wilson disease", "WD", "WD", "anaemia", "breast and ovarian cancer", "breast and ovarian cancer"]
PUBTATOR = f"12|t|{TITLE}\n12|a|{ABSTRACT}\n"
BIOC = (
    "<collection><document><id>12</id>"
    f'<passage><infon key="type">title</infon><offset>0</offset><text>{TITLE.replace("&", "&amp;")}</text></passage>'
    f'<passage><infon key="type">abstract</infon><offset>{len(TITLE) + 1}</offset><text>{ABSTRACT}</text></passage>'
    "</document></collection>"
)
BIOC_JSON = {
    "documents": [
        {
            "id": 12,
            "passages": [
                {"offset": 0, "infons": {"type": "title"}, "text": TITLE},
                {"offset": len(TITLE) + 1, "sentences": [{"offset": len(TITLE) + 1, "text": ABSTRACT}]},
            ],
        }
    ]
}


def documents_of(path):
    with Source(path) as source:
        return list(read_documents(source))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    loaded = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    loaded.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    loaded.confidence = Confidence(-0.5, Features(0, 0, 0, 3.0, 0), (NilThreshold(0.9, 0.6, 0.5),), "hand")
    directory = tmp_path_factory.mktemp("model")
    loaded.save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def loaded(model):
    return AngelForEntityLinking.from_pretrained(model)


@pytest.fixture
def annotate(loaded, monkeypatch):
    """The command with the model in memory; the first test loads it through the command itself."""
    monkeypatch.setattr("angel_hf.cli.annotate.load_linker", lambda *arguments: loaded)
    return lambda *arguments, stdin=None: run("annotate", *arguments, stdin=stdin)


def test_a_text_becomes_a_line_of_json(model, loaded):
    result = run("annotate", "--model", model, TEXT)
    (row,) = rows(result.stdout)
    assert (result.exit_code, row["text"]) == (0, TEXT)
    assert [mention["text"] for mention in row["mentions"]] == SURFACES
    expected = loaded.annotate(TEXT, top_k=5)
    assert [mention["candidates"][0]["name"] for mention in row["mentions"]] == [one.best.name for one in expected]
    assert [mention["confidence"] for mention in row["mentions"]] == [round(one.confidence, 4) for one in expected]
    assert row["mentions"][2]["read_as"] == "Wilson disease"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", TEXT),
        ("a.jsonl", json.dumps({"id": 12, "text": TEXT})),
        ("a.pubtator", PUBTATOR),
        ("a.txt", PUBTATOR),
        ("a.xml", BIOC),
        ("a.json", json.dumps(BIOC_JSON)),
        ("a.bioc", json.dumps(BIOC_JSON)),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_format_reads_the_same_text(annotate, tmp_path, name, content, zipped):
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(content.encode()) if zipped else content.encode())
    result = annotate("--input", path)
    (row,) = rows(result.stdout)
    assert row["text"] == TEXT
    assert [mention["text"] for mention in row["mentions"]] == SURFACES
    assert "annotated 6 mentions in 1 document" in result.stderr


def test_standard_input_is_one_text(annotate):
    (row,) = rows(annotate(stdin="anemia\nor gout\n").stdout)
    assert (row["text"], [mention["text"] for mention in row["mentions"]]) == ("anemia\nor gout\n", ["anemia"])


def test_pubtator_out_is_read_back(annotate, tmp_path):
    (tmp_path / "a.xml").write_text(BIOC)
    annotate("--input", tmp_path / "a.xml", "--output-format", "pubtator", "-o", tmp_path / "b.pubtator")
    (document,) = read_pubtator(tmp_path / "b.pubtator")
    assert (document.document_id, document.title, document.abstract) == ("12", TITLE, ABSTRACT)
    assert [annotation.surface for annotation in document.annotations] == SURFACES
    assert all(annotation.identifier in NAMES for annotation in document.annotations)


def test_a_text_of_several_lines_is_one_pubtator_record_with_the_same_offsets(annotate, tmp_path):
    text = "A case\r\nof anemia\n\nand\tWilson disease"
    annotate(text, "--output-format", "pubtator", "-o", tmp_path / "b.pubtator")
    (document,) = read_pubtator(tmp_path / "b.pubtator")
    assert len(document.text) == len(text)
    assert [text[one.start : one.end] for one in document.annotations] == ["anemia", "Wilson disease"]


def test_bioc_out_is_read_back(annotate, tmp_path):
    (tmp_path / "a.pubtator").write_text(PUBTATOR)
    annotate("--input", tmp_path / "a.pubtator", "--output-format", "bioc", "-o", tmp_path / "b.xml")
    (document,) = documents_of(tmp_path / "b.xml")
    assert (document.document_id, document.text) == ("12", TEXT)
    assert [section.kind for section in document.sections] == ["title", "abstract"]
    found = ElementTree.parse(tmp_path / "b.xml").findall(".//annotation")
    assert [one.findtext("text") for one in found] == SURFACES
    for one in found:
        location = one.find("location")
        start = int(location.get("offset"))
        assert TEXT[start : start + int(location.get("length"))] == one.findtext("text")
    passages = ElementTree.parse(tmp_path / "b.xml").findall(".//passage")
    assert [len(passage.findall("annotation")) for passage in passages] == [2, 4]


def test_control_characters_do_not_break_bioc(annotate, tmp_path):
    annotate("anemia \x00 \x0c <&> end", "--output-format", "bioc", "-o", tmp_path / "b.xml")
    (document,) = documents_of(tmp_path / "b.xml")
    assert document.text == "anemia     <&> end"


def test_brat_out_is_two_files_a_document(annotate, tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "x/1", "text": TEXT}))
    annotate("--input", tmp_path / "a.jsonl", "--output-format", "brat", "-o", tmp_path / "brat")
    assert sorted(path.name for path in (tmp_path / "brat").iterdir()) == ["x_1.ann", "x_1.txt"]
    assert (tmp_path / "brat" / "x_1.txt").read_text() == TEXT
    lines = [line.split("\t") for line in (tmp_path / "brat" / "x_1.ann").read_text().splitlines()]
    spans = [(fields[1].split(), fields[2]) for fields in lines if fields[0].startswith("T")]
    assert [surface for _, surface in spans] == SURFACES
    assert all(kind == "Disease" and TEXT[int(start) : int(end)] == text for (kind, start, end), text in spans)
    assert sum(fields[0].startswith("N") for fields in lines) == len(SURFACES)


def test_brat_documents_whose_ids_are_alike_have_files_of_their_own(annotate, tmp_path):
    texts = {"x/note.txt": "anemia", "y/note.txt": "breast cancer", "y/Note.md": "WD", "z/note-2.txt": "gout"}
    for name, text in texts.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    (tmp_path / "in" / "z.jsonl").write_text(
        "".join(json.dumps({"id": id_, "text": id_}) + "\n" for id_ in ("a/b", "a_b"))
    )
    result = annotate("--input", tmp_path / "in", "--output-format", "brat", "-o", tmp_path / "brat")
    written = {path.name: path.read_text() for path in (tmp_path / "brat").glob("*.txt")}
    assert sorted(written.values()) == sorted([*texts.values(), "a/b", "a_b"])
    assert {name: written[name] for name in ("note.txt", "a_b.txt", "a_b-2.txt")} == {
        "note.txt": "anemia",
        "a_b.txt": "a/b",
        "a_b-2.txt": "a_b",
    }
    assert len({name.casefold() for name in written}) == 6
    assert {path.stem for path in (tmp_path / "brat").glob("*.ann")} == {name[:-4] for name in written}
    assert "4 documents came under the name of another, and have a number after it, as in" in result.stderr


def test_a_displacy_page_escapes_its_text(annotate, tmp_path):
    annotate("<script>alert(1)</script> anemia", "--output-format", "html", "-o", tmp_path / "b.html")
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)
    parser.feed((tmp_path / "b.html").read_text())
    assert "script" not in tags and tags.count("mark") == 1


def test_a_precision_gives_nil(annotate):
    result = annotate("anemia or breast cancer", "--precision", "0.9", "--output-format", "pubtator")
    row = annotate("anemia or breast cancer", "--precision", "0.9")
    nil = [mention["nil"] for mention in rows(row.stdout)[0]["mentions"]]
    fields = [line.split("\t")[-1] for line in result.stdout.splitlines() if "\tDisease\t" in line]
    assert [field == "-1" for field in fields] == nil


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((), ["gout", "cancer", "breast cancer"]),
        (("--below", "D009369"), ["cancer", "breast cancer"]),
        (("--semantic-type", "Joint"), ["gout"]),
        (("--below", "D009369", "--below", "D4"), ["gout", "cancer", "breast cancer"]),
    ],
)
def test_only_what_stands_below_a_concept_or_is_of_a_type(monkeypatch, filters, expected):
    model = AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny")
    concepts = [
        Concept("D009369", ("cancer",)),
        Concept("D2", ("breast cancer",), parents=("D009369",)),
        Concept("D4", ("gout",), semantic_types=("Joint",)),
    ]
    model.set_knowledge_base(KnowledgeBase.from_concepts(concepts))
    monkeypatch.setattr("angel_hf.cli.annotate.load_linker", lambda *arguments: model)
    (row,) = rows(run("annotate", "gout, cancer, breast cancer", *filters).stdout)
    assert [mention["text"] for mention in row["mentions"]] == expected
    refused = run("annotate", "gout", "--semantic-type", "Gene")
    assert (refused.exit_code, "no concept of the knowledge base is left" in refused.stderr) == (2, True)


def test_candidates_in_a_line_are_one_a_concept(annotate):
    (row,) = rows(annotate("anemia, Wilson disease", "--top-k", "10").stdout)
    for mention in row["mentions"]:
        concepts = [concept_id for one in mention["candidates"] for concept_id in one["concept_ids"]]
        assert len(concepts) == len(set(concepts))


def test_a_tagger_may_find_the_mentions(annotate, tmp_path):
    model, tokenizer = tagger()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    (row,) = rows(annotate("Copper in Wilson disease, breast cancer", "--detector", tmp_path).stdout)
    assert [mention["text"] for mention in row["mentions"]] == ["Copper", "Wilson disease"]


def test_a_folder_is_annotated_file_by_file_and_bad_ones_are_told(annotate, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.txt").write_text("anemia")
    (tmp_path / "deep" / "b.xml").write_text(BIOC)
    (tmp_path / "c.xml").write_text("<collection>")
    (tmp_path / "picture.png").write_bytes(b"\x89")
    result = annotate("--input", tmp_path)
    assert result.exit_code == 1
    assert [row["id"] for row in rows(result.stdout)] == ["a", "12"]
    assert f"rejected {tmp_path / 'c.xml'}: not XML" in result.stderr
    assert f"annotated 7 mentions in 2 documents; 1 rejected, written to {tmp_path}.rejected.jsonl" in result.stderr
    (aside,) = rows((tmp_path.parent / f"{tmp_path.name}.rejected.jsonl").read_text())
    assert aside["source"] == str(tmp_path / "c.xml") and aside["cause"].startswith("not XML")


BAD_FILES = {
    "cut.txt.gz": gzip.compress(b"anemia")[:-9],
    "cut.jsonl.gz": gzip.compress(b'{"text": "anemia"}\n')[:-9],
    "plain.txt.gz": b"anemia",
    "plain.json.gz": json.dumps(BIOC_JSON).encode(),
    "half.jsonl": b'{"text": "\\ud800 anemia"}',
    "half.json": b'{"documents": [{"id": 1, "passages": [{"offset": 0, "text": "\\ud800"}]}]}',
    "deep.jsonl": b"[" * 100_000,
    "deep.json": b"[" * 100_000,
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("form", ["jsonl", "pubtator"])
def test_a_bad_file_does_not_end_the_work_on_the_others(annotate, tmp_path, name, form):
    (tmp_path / "0.txt").write_text("anemia")
    (tmp_path / name).write_bytes(BAD_FILES[name])
    (tmp_path / "z.txt").write_text("anemia")
    result = annotate("--input", tmp_path, "--output-format", form, "-o", tmp_path / "out")
    assert result.exit_code == 1, result.output
    assert (tmp_path / "out").read_text().count("anemia") >= 4
    assert f"rejected {tmp_path / name}: " in result.stderr.replace(f"{name}:1:", f"{name}:")
    assert "annotated 2 mentions in 2 documents; 1 rejected, written to " in result.stderr
    (aside,) = rows((tmp_path / "out.rejected.jsonl").read_text())
    assert aside["source"] == str(tmp_path / name)


def test_a_document_that_the_model_refuses_does_not_end_the_work_on_the_others(annotate, loaded, tmp_path, monkeypatch):
    monkeypatch.setattr(loaded.processor, "max_source_length", 5)
    texts = ["anemia"] * 20 + ["breast and ovarian cancer", "anemia"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    result = annotate("--input", tmp_path / "a.jsonl")
    assert (result.exit_code, len(rows(result.stdout))) == (1, 21)
    assert f"rejected {tmp_path / 'a.jsonl'}:21: document 21: mention 'breast cancer'... takes " in result.stderr
    assert "annotated 21 mentions in 21 documents; 1 rejected" in result.stderr
    alone = annotate("breast cancer")
    assert (alone.exit_code, alone.stdout) == (2, "")
    assert alone.stderr.startswith("error: mention 'breast cancer'... takes ")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xml", "<collection>", "not XML"),
        ("a.xml", "<collection></collection>", "holds no document"),
        ("a.xml", "<html><body>x</body></html>", "its root is <html>; expected BioC, PubMed or JATS XML"),
        ("a.bioc", "<PubmedArticleSet/>", "its root is <PubmedArticleSet>; expected <collection>"),
        ("a.json", "{", "not JSON"),
        ("a.json", '{"documents": [{}]}', "document ?: no 'passages'"),
        ("a.json", '{"documents": []}', "holds no document"),
        ("a.any", "a\\tb\\n", "cannot tell the format from its first line"),
        ("a.jsonl", '{"id": 1}', "a.jsonl:1: no 'text' among the keys 'id'"),
        ("a.jsonl", '{"text": 1}', "a.jsonl:1: text is 1; expected a string"),
        ("a.pubtator", "12|a|A\n", "expected a title line"),
    ],
)
def test_bad_files_end_with_what_was_expected(annotate, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    result = annotate("--input", tmp_path / name)
    assert result.exit_code == 2
    error = result.stderr.splitlines()[-1]
    assert error.startswith(f"error: {tmp_path / name}") and message in error and "xpected" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--top-k", "11"], "--top-k 11 with --num-beams 10"),
        (["x", "--output-format", "brat"], "name a folder with --output"),
        (["x", "--input", "y"], "--input would go unheard with a text"),
        (["--input", "/no/such/file"], "no such file or folder"),
        (["x", "--precision", "0.5"], "no threshold for a precision of 0.5"),
        (["x", "--detector", "no/such"], "no/such"),
        (["an\udcffemia"], "the text is 'an\\udcffemia'; expected UTF-8"),
    ],
)
def test_what_cannot_be_done_is_told(annotate, arguments, message):
    result = annotate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_text_that_is_not_utf8_and_an_empty_folder(annotate, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"na\xefve")
    assert "not UTF-8" in annotate("--input", tmp_path / "a.txt").stderr
    (tmp_path / "empty").mkdir()
    assert "holds no file that ends in" in annotate("--input", tmp_path / "empty").stderr


def test_html_without_spacy_names_the_extra(annotate, monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    result = annotate("anemia", "--output-format", "html")
    assert (result.exit_code, "pip install 'angel-hf[spacy]'" in result.stderr) == (2, True)
