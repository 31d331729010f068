"""BioC as XML and as JSON in its shapes, with offsets as they should be and as converters write them."""

import json
import os
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.passages import MOST_GAP
from angel_hf.formats.reading import Reading
from tests.formats.document_files import documents

ROOT = Path(__file__).parents[2]


def passage(offset, text, kind="title", annotations=""):
    given = "" if offset is None else f"<offset>{offset}</offset>"
    return f'<passage><infon key="type">{kind}</infon>{given}<text>{text}</text>{annotations}</passage>'


def collection(*passages, namespace=""):
    return f"<collection{namespace}><source/><document><id>7</id>{''.join(passages)}</document></collection>"


def annotation(offset, length, text, extra=""):
    location = f'<location offset="{offset}" length="{length}"/>'
    infons = '<infon key="type">Disease</infon><infon key="identifier">MESH:D1</infon>'
    return f'<annotation id="1">{infons}{location}{extra}<text>{escape(text)}</text></annotation>'


def test_passages_keep_their_offsets_and_annotations(tmp_path):
    (found,) = documents(
        tmp_path / "a.xml",
        collection(passage(0, "Gout."), passage(9, "Ataxia too.", "abstract", annotation(9, 6, "Ataxia"))),
    )
    assert (found.document_id, found.text) == ("7", "Gout.    Ataxia too.")
    assert found.sections == (Section(0, 5, "title"), Section(9, 20, "abstract"))
    assert found.annotations == (Annotation(9, 15, "Ataxia", "Disease", "MESH:D1"),)


def test_namespaces_inline_markup_entities_and_touching_passages(tmp_path):
    namespace = ' xmlns="http://bioc.example/1"'
    content = collection(
        passage(0, "Gout<i>s</i> &amp; "), passage(8, "ataxia &#946;", "abstract"), namespace=namespace
    )
    (found,) = documents(tmp_path / "a.xml", content)
    assert found.text == "Gouts & ataxia β"
    assert [found.text[one.start : one.end] for one in found.sections] == ["Gouts & ", "ataxia β"]


@pytest.mark.parametrize("offset", [None, 0])
def test_passages_without_useful_offsets_follow_one_another(tmp_path, offset):
    second = passage(offset, "Ataxia.", "abstract", annotation(0, 6, "Ataxia"))
    (found,) = documents(tmp_path / "a.xml", collection(passage(offset, "Gout."), second))
    assert found.text == "Gout. Ataxia."
    assert found.annotations == (Annotation(6, 12, "Ataxia", "Disease", "MESH:D1"),)


@pytest.mark.parametrize(
    ("passages", "cause"),
    [
        (
            (passage(0, "Gout."), passage(3, "Ataxia")),
            "passage 2 starts at 3, before the end of the one before",
        ),
        ((passage(0, "Gout."), passage(None, "Ataxia")), "has no offset, and others have"),
        ((passage(2 * 10**10, "x"),), "passage 1 has offset 20000000000, 20,000,000,000 characters after"),
        ((passage("1e400", "x"),), "offset 1e400; expected a number of characters"),
        ((passage("-1", "x"),), "offset -1; expected a number of characters"),
        ((passage("1" * 400, "x"),), "offset 1111"),
    ],
)
def test_a_bad_offset_costs_its_document_and_names_it(tmp_path, passages, cause):
    good = collection(passage(0, "Gout.")).replace("<id>7", "<id>8")
    content = collection(*passages).replace("</collection>", good[good.index("<document>") :])
    rejected, found = documents(tmp_path / "a.xml", content)
    assert rejected.cause.startswith(("document 7", "document ?")) and cause in rejected.cause
    assert found.document_id == "8"


