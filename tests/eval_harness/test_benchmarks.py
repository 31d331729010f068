from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval_harness.bad_records import BadRecords
from eval_harness.benchmark import Benchmark
from eval_harness.benchmarks import ASKAPATIENT, BC5CDR, BENCHMARKS, COMETA, MEDMENTIONS
from eval_harness.benchmarks.medmentions import TYPES
from eval_harness.cli import app
from eval_harness.corpus import open_corpus
from eval_harness.protocol import ANGEL
from eval_harness.result_file import RunDescription, read_results
from eval_harness.run import run_all
from tests.eval_harness.formats import write_askapatient, write_bc5cdr, write_cometa, write_medmentions, write_names
from tests.eval_harness.toy import Scripted

WRITERS: dict[str, tuple[Benchmark, Callable[[Path], Path]]] = {
    "bc5cdr": (BC5CDR, write_bc5cdr),
    "cometa": (COMETA, write_cometa),
    "askapatient": (ASKAPATIENT, write_askapatient),
    "medmentions": (MEDMENTIONS, write_medmentions),
}


def test_the_benchmarks_are_five_with_the_numbers_of_their_publications() -> None:
    assert [one.name for one in BENCHMARKS] == ["ncbi", "bc5cdr", "cometa", "askapatient", "medmentions"]
    test_mentions = {one.name: one.expected["test"] for one in BENCHMARKS}
    assert test_mentions["bc5cdr"] == (9809,)
    assert test_mentions["cometa"] == (4350,)
    assert sum(MEDMENTIONS.expected[split][0] for split in ("train", "dev", "test")) == 203_282
    assert len(TYPES) == 21
    for fold in range(10):
        assert sum(ASKAPATIENT.expected[split][fold] for split in ("train", "dev", "test")) == 17_324
    assert [one.name for one in BENCHMARKS if not one.redistributable] == ["cometa"]
    assert [one.name for one in BENCHMARKS if not one.names_redistributable] == ["cometa", "askapatient", "medmentions"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_release_of_another_size_is_refused(tmp_path: Path, name: str) -> None:
    benchmark, write = WRITERS[name]
    corpus = open_corpus(benchmark, write(tmp_path / name))
    fold = benchmark.folds[0]
    with pytest.raises(ValueError, match=rf"{name} test(?: fold 0)?: [0-9] mentions; released has [0-9,]+: results"):
        corpus.examples("test", fold)


@pytest.mark.parametrize("name", WRITERS)
def test_every_benchmark_runs_end_to_end_on_files_of_its_format(tmp_path: Path, name: str) -> None:
    _, write = WRITERS[name]
    source = write(tmp_path / name)
    names = [] if name == "askapatient" else ["--knowledge-base", str(write_names(tmp_path / "names.safetensors"))]
    given = ["run", "--benchmark", name, "--source", str(source), *names, "--sample"]
    asked = ["--predictor", "exact", "memory", "tfidf", "--protocol", "angel", "strict", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, [*given, *asked])
    assert ended.exit_code == 0, ended.output
    report = read_results(tmp_path / "out" / "results.json")
    accuracy = {(one.protocol.name, one.predictor): one.accuracy_at[1] for one in report.results}
    expected = {
        # Of five, one has no concept and one is composite.
        "bc5cdr": {"angel": 100 * 3 / 4, "strict": 100 * 3 / 5},
        "cometa": {"angel": 50.0, "strict": 50.0},
        "askapatient": {"angel": 50.0, "strict": 50.0},
        "medmentions": {"angel": 100.0, "strict": 100.0},
    }
    for protocol, percent in expected[name].items():
        assert accuracy[protocol, "exact"] == pytest.approx(percent, abs=1e-3)
    assert report.run.differences


def test_ten_folds_are_one_benchmark_with_mean_and_spread(tmp_path: Path) -> None:
    source = write_askapatient(tmp_path / "files")
    for fold in "012":
        file = source / f"AskAPatient.fold-{fold}.test.txt"
        file.write_text("193462001\tInsomnia\tinsomnia\n3877011000036101\tLipitor\tLipitor\n")
    given = ["run", "--benchmark", "askapatient", "--source", str(source), "--sample", "--predictor", "exact"]
    ended = CliRunner().invoke(app, [*given, "--protocol", "angel", "--out", str(tmp_path / "out")])
    assert ended.exit_code == 0, ended.output
    (result,) = read_results(tmp_path / "out" / "results.json").results
    assert [one.accuracy_at_1 for one in result.folds] == [100.0] * 3 + [50.0] * 7
    assert result.accuracy_at[1] == pytest.approx(65)
    assert result.accuracy_at_1_spread == pytest.approx((5250 / 9) ** 0.5, abs=1e-4)
    assert "65.0 ± 24.2" in ended.output

    (source / "AskAPatient.fold-4.test.txt").unlink()
    strict = [one for one in given if one != "--sample"]
    ended = CliRunner().invoke(app, [*strict, "--protocol", "angel", "--out", str(tmp_path / "no")])
    assert "AskAPatient.fold-4.test.txt is not there" in ended.output


class InSomeFolds(Scripted):
    """Answers in the folds of even number only."""

    def of_fold(self, fold: str) -> Scripted:
        return self if int(fold) % 2 == 0 else Scripted({})


def test_each_fold_is_answered_by_what_the_predictor_has_for_it(tmp_path: Path) -> None:
    source = write_askapatient(tmp_path / "files")
    corpus = open_corpus(ASKAPATIENT, source, allow_different=True)
    asked = {one.mention.surface: ["insomnia"] for fold in "0123456789" for one in corpus.examples("test", fold)}
    run = RunDescription("askapatient", "test", "released", "released", "", {}, (), {})
    report, _ = run_all(corpus, [InSomeFolds(asked)], [ANGEL], tmp_path / "out", run)
    (result,) = report.results
    answered = [one.accuracy_at_1 for one in result.folds]
    assert answered == [50.0, 0.0] * 5
    assert result.accuracy_at[1] == 25.0


def test_a_test_file_alone_is_a_difference_that_may_be_allowed(tmp_path: Path) -> None:
    source = write_bc5cdr(tmp_path / "cdr")
    for split in ("train", "dev"):
        (source / f"{split}_corpus.txt").unlink()
    names = ["--knowledge-base", str(write_names(tmp_path / "names.safetensors"))]
    given = ["run", "--benchmark", "bc5cdr", "--source", str(source), *names, "--predictor", "exact", "memory"]
    asked = ["--protocol", "angel", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, [*given, *asked, "--allow-different"]).exit_code == 0
    report = read_results(tmp_path / "out" / "results.json")
    assert "train: not there, so that nothing is learned from it" in report.run.differences
    assert [one.unanswered for one in report.results] == [1, 4]


def test_bc5cdr_keeps_the_parts_of_composites_and_mentions_without_a_concept(tmp_path: Path) -> None:
    path = write_bc5cdr(tmp_path / "cdr") / "test_corpus.txt"
    examples = list(BC5CDR.read(path, BadRecords()))
    assert [one.gold for one in examples[3:]] == [(), (("D003110",), ("D008113",))]
    assert [one.semantic_types for one in examples[:2]] == [("Chemical",), ("Disease",)]


def test_cometa_marks_a_term_in_its_sentence_or_before_it(tmp_path: Path) -> None:
    path = write_cometa(tmp_path / "cometa") / "splits" / "stratified_general" / "test.csv"
    throat, pills = COMETA.read(path, BadRecords())
    assert (throat.mention.surface, throat.mention.start, throat.gold) == ("throat", 3, (("49928004",),))
    assert (pills.mention.surface, pills.mention.text) == (
        "birth control pills",
        "birth control pills on the pill again",
    )
    assert throat.document_id != pills.document_id


def test_askapatient_is_latin_1_and_names_its_concepts(tmp_path: Path) -> None:
    source = write_askapatient(tmp_path / "files")
    corpus = open_corpus(ASKAPATIENT, source, allow_different=True)
    assert corpus.examples("train", "3")[0].mention.surface == "naïvely awake 3"
    assert corpus.ontology is not None
    assert sorted(corpus.ontology.concept_ids) == ["193462001", "3877011000036101"]


def test_medmentions_needs_the_corpus_beside_the_lists(tmp_path: Path) -> None:
    source = write_medmentions(tmp_path / "mm")
    path = source / "full" / "data" / "corpus_pubtator_pmids_test.txt"
    assert [one.document_id for one in MEDMENTIONS.read(path, BadRecords())] == ["25763774"] * 2
    path.write_text("25763774\n999\n")
    with pytest.raises(ValueError, match=r"pmids_test.txt:2: document '999' is not in corpus_pubtator.txt.gz"):
        list(MEDMENTIONS.read(path, BadRecords()))
    corpus = source / "st21pv" / "data" / "corpus_pubtator.txt.gz"
    corpus.write_bytes(corpus.read_bytes()[:-20])
    with pytest.raises(ValueError, match="not a whole gzip file"):
        list(MEDMENTIONS.read(path, BadRecords()))
    corpus.unlink()
    with pytest.raises(FileNotFoundError, match="expected the ST21pv corpus"):
        list(MEDMENTIONS.read(path, BadRecords()))


BAD_LINES = [
    ("bc5cdr", "test_corpus.txt", "toxicity\tDisease", "toxicology\tDisease", ":4: the text at 18:26 is 'toxicity'"),
    ("bc5cdr", "test_corpus.txt", "\t18\t26\t", "\t18\t", r":4: .*tab-separated fields|:4: end offset"),
    ("bc5cdr", "test_corpus.txt", "D064420", "MESH", r":4: document 8701015, mention 'toxicity' at 18: identifier"),
    ("cometa", "test.csv", "\t49928004\tStructure", "\tnone\tStructure", ":2: term 'Throat' with concept 'none'"),
    ("cometa", "test.csv", "\tmy throat hurts", "", ":2: 7 tab-separated cells; expected 8"),
    ("askapatient", "AskAPatient.fold-0.test.txt", "\tInsomnia", "", r":1: cells \['193462001', \"can't sleep\"\]"),
]


@pytest.mark.parametrize(("name", "file", "old", "new", "message"), BAD_LINES)
def test_a_malformed_line_is_an_error_or_is_left_out_and_listed(
    tmp_path: Path, name: str, file: str, old: str, new: str, message: str
) -> None:
    benchmark, write = WRITERS[name]
    (path,) = write(tmp_path / name).rglob(file)
    text = path.read_text(encoding="latin-1")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="latin-1")
    with pytest.raises(ValueError, match=f"{file}{message}"):
        list(benchmark.read(path, BadRecords()))
    bad = BadRecords(skip=True)
    kept = list(benchmark.read(path, bad))
    assert len(bad.records) == 1
    # A document, a row or a single annotation is left out; other rows stay.
    assert len(kept) in ((0, 4) if name == "bc5cdr" else (1,))


