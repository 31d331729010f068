"""PubMed and JATS XML, tables of texts, brat's pairs: their texts, sections and what is left out."""

import pytest

from angel_hf.formats.document import Annotation, Document
from angel_hf.formats.reading import Reading
from angel_hf.formats.rejected import Rejected
from tests.formats.document_files import documents

TEXTS = Reading(mentions=False)

PUBMED = """<?xml version="1.0"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "https://dtd.example/pubmed.dtd">
<PubmedArticleSet>
<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">1</PMID><Article>
<ArticleTitle>Gout and <i>ATM</i> in
 H<sub>2</sub>O.</ArticleTitle>
<Abstract><AbstractText Label="AIM">We look.</AbstractText><AbstractText Label="RESULT">x &lt; 5</AbstractText>
<CopyrightInformation>(c) nobody</CopyrightInformation></Abstract></Article></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="doi">10.1/x</ArticleId></ArticleIdList></PubmedData></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>2</PMID><Article><ArticleTitle>Title alone</ArticleTitle></Article>
<CommentsCorrectionsList><CommentsCorrections><PMID>99</PMID></CommentsCorrections></CommentsCorrectionsList>
</MedlineCitation></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>3</PMID><Article><ArticleTitle/></Article></MedlineCitation></PubmedArticle>
<PubmedBookArticle><BookDocument><PMID>4</PMID><Book><BookTitle>Reviews</BookTitle></Book>
<ArticleTitle>A chapter</ArticleTitle><Abstract><AbstractText>On gout.</AbstractText></Abstract></BookDocument>
</PubmedBookArticle>
<DeleteCitation><PMID>5</PMID></DeleteCitation>
</PubmedArticleSet>
"""


def test_citations_have_title_and_labelled_abstract(tmp_path):
    first, second, third, book = documents(tmp_path / "pubmed.xml", PUBMED, TEXTS)
    assert first.document_id == "1"
    assert first.text == "Gout and ATM in H2O.\nAIM: We look.\nRESULT: x < 5"
    assert [(first.text[one.start : one.end], one.kind) for one in first.sections] == [
        ("Gout and ATM in H2O.", "title"),
        ("AIM: We look.", "abstract"),
        ("RESULT: x < 5", "abstract"),
    ]
    assert (second.document_id, second.text) == ("2", "Title alone")
    assert isinstance(third, Rejected) and third.cause == "citation 3 has neither title nor abstract"
    assert (book.document_id, book.text) == ("4", "A chapter\nOn gout.")


def test_many_citations_are_read_one_at_a_time(tmp_path):
    one = PUBMED[PUBMED.index("<PubmedArticle>") : PUBMED.index("</PubmedArticle>") + 16]
    (tmp_path / "many.xml").write_text(f"<PubmedArticleSet>{one * 3000}</PubmedArticleSet>")
    found = documents(tmp_path / "many.xml", None, TEXTS)
    assert len(found) == 3000 and {document.text for document in found} == {found[0].text}


JATS = """<article xmlns:xlink="http://www.w3.org/1999/xlink"><front>
<journal-meta><journal-title>Left out</journal-title></journal-meta>
<article-meta><article-id pub-id-type="pmid">11</article-id><article-id pub-id-type="pmc">PMC7</article-id>
<title-group><article-title>Gout in <italic>mice</italic></article-title></title-group>
<contrib-group><contrib><name><surname>Wilson</surname></name></contrib></contrib-group>
<permissions><p>Licence.</p></permissions>
<abstract><p>We saw gout <xref ref-type="bibr">1</xref>.</p></abstract></article-meta></front>
<body><sec><title>Methods</title><p>Two mice<disp-formula><tex-math>x^2</tex-math></disp-formula> had it:
<list><list-item><p>the first</p></list-item></list></p>
<fig><label>Fig. 1</label><caption><title>A mouse</title><p>With gout.</p></caption></fig>
<table-wrap><table><tr><th>Sign</th><td>Pain</td></tr></table></table-wrap></sec></body>
<back><ref-list><ref><mixed-citation>Wilson disease, a review.</mixed-citation></ref></ref-list></back></article>
"""


@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ('<pmc-articleset xmlns="http://jats.example">', "</pmc-articleset>")]
)
def test_articles_have_prose_captions_and_cells_and_no_references(tmp_path, before, after):
    (found,) = documents(tmp_path / "article.xml", before + JATS + after, TEXTS)
    assert found.document_id == "PMC7"
    assert [(found.text[one.start : one.end], one.kind) for one in found.sections] == [
        ("Gout in mice", "title"),
        ("We saw gout .", "abstract"),
        ("Methods", "heading"),
        ("Two mice had it:", "body"),
        ("the first", "body"),
        ("A mouse", "heading"),
        ("With gout.", "body"),
        ("Sign", "cell"),
        ("Pain", "cell"),
    ]
    assert "Wilson" not in found.text


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_a_table_has_a_text_a_row(tmp_path, delimiter):
    rows = [
        ("pmid", "Title", "Abstract", "year"),
        ("1", "Gout", '"A ""case"",\nnot two"', "2001"),
        ("", "", "Ataxia", ""),
    ]
    content = "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows) + "\r\n"
    first, second = documents(tmp_path / "notes.csv", content, TEXTS)
    assert (first.document_id, first.text) == ("1", 'Gout\nA "case",\nnot two')
    assert (first.fields, first.line) == ({"year": "2001"}, 2)
    assert (second.document_id, second.text) == ("4", "Ataxia")


def test_a_bad_row_costs_that_row_and_a_table_without_texts_is_refused(tmp_path):
    content = "id,text\n1,gout\n2\n3,\n4,ataxia\n"
    first, short, empty, last = documents(tmp_path / "notes.csv", content, TEXTS)
    assert (first.text, last.text) == ("gout", "ataxia")
    assert (short.line, short.cause) == (3, "1 cells; expected 2, as the header has")
    assert (empty.line, empty.cause) == (4, "the column text is empty; expected a text")
    (refused,) = documents(tmp_path / "notes.csv", "a,b\n1,2\n", TEXTS)
    assert refused.is_rest and "its columns are a, b; expected a header with a column text" in refused.cause


def test_bracketed_texts_have_their_entities_and_concepts(tmp_path):
    (tmp_path / "note.ann").write_text(
        "T1\tDisease 0 4\tGout\nN1\tReference T1 MeSH:D006073\tGout\nT2\tDisease 9 15\tAtaxia\n"
        "T3\tDisease 0 4;9 15\tGout Ataxia\nT4\tDisease 1 5\tGout\n"
        "#1\tAnnotatorNotes T1\tsure\nR1\tis Arg1:T1 Arg2:T2\n"
    )
    pieces, shifted, found = documents(tmp_path / "note.txt", "Gout and Ataxia")
    assert found.annotations == (Annotation(0, 4, "Gout", "Disease", "D006073"), Annotation(9, 15, "Ataxia", "Disease"))
    assert pieces.line == 4 and "is in several pieces; expected one" in pieces.cause
    assert shifted.line == 5 and "which stands at 0" in shifted.cause
    assert shifted.source.endswith("note.ann")
    (text,) = documents(tmp_path / "note.txt", None, TEXTS)
    assert isinstance(text, Document) and text.annotations is None