def test_gaps_are_bounded_in_all(tmp_path):
    half = MOST_GAP // 2 + 2
    content = collection(passage(0, "a"), passage(half, "b"), passage(2 * half, "c"))
    (rejected,) = documents(tmp_path / "a.xml", content)
    assert "expected gaps of at most" in rejected.cause


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (annotation(0, 99, "Gout"), "mention span 0:99 does not fit"),
        (annotation(1, 4, "Gout"), "the text at 1:5 is 'out.'; expected the annotated 'Gout', which stands at 0"),
        (annotation(0, 1, "Gout", '<location offset="3" length="1"/>'), "2 locations; expected one"),
        ("<annotation><text>Gout</text></annotation>", "no location; expected one"),
    ],
)
def test_an_annotation_that_does_not_fit_is_left_out_and_named(tmp_path, bad, cause):
    content = collection(passage(0, "Gout.", annotations=bad + annotation(0, 4, "Gout")))
    rejected, found = documents(tmp_path / "a.xml", content)
    assert rejected.cause.startswith("annotation of document 7 left out: ") and cause in rejected.cause
    assert [one.surface for one in found.annotations] == ["Gout"]
    (alone,) = documents(tmp_path / "a.xml", content, Reading(mentions=False))
    assert isinstance(alone, Document)


JSON_DOCUMENT = {
    "id": 7,
    "passages": [
        {"infons": {"type": "title"}, "offset": 0, "text": "Gout."},
        {"offset": 6, "sentences": [{"offset": 6, "text": "Ataxia."}, {"offset": 14, "text": "No."}]},
    ],
}
SHAPES = {
    "collection": json.dumps({"documents": [JSON_DOCUMENT]}, indent=1),
    "pubtator3": json.dumps({"PubTator3": [JSON_DOCUMENT]}),
    "list of collections": json.dumps([{"documents": [JSON_DOCUMENT]}]),
    "a document a line": json.dumps(JSON_DOCUMENT) + "\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_json_gives_the_same_document(tmp_path, shape):
    (found,) = documents(tmp_path / "a.json", SHAPES[shape])
    assert (found.document_id, found.text) == ("7", "Gout. Ataxia. No.")
    assert [(one.start, one.kind) for one in found.sections] == [(0, "title"), (6, "passage"), (14, "passage")]


def test_one_bad_line_of_documents_costs_that_line(tmp_path):
    line = json.dumps(JSON_DOCUMENT)
    first, bad, last = documents(tmp_path / "a.json", f'{line}\n{{"passages": 1}}\n{line}\n')
    assert isinstance(first, Document) and isinstance(last, Document)
    assert bad.line == 2


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("<collection></collection>", "holds no document"),
        ('{"documents": []}', "holds no document"),
        ("<html></html>", "its root is <html>; expected BioC, PubMed or JATS XML"),
        ("<collection><document>", "not XML"),
        ('{"a": [1', "not JSON"),
        ("[1]", "a list of int"),
        ("[" * 100_000, "nested too deeply"),
        ("<collection>" + "<a>" * 5_000, "more than 200 elements within one another"),
    ],
)
def test_what_is_no_bioc_says_so(tmp_path, content, cause):
    *_, rejected = documents(tmp_path / ("a.xml" if content.startswith("<") else "a.bioc"), content)
    assert rejected.is_rest and cause in rejected.cause


def test_entities_that_multiply_are_refused_in_time_and_memory(tmp_path):
    entities = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    content = f"<!DOCTYPE collection [{entities}]><collection><document><id>&a9;</id></document></collection>"
    *_, rejected = documents(tmp_path / "a.bioc", content)
    assert "not XML" in rejected.cause


@pytest.mark.slow
def test_a_released_file_is_read_as_its_twin_in_pubtator():
    """BioRED is released in both formats."""
    folder = Path(os.environ.get("ANGEL_SHARED_DATA", ROOT.parent / "shared")) / "data" / "biored"
    if not folder.is_dir():
        pytest.skip(f"BioRED is not in {folder}")
    found = documents(folder / "Dev.BioC.XML")
    twins = documents(folder / "Dev.PubTator")
    assert [one.document_id for one in found] == [one.document_id for one in twins]
    assert [one.text for one in found] == [one.text for one in twins]
    for one, twin in zip(found, twins):
        assert sorted((a.start, a.end, a.type) for a in one.annotations) == sorted(
            (a.start, a.end, a.type) for a in twin.annotations
        )