def test_a_document_that_comes_twice_is_refused_or_listed(tmp_path: Path) -> None:
    path = write_bc5cdr(tmp_path / "cdr") / "test_corpus.txt"
    path.write_text(path.read_text() * 2)
    with pytest.raises(ValueError, match=r"test_corpus.txt:10: document 8701015 again"):
        list(BC5CDR.read(path, BadRecords()))
    bad = BadRecords(skip=True)
    assert len(list(BC5CDR.read(path, bad))) == 5
    assert len(bad.records) == 1


def test_a_document_in_another_encoding_is_refused_or_listed(tmp_path: Path) -> None:
    path = write_bc5cdr(tmp_path / "cdr") / "test_corpus.txt"
    path.write_bytes(path.read_bytes().replace(b"newborn", b"n\xe9wborn"))
    with pytest.raises(ValueError, match=r"test_corpus.txt:1: document 8701015 is not UTF-8"):
        list(BC5CDR.read(path, BadRecords()))
    cometa = write_cometa(tmp_path / "cometa") / "splits" / "stratified_general" / "test.csv"
    cometa.write_bytes(cometa.read_bytes().replace(b"hurts", b"h\xfcrts"))
    with pytest.raises(ValueError, match=r"test.csv:2: not utf-8"):
        list(COMETA.read(cometa, BadRecords()))
    bad = BadRecords(skip=True)
    assert len(list(COMETA.read(cometa, bad))) == 1
    assert [record.line for record in bad.records] == [2]


