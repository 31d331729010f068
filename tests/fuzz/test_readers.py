"""Every reader of documents and concepts on spoiled files: an answer or a rejection with its place, in seconds."""

import io
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from angel_hf import KnowledgeBase
from angel_hf.formats import ontologies
from angel_hf.formats.compression import DamagedError
from angel_hf.formats.document import Document
from angel_hf.formats.documents import FORMATS, DocumentFormat, read_documents
from angel_hf.formats.guarded import guarded
from angel_hf.formats.reading import Offsets, Reading
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.rejections import Rejections
from angel_hf.formats.selection import EVERYTHING
from angel_hf.formats.source import Source
from angel_hf.formats.term import Retired, Term, Unnamed
from angel_hf.formats.usable_terms import usable
from angel_hf.formats.vocabularies.vocabulary_format import VOCABULARY_FORMATS
from tests.formats.vocabularies.test_vocabulary_format import FILES
from tests.fuzz.samples import BRAT_ANNOTATIONS, DOCUMENTS, ONTOLOGIES
from tests.fuzz.spoiling import MANY_ROUNDS, ROUNDS, in_time, spoiled

TERMS = ONTOLOGIES | FILES
READINGS = [Reading(mentions, offsets) for mentions in (True, False) for offsets in Offsets]
UTF_32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Each non-blank line of these is a record of its own.
LINES = (DocumentFormat.JSONL, DocumentFormat.MARKED)


def test_no_format_is_left_out():
    assert DOCUMENTS.keys() == {one.form for one in FORMATS}
    assert ONTOLOGIES.keys() == {one.name for one in ontologies.FORMATS}
    assert ONTOLOGIES.keys().isdisjoint(FILES.keys())


@pytest.mark.parametrize("form", DOCUMENTS)
def test_the_samples_are_whole(form, tmp_path):
    for sample in DOCUMENTS[form]:
        path = tmp_path / "a.txt"
        path.write_text(sample, encoding="utf-8")
        path.with_suffix(".ann").write_text(BRAT_ANNOTATIONS)
        items = list(read_documents(Source(path), form, Reading(mentions=False)))
        assert items and all(isinstance(item, Document) for item in items), (sample, items)


@contextmanager
def opened(path: Path | None, data: bytes) -> Iterator[Source | None]:
    """A source, or None where its first bytes are of gzip or UTF-32 and it cannot be opened."""
    try:
        source = Source(Path("spoiled"), io.BytesIO(data)) if path is None else Source(path)
    except DamagedError as error:
        assert "spoiled" in str(error) or str(path) in str(error)  # noqa: PT017
        assert data.startswith((b"\x1f\x8b", *UTF_32))
        yield None
        return
    with source:
        yield source


def check_documents(items: list[object], where: str) -> None:
    for item in items:
        assert isinstance(item, (Document, Rejected)), where
        if isinstance(item, Rejected):
            assert item.cause and item.source and item.line >= 0, (where, item)
            assert not item.cause.startswith(("KeyError", "TypeError", "IndexError")), (where, item)
            continue
        item.text.encode("utf-8")
        item.document_id.encode("utf-8")
        assert item.document_id, where
        for annotation in item.annotations or ():
            assert 0 <= annotation.start <= annotation.end <= len(item.text), (where, annotation)
    assert all(not isinstance(item, Rejected) or not item.is_rest for item in items[:-1]), where


def run_documents(form: DocumentFormat, tmp_path: Path, rounds: int) -> None:
    chance = random.Random(form.value)
    pair = tmp_path / "a.txt"
    for number in range(rounds):
        where = f"{form.value}, mutant {number}"
        mutant = spoiled(chance.choice(DOCUMENTS[form]).encode(), chance)
        annotations = spoiled(BRAT_ANNOTATIONS.encode(), chance)
        reading, named = chance.choice(READINGS), chance.random() < 0.8
        with in_time(where):
            if form is DocumentFormat.BRAT:
                pair.write_bytes(mutant)
                pair.with_suffix(".ann").write_bytes(annotations)
            with opened(pair if form is DocumentFormat.BRAT else None, mutant) as source:
                items = [] if source is None else list(read_documents(source, form if named else None, reading))
        check_documents(items, where)
        is_whole = not any(isinstance(item, Rejected) and item.is_rest for item in items)
        if form in LINES and named and items and is_whole and not mutant.startswith(UTF_16):
            lines = mutant.removeprefix(b"\xef\xbb\xbf").split(b"\n")
            records = sum(bool(line.decode("utf-8", "replace").strip()) for line in lines)
            assert len(items) >= records, f"{where}: {len(items)} of {records}"


