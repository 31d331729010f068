from pathlib import Path

import pytest

from angel_hf import KnowledgeBase
from eval_harness.bad_records import BadRecords
from eval_harness.benchmarks.ncbi import NCBI, canonical_id, read_ncbi
from eval_harness.corpus import open_corpus
from tests.conftest import SAMPLE

SAMPLE_SOURCE = SAMPLE / "data" / "ncbi_disease"

COMPOSITE = """\
1|t|Breast and ovarian cancer.
1|a|Deafness with goitre is rare.
1\t0\t25\tBreast and ovarian cancer\tCompositeMention\tD001943|D010051
1\t27\t47\tDeafness with goitre\tSpecificDisease\tMESH:C536648 + OMIM:274600
"""


def test_the_sample_reads_in_the_order_of_the_file() -> None:
    examples = list(read_ncbi(SAMPLE_SOURCE / NCBI.files["test"], BadRecords()))
    assert len(examples) == 47
    assert len({one.document_id for one in examples}) == 5
    first, last = examples[0], examples[-1]
    assert (last.document_id, last.mention.surface, last.gold) == ("9733027", "FRDA", (("D005621",),))
    assert first.mention.text[first.mention.start : first.mention.end] == first.mention.surface
    assert last.semantic_types == ("Modifier",)


def test_a_corpus_of_another_size_is_refused_unless_allowed() -> None:
    corpus = open_corpus(NCBI, SAMPLE_SOURCE)
    with pytest.raises(ValueError, match=r"ncbi test: 47 mentions; released has 960: results on other data"):
        corpus.examples("test")
    with pytest.raises(FileNotFoundError, match=r"NCBItrainset_corpus.txt is not there; expected the train split"):
        corpus.examples("train")
    with pytest.raises(ValueError, match="no split 'all'; expected one of train, dev, test"):
        corpus.examples("all")
    allowed = open_corpus(NCBI, SAMPLE_SOURCE, allow_different=True)
    assert len(allowed.examples("test")) == 47
    assert allowed.differences == ["ncbi test: 47 mentions; released has 960"]


def test_bars_part_a_composite_mention_and_plus_signs_a_description(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(COMPOSITE)
    composite, description = read_ncbi(path, BadRecords())
    assert composite.gold == (("D001943",), ("D010051",))
    assert composite.concept_ids == ("D001943", "D010051")
    assert description.gold == (("C536648", "OMIM:274600"),)


def test_omim_ids_agree_however_they_are_written() -> None:
    assert [canonical_id(one) for one in ("103600", "OMIM:103600", " MESH:D001943 ", "C535")] == [
        "OMIM:103600",
        "OMIM:103600",
        "D001943",
        "C535",
    ]


@pytest.mark.parametrize("identifier", ["", "D001943|", "+D001943", "X1"])
def test_an_identifier_that_the_corpus_cannot_hold_is_named_with_its_line(tmp_path: Path, identifier: str) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(COMPOSITE.replace("D001943|D010051", identifier))
    with pytest.raises(ValueError, match=r"corpus.txt:3: document 1, mention 'Breast and ovarian cancer' at 0: ident"):
        list(read_ncbi(path, BadRecords()))
    bad = BadRecords(skip=True)
    assert len(list(read_ncbi(path, bad))) == 1
    assert [record.line for record in bad.records] == [3]


def test_a_medic_file_is_the_ontology(shared_data: Path) -> None:
    corpus = open_corpus(NCBI, SAMPLE_SOURCE, knowledge_base_files=[shared_data / "kb" / "medic_06Jul2012.txt"])
    assert isinstance(corpus.ontology, KnowledgeBase)
    assert corpus.published_knowledge_base is None