def test_the_full_medmentions_corpus_is_told_from_st21pv(tmp_path: Path) -> None:
    source = write_medmentions(tmp_path / "mm")
    corpus = source / "st21pv" / "data" / "corpus_pubtator.txt.gz"
    corpus.unlink()
    record = "25763774|t|Wednesday\n25763774|a|again\n25763774\t0\t9\tWednesday\tT079\tUMLS:C0585025\n"
    corpus.with_suffix("").write_text(record)
    with pytest.raises(ValueError, match=r"semantic type 'T079'; expected those of ST21pv: is this the full corpus\?"):
        list(MEDMENTIONS.read(source / "full" / "data" / "corpus_pubtator_pmids_test.txt", BadRecords()))


def test_a_corpus_without_any_known_concept_is_refused(tmp_path: Path) -> None:
    source = write_cometa(tmp_path / "cometa")
    names = ["--knowledge-base", str(Path(__file__).parent / "sample" / "medic.txt")]
    given = ["run", "--benchmark", "cometa", "--source", str(source), *names, "--sample", "--predictor", "exact"]
    ended = CliRunner().invoke(app, [*given, "--protocol", "angel", "--out", str(tmp_path / "out")])
    assert ended.exit_code == 2
    assert "the knowledge base has none of the concepts of 2 mentions" in ended.output
    without = [*given[:5], *given[7:], "--protocol", "angel", "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, without)
    assert "needs a knowledge base of the ontology's own names" in ended.output
    assert "both need an agreement" in ended.output
