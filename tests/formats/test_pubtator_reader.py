"""PubTator as users bring it; what the strict reader of corpora says of real files, the lenient one says too."""

import pytest

from angel_hf.formats.document import Annotation, Document, Section
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.formats.reading import Reading
from tests.formats.document_files import documents

DOCUMENT = "1|t|Wilson disease\n1|a|A case.\n1\t0\t14\tWilson disease\tDisease\tD006527\n"


def test_a_record_is_a_title_an_abstract_and_its_annotations(tmp_path):
    (found,) = documents(tmp_path / "a.pubtator", DOCUMENT + "1\tCID\tD3\tD4\n")
    assert (found.document_id, found.text) == ("1", "Wilson disease A case.")
    assert found.sections == (Section(0, 14, "title"), Section(15, 22, "abstract"))
    assert found.annotations == (Annotation(0, 14, "Wilson disease", "Disease", "D006527"),)
    assert (found.relations, found.line) == ((("CID", "D3", "D4"),), 1)


@pytest.mark.parametrize(
    "content",
    [
        DOCUMENT + DOCUMENT.replace("1|", "2|").replace("1\t0", "2\t0"),  # no empty line between
        "\n\n" + DOCUMENT + "\n\n\n" + DOCUMENT.replace("1|", "2|").replace("1\t0", "2\t0") + "\n",
        DOCUMENT.replace("\n1|a", "\n\n1|a") + "\n" + DOCUMENT.replace("1|", "2|").replace("1\t0", "2\t0"),
        (DOCUMENT + "\n" + DOCUMENT.replace("1|", "2|").replace("1\t0", "2\t0")).replace("\n", "\r\n"),
        "\ufeff" + DOCUMENT + "\n" + DOCUMENT.replace("1|", "2|").replace("1\t0", "2\t0"),
    ],
    ids=["no-empty-line", "empty-lines", "empty-line-inside", "crlf", "byte-order-mark"],
)
def test_records_are_found_whatever_stands_between_them(tmp_path, content):
    found = documents(tmp_path / "a.pubtator", content)
    assert [(one.document_id, len(one.annotations)) for one in found] == [("1", 1), ("2", 1)]


def test_a_title_alone_pipes_and_further_fields(tmp_path):
    content = "1|t|A|B Wilson disease\n1\t4\t18\tWilson disease\tDisease\tD006527\tRSID: 7\n"
    (found,) = documents(tmp_path / "a.pubtator", content)
    assert found.text == "A|B Wilson disease"
    assert found.annotations[0].extra == ("RSID: 7",)


def test_what_follows_an_empty_line_with_another_id_does_not_cost_the_document_before(tmp_path):
    first, bad, last = documents(tmp_path / "a.pubtator", f"{DOCUMENT}\n2|a|no title\n\n3|t|x\n")
    assert isinstance(first, Document) and len(first.annotations) == 1
    assert bad.line == 5 and "expected a title line" in bad.cause
    assert last.document_id == "3"


def test_given_annotations_are_not_read_where_they_are_not_needed(tmp_path):
    content = DOCUMENT + "1\t0\t999\tx\tDisease\n1\tbroken\n9\t0\t1\tx\tDisease\n"
    (found,) = documents(tmp_path / "a.pubtator", content, Reading(mentions=False))
    assert found.annotations is None
    assert len(documents(tmp_path / "a.pubtator", content)) == 4


def test_released_corpora_are_read_as_by_the_strict_reader(shared_data):
    for path in sorted(shared_data.glob("*/*_corpus.txt")):
        strict = [(one.document_id, one.text, one.annotations, one.relations) for one in read_pubtator(path)]
        found = documents(path)
        assert [(one.document_id, one.text, one.annotations, one.relations) for one in found] == strict
