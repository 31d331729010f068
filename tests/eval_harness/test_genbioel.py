import json
from pathlib import Path

import pytest

from eval_harness.bad_records import BadRecords
from eval_harness.benchmarks import ASKAPATIENT, NCBI
from eval_harness.corpus import Corpus, open_corpus
from eval_harness.prediction_file import Origin
from eval_harness.predictors import ExactMatch, Memory
from eval_harness.predictors.predictor import Predictor
from eval_harness.protocol import ANGEL, LENIENT, Protocol
from eval_harness.result import summarise
from eval_harness.sources.genbioel import read_split
from eval_harness.task import prepare_task
from tests.conftest import FULL
from tests.eval_harness.toy import answer

SAMPLE = Path(__file__).parent / "sample"
ROWS = SAMPLE / "genbioel"

whole_corpus = pytest.mark.skipif(not (FULL / "data").is_dir(), reason="the whole corpus is not here")


def sample() -> Corpus:
    return open_corpus(NCBI, ROWS, knowledge_base_files=[SAMPLE / "medic.txt"], allow_different=True)


def test_rows_are_the_files_byte_for_byte() -> None:
    examples = sample().examples("test")
    lines = [json.loads(line)[0] for line in (ROWS / "test.source").read_text().splitlines()]
    for example, line in zip(examples, lines, strict=True):
        left, right = example.mention.text[: example.mention.start], example.mention.text[example.mention.end :]
        assert f"{left}START {example.mention.surface} END{right}" == line
    labels = (ROWS / "testlabel.txt").read_text().splitlines()
    assert ["|".join(one.concept_ids).replace("OMIM:", "") for one in examples] == labels


def test_rows_of_one_document_are_told_by_their_words() -> None:
    corpus = sample()
    assert len({one.document_id for one in corpus.examples("test")}) == 6
    assert len({one.document_id for one in corpus.examples("dev")}) == 4


def test_dev_is_taken_out_of_the_training_file_unless_it_may_be_used() -> None:
    corpus = sample()
    train, both = (corpus.learnable(splits, "test") for splits in (("train",), ("train", "dev")))
    dev = [one for one in corpus.examples("dev") if not one.is_composite]
    assert (len(both), len(train)) == (89, 89 - len(dev))
    on_dev = corpus.learnable(("train", "dev"), "dev")
    assert len(on_dev) == len(train)


def test_the_published_knowledge_base_is_theirs_and_the_ontology_is_given() -> None:
    corpus = sample()
    angel, lenient = (prepare_task(corpus, "test", protocol) for protocol in (ANGEL, LENIENT))
    theirs = json.loads((ROWS / "target_kb.json").read_text())
    assert angel.knowledge_base.num_concepts == len(theirs)
    assert all(concept_id.startswith(("C", "D", "OMIM:")) for concept_id in angel.knowledge_base.concept_ids)
    assert lenient.knowledge_base.fingerprint == corpus.ontology.fingerprint  # type: ignore[union-attr]
    without = open_corpus(NCBI, ROWS, allow_different=True)
    with pytest.raises(
        ValueError, match="lenient on ncbi test needs a knowledge base of the ontology's own names; the"
    ):
        prepare_task(without, "test", LENIENT)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("test.source", '["no markers here"]', "test.source:1: 'no markers here' has no mention between START and END"),
        ("test.source", "{", "test.source:1: not JSON"),
        ("test.source", '"START x END"', "test.source:1: .* expected a JSON list of texts"),
    ],
)
def test_a_malformed_row_is_named_with_its_line(tmp_path: Path, file: str, line: str, message: str) -> None:
    (tmp_path / "test.source").write_text(f'{line}\n["START gout END"]\n')
    (tmp_path / "testlabel.txt").write_text("D1\nD2\n")
    with pytest.raises(ValueError, match=message):
        list(read_split(tmp_path, "test", NCBI, BadRecords()))
    bad = BadRecords(skip=True)
    (kept,) = read_split(tmp_path, "test", NCBI, bad)
    assert (kept.mention.surface, kept.gold, len(bad.records)) == ("gout", (("D2",),), 1)


def test_rows_without_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test.source").write_text('["START gout END"]\n')
    (tmp_path / "testlabel.txt").write_text("")
    with pytest.raises(ValueError, match="1 rows with 0 labels in testlabel.txt"):
        list(read_split(tmp_path, "test", NCBI, BadRecords()))
    (tmp_path / "testlabel.txt").unlink()
    with pytest.raises(FileNotFoundError, match="testlabel.txt is not there"):
        list(read_split(tmp_path, "test", NCBI, BadRecords()))


def accuracy(predictor: Predictor, corpus: Corpus, protocol: Protocol, folder: Path, fold: str = "") -> float:
    task = prepare_task(corpus, "test", protocol, fold)
    made_by = Origin(corpus.benchmark.name, "test", predictor.name, protocol.name, predictor.score_kind, "0")
    return summarise(answer(predictor, task, folder), made_by, protocol).accuracy_at[1]


@whole_corpus
def test_exact_match_on_the_published_rows_is_the_published_floor(tmp_path: Path) -> None:
    data = FULL / "data"
    medic = [data / "kb" / "medic_06Jul2012.txt"]
    corpus = open_corpus(NCBI, data / "genbioel" / "ncbi", knowledge_base_files=medic)
    assert accuracy(ExactMatch(), corpus, ANGEL, tmp_path / "a") == pytest.approx(78.1, abs=0.05)
    assert accuracy(ExactMatch(), corpus, LENIENT, tmp_path / "b") == pytest.approx(60.2, abs=0.05)
    assert len({one.document_id for one in corpus.examples("test")}) == 100


@whole_corpus
@pytest.mark.parametrize("fold", ["0", "9"])
def test_the_floors_of_an_askapatient_fold_are_the_known_ones(tmp_path: Path, fold: str) -> None:
    corpus = open_corpus(ASKAPATIENT, FULL / "data" / "genbioel" / "aap")
    assert 42 <= round(accuracy(ExactMatch(), corpus, ANGEL, tmp_path / "exact", fold)) <= 45
    assert 65 <= round(accuracy(Memory(), corpus, ANGEL, tmp_path / "memory", fold)) <= 67
