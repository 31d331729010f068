"""What one command writes every other reads: the same texts, spans and concepts, whatever ids and texts hold."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_hf.formats.answers import LinkedDocument
from angel_hf.formats.brat import BratWriter
from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.documents import DocumentFormat, read_documents, recognise
from angel_hf.formats.jsonl import AnnotatedJsonlWriter
from angel_hf.formats.output_formats import AnnotatedFormat, LinkedFormat, annotated_writer, linked_writer
from angel_hf.formats.pubtator_writer import Annotations
from angel_hf.formats.reading import Offsets, Reading, Utf16Offsets
from angel_hf.formats.source import Source
from angel_hf.results import Annotated
from angel_hf.types import Candidate, Linked, Mention

LETTERS = st.sampled_from([*"abc xyz.,;|<>&\"'", "\n", "\r\n", "\t", "β", "é", "😀", "\u2028", "\x00", "\x0c", "]]>"])
TEXTS = st.lists(LETTERS, min_size=1, max_size=30).map("".join).filter(lambda text: text.strip(" \n\r\t\x00\x0c\u2028"))
IDS = st.one_of(
    st.sampled_from(["a|t|b", "x\ny", "1\t2", "../../etc", "<script>", "😀", "a b", "\x00"]), st.text(max_size=8)
)


@st.composite
def answers(draw):
    """A document of one or two sections and the mentions in it, each with a concept or none."""
    text = draw(TEXTS)
    cut = draw(st.integers(0, len(text)))
    sections = (Section(0, len(text), "text"),)
    if 0 < cut < len(text):
        gap = 1 if text[cut].isspace() and draw(st.booleans()) else 0
        sections = (Section(0, cut, "title"), Section(cut + gap, len(text), "abstract"))
    found = []
    for start in sorted(draw(st.sets(st.integers(0, len(text) - 1), max_size=3))):
        end = draw(st.integers(start + 1, len(text)))
        if any(character.isalpha() for character in text[start:end]):
            best = Candidate("Name", draw(st.sampled_from([("D1",), ("D1", "OMIM:2")])), -0.5)
            found.append(Annotated(Mention(text, start, end), (best,), text[start:end], 0.5, draw(st.booleans())))
    return Document(draw(IDS).encode("utf-8", "replace").decode(), text, sections), found


def read_back(form, written):
    name = {DocumentFormat.JSONL: "a.jsonl", DocumentFormat.PUBTATOR: "a.PubTator", DocumentFormat.BIOC: "a.xml"}[form]
    source = Source(Path(name), io.BytesIO(written.encode()))
    assert recognise(source, mentions=True) is form
    return list(read_documents(source))


STREAMS = {
    AnnotatedFormat.JSONL: DocumentFormat.JSONL,
    AnnotatedFormat.PUBTATOR: DocumentFormat.PUBTATOR,
    AnnotatedFormat.BIOC: DocumentFormat.BIOC,
}


def same_characters(text, other):
    """Whether two texts are equal but for what a format cannot hold, which becomes one space each."""
    return len(text) == len(other) and all(a == b or b == " " for a, b in zip(text, other))


@pytest.mark.parametrize("form", STREAMS)
@settings(max_examples=150, deadline=None)
@given(st.lists(answers(), min_size=1, max_size=3))
def test_annotated_documents_are_read_with_their_spans(form, written):
    stream = io.StringIO()
    writer = annotated_writer(form, stream, "Disease", Offsets.CODE_POINTS)
    for document, found in written:
        writer.write(document, found)
    writer.close()
    documents = read_back(STREAMS[form], stream.getvalue())
    assert len(documents) == len(written) and all(isinstance(one, Document) for one in documents), documents
    for (document, found), again in zip(written, documents):
        assert same_characters(document.text, again.text[: len(document.text)])
        assert not again.text[len(document.text) :].strip()
        spans = [(one.mention.start, one.mention.end) for one in found]
        assert sorted((one.start, one.end) for one in again.annotations) == sorted(spans)


@pytest.mark.parametrize("form", [LinkedFormat.JSONL, LinkedFormat.PUBTATOR, LinkedFormat.BIOC])
@settings(max_examples=100, deadline=None)
@given(answers())
def test_linked_documents_are_read_with_their_identifiers(form, written):
    document, found = written
    given_mentions = tuple(Annotation(one.mention.start, one.mention.end, type="Disease") for one in found)
    document = Document(document.document_id, document.text, document.sections, given_mentions)
    linked = tuple(Linked(one.mention, one.candidates) for one in found)
    stream = io.StringIO()
    writer = linked_writer(form, stream, Annotations.REPLACE, Offsets.CODE_POINTS)
    writer.write(LinkedDocument(document, linked, tuple(one.mention.surface for one in linked)))
    writer.close()
    (again,) = read_back(DocumentFormat(form.value), stream.getvalue())
    assert sorted((one.start, one.end) for one in again.annotations) == sorted((a.start, a.end) for a in given_mentions)
    if form is not LinkedFormat.JSONL:
        expected = sorted("|".join(one.best.concept_ids) for one in linked)
        assert sorted(one.identifier for one in again.annotations) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(answers(), min_size=1, max_size=3))
def test_a_folder_of_brat_is_read_back(tmp_path_factory, written):
    folder = tmp_path_factory.mktemp("brat")
    writer = BratWriter(folder, "Disease")
    for document, found in written:
        writer.write(document, found)
    writer.close()
    texts = sorted(folder.glob("*.txt"))
    assert len(texts) == len(written) and all(path.parent == folder for path in folder.rglob("*"))
    again = []
    for path in texts:
        with Source(path) as source:
            again += read_documents(source, DocumentFormat.BRAT)
    assert all(isinstance(one, Document) for one in again), again
    found = sorted(
        (document.text, sorted((one.mention.start, one.mention.end) for one in own)) for document, own in written
    )
    assert sorted((one.text, sorted((a.start, a.end) for a in one.annotations)) for one in again) == found


@settings(max_examples=60, deadline=None)
@given(answers())
def test_offsets_in_utf_16_are_those_of_the_encoded_text(written):
    document, found = written
    stream = io.StringIO()
    AnnotatedJsonlWriter(stream, "Disease", Offsets.UTF_16).write(document, found)
    row = json.loads(stream.getvalue())
    encoded = document.text.encode("utf-16-le")
    for mention in row["mentions"]:
        assert encoded[2 * mention["start"] : 2 * mention["end"]].decode("utf-16-le") == mention["text"]
    source = Source(None, io.BytesIO(stream.getvalue().encode()))
    (again,) = read_documents(source, DocumentFormat.JSONL, Reading(offsets=Offsets.UTF_16))
    assert [(one.start, one.end) for one in again.annotations] == [
        (one.mention.start, one.mention.end) for one in found
    ]


def test_an_offset_inside_a_character_is_refused():
    offsets = Utf16Offsets("a😀b")
    assert [offsets.to_code_points(unit) for unit in (0, 1, 3, 4)] == [0, 1, 2, 3]
    for wrong, cause in ((2, "inside a character of two UTF-16 units"), (5, "outside the text of 4 UTF-16 units")):
        with pytest.raises(ValueError, match=cause):
            offsets.to_code_points(wrong)