@pytest.mark.parametrize("form", DOCUMENTS)
def test_spoiled_documents(form, tmp_path):
    run_documents(form, tmp_path, ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("form", DOCUMENTS)
def test_many_spoiled_documents(form, tmp_path):
    run_documents(form, tmp_path, MANY_ROUNDS)


def run_terms(name: str, rounds: int) -> None:
    chance = random.Random(name)
    (format_,) = (one for one in (*ontologies.FORMATS, *VOCABULARY_FORMATS) if one.name == name)
    for number in range(rounds):
        where = f"{name}, mutant {number}"
        mutant = spoiled(TERMS[name].encode(), chance)
        with in_time(where), opened(None, mutant) as source:
            if source is None:
                continue
            items = list(guarded(source, lambda one: format_.read(one, EVERYTHING)))
            for item in items:
                assert isinstance(item, (Term, Retired, Unnamed, Rejected)), where
                if isinstance(item, Rejected):
                    assert item.cause and item.line >= 0, (where, item)
            check_terms(items, where)


def check_terms(items: list[Term | Retired | Unnamed | Rejected], where: str) -> None:
    """What can be used is text; records in are records out and rejections."""
    rejections = Rejections()
    try:
        taken = list(usable("spoiled", iter(items), rejections))
    except ValueError:  # a damaged file, or nothing in it can be used
        return
    told = sum(isinstance(item, Rejected) for item in items)
    lost = sum(isinstance(item, (Term, Retired)) for item in items) - len(taken)
    assert rejections.count >= told + lost, where
    assert rejections.unnamed == sum(isinstance(item, Unnamed) for item in items), where
    for item in taken:
        if isinstance(item, Term):
            concept = item.concept
            assert concept.names and len(set(concept.names)) == len(concept.names), (where, item)
            for text in (concept.concept_id, *concept.names):
                assert isinstance(text, str) and text.strip(), (where, item)
                text.encode("utf-8")


@pytest.mark.parametrize("name", TERMS)
def test_spoiled_ontologies(name):
    run_terms(name, ROUNDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TERMS)
def test_many_spoiled_ontologies(name):
    run_terms(name, MANY_ROUNDS)


def run_knowledge_bases(tmp_path: Path, rounds: int) -> None:
    """Through the door that everyone uses, which recognises the format itself."""
    chance, files = random.Random(11), [*TERMS.values()]
    for number in range(rounds):
        ending = chance.choice((".txt", ".obo", ".json", ".jsonl", ".csv", ".tsv", ".xml", ".owl", ".gz", ""))
        path = tmp_path / f"spoiled{ending}"
        path.write_bytes(spoiled(chance.choice(files).encode(), chance))
        with in_time(f"mutant {number}"):
            try:
                knowledge_base = KnowledgeBase.from_file(path)
            except ValueError as error:
                told = str(error)
            else:
                told = f"{path}: {len(list(knowledge_base.concepts()))} concepts"
        assert str(path) in told or path.name in told, f"mutant {number}: {told}"


def test_spoiled_knowledge_bases(tmp_path):
    run_knowledge_bases(tmp_path, ROUNDS)


@pytest.mark.slow
def test_many_spoiled_knowledge_bases(tmp_path):
    run_knowledge_bases(tmp_path, MANY_ROUNDS)


@pytest.mark.parametrize("form", [DocumentFormat.BIOC, DocumentFormat.JSONL])
@pytest.mark.parametrize("nested", ["[" * 200_000, '{"a":' * 200_000, json.dumps([[[]]]) * 50_000])
def test_nesting_without_end_is_a_rejection(form, nested):
    with in_time("nesting"):
        items = list(read_documents(Source(Path("deep.json"), io.BytesIO(nested.encode())), form))
    assert items and all(isinstance(item, Rejected) and item.source == "deep.json" for item in items)
