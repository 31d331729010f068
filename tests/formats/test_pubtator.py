"""PubTator is read without loss, and what is malformed is named."""

import os
from pathlib import Path

import pytest

from angel_hf.formats.document import Annotation
from angel_hf.formats.pubtator import PubtatorDocument, format_document, read_pubtator

SAMPLE = Path(__file__).parents[1] / "data" / "ncbi_disease_sample.txt"
CORPORA = sorted(
    Path(os.environ.get("ANGEL_DATA", Path(__file__).parents[3] / "shared" / "data")).glob("*/*_corpus.txt")
)

DOCUMENT = PubtatorDocument(
    "12",
    "Famotidine and delirium.",
    "Ocular and auditory toxicity.",
    (
        Annotation(0, 10, "Famotidine", "Chemical", "D015738"),
        Annotation(15, 23, "delirium", "Disease", "D003693"),
        Annotation(25, 53, "Ocular and auditory toxicity", "Disease", "D1|D2", ("Ocular toxicity|auditory toxicity",)),
    ),
    (("CID", "D015738", "D003693"),),
)
RECORD = format_document(DOCUMENT)


def corpus_text(documents):
    return "\n".join(map(format_document, documents))


@pytest.mark.parametrize("path", [SAMPLE, *CORPORA], ids=lambda path: path.name)
def test_a_corpus_is_written_back_byte_for_byte(path):
    released = path.read_bytes().decode("utf-8")
    documents = list(read_pubtator(path))
    assert len(documents) >= 3
    assert corpus_text(documents).strip("\n") == released.strip("\n")


def test_offsets_count_one_character_between_title_and_abstract():
    assert all(
        document.text[annotation.start : annotation.end].strip() == annotation.surface.strip()
        for document in read_pubtator(SAMPLE)
        for annotation in document.annotations
    )
    assert DOCUMENT.text[25:31] == "Ocular"


def test_relations_and_parts_of_composite_mentions_are_kept():
    assert list(read_pubtator(RECORD.splitlines())) == [DOCUMENT]


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("12|t|", "12|x|", r":1: expected a title line `id\|t\|title`"),
        ("12|a|", "13|a|", r":2: the abstract is of document '13'; expected '12'"),
        ("\t10\tFam", "\tten\tFam", r":3: end offset 'ten'; expected a number"),
        ("15\t23", "15\t230", r":4: span 15:230 does not fit the text of 54 characters"),
        ("15\t23", "14\t22", r":4: the text at 14:22 is ' deliriu'; expected the annotated 'delirium'"),
        ("\tDisease\tD003693\n", "\n", r":4: 4 tab-separated fields; expected `id, start, end"),
        ("12\tCID", "13\tCID", r":6: the line belongs to '13'; expected document '12'"),
    ],
)
def test_a_malformed_line_is_named_with_file_line_and_cause(tmp_path, old, new, cause):
    assert old in RECORD
    path = tmp_path / "bad.txt"
    path.write_text(RECORD.replace(old, new))
    with pytest.raises(ValueError, match="bad.txt" + cause):
        list(read_pubtator(path))


def test_a_bad_record_is_reported_and_left_out_and_the_rest_is_read():
    bad = RECORD.replace("15\t23", "14\t22")
    seen = []
    documents = list(
        read_pubtator(
            [*RECORD.splitlines(), "", *bad.splitlines(), "", *RECORD.splitlines()], lambda *a: seen.append(a)
        )
    )
    assert documents == [DOCUMENT, DOCUMENT]
    [(line_number, message, text)] = seen
    assert line_number == 11 and "expected the annotated 'delirium'" in message and text == bad


def test_a_title_alone_is_an_error():
    with pytest.raises(ValueError, match="document 7 ends after its title"):
        list(read_pubtator(["7|t|Alone"]))
