import dataclasses
from pathlib import Path

import pytest

from angel_hf import KnowledgeBase
from eval_harness.benchmarks.ncbi import NCBI, read_ncbi
from eval_harness.predictors import ExactMatch
from eval_harness.protocol import ANGEL, LENIENT, STRICT, Protocol
from eval_harness.scoring import evaluate
from eval_harness.task import prepare_task
from tests.conftest import FULL, SAMPLE

SAMPLE_SOURCE = SAMPLE / "data" / "ncbi_disease"

whole_corpus = pytest.mark.skipif(not (FULL / "data").is_dir(), reason="the whole corpus is not here")

COMPOSITE = """\
1|t|Breast and ovarian cancer.
1|a|Deafness with goitre is rare.
1\t0\t25\tBreast and ovarian cancer\tCompositeMention\tD001943|D010051
1\t27\t47\tDeafness with goitre\tSpecificDisease\tMESH:C536648 + OMIM:274600
"""


def test_the_sample_reads_in_the_order_of_the_file() -> None:
    examples = list(read_ncbi(SAMPLE_SOURCE / NCBI.files["test"]))
    assert len(examples) == 47
    assert len({one.document_id for one in examples}) == 5
    first, last = examples[0], examples[-1]
    assert (last.document_id, last.mention.surface, last.gold) == ("9733027", "FRDA", (("D005621",),))
    assert first.mention.text[first.mention.start : first.mention.end] == first.mention.surface


def test_a_corpus_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"holds 47 mentions; ncbi test as released has 960"):
        NCBI.load(SAMPLE_SOURCE, "test")
    with pytest.raises(FileNotFoundError, match="expected the train split of ncbi as released"):
        NCBI.load(SAMPLE_SOURCE, "train")
    with pytest.raises(ValueError, match="no split 'all'; expected one of train, dev, test"):
        NCBI.load(SAMPLE_SOURCE, "all")
    sample = dataclasses.replace(NCBI, expected_mentions={"test": 47})
    assert len(sample.load(SAMPLE_SOURCE, "test")) == 47


def test_bars_part_a_composite_mention_and_plus_signs_a_description(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(COMPOSITE)
    composite, description = read_ncbi(path)
    assert composite.gold == (("D001943",), ("D010051",))
    assert composite.concept_ids == ("D001943", "D010051")
    assert description.gold == (("C536648", "OMIM:274600"),)


@pytest.mark.parametrize("identifier", ["", "D001943|", "+D001943"])
def test_a_missing_identifier_is_an_error(tmp_path: Path, identifier: str) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(COMPOSITE.replace("D001943|D010051", identifier))
    with pytest.raises(ValueError, match=r"document 1, mention 'Breast and ovarian cancer' at 0: identifier"):
        list(read_ncbi(path))


@whole_corpus
@pytest.mark.parametrize(("split", "several"), [("train", 115), ("dev", 30), ("test", 15)])
def test_the_released_corpus_loads(split: str, several: int) -> None:
    examples = NCBI.load(FULL / "data" / "ncbi_disease", split)
    assert sum(len(one.concept_ids) > 1 for one in examples) == several


@whole_corpus
@pytest.mark.parametrize(("protocol", "percent"), [(STRICT, 50.42), (LENIENT, 52.08), (ANGEL, 74.17)])
def test_the_floor_of_exact_match_is_what_the_log_says(protocol: Protocol, percent: float) -> None:
    medic = KnowledgeBase.from_file(FULL / "data" / "kb" / "medic_06Jul2012.txt")
    task = prepare_task(NCBI, FULL / "data" / "ncbi_disease", "test", medic, protocol)
    result, _ = evaluate(ExactMatch(), task)
    assert result.mentions == 960
    assert result.accuracy_at[1] == pytest.approx(percent, abs=0.01)
