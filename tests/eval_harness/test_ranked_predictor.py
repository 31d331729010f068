"""`angel` is the published search whatever a model carries, and `angel-ranked` what `link` answers."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from angel_hf import AngelForEntityLinking, KnowledgeBase, Linked, Mention
from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.search import BeamSearch
from eval_harness import benchmarks
from eval_harness.cli import app
from eval_harness.corpus import Corpus
from eval_harness.example import Query
from eval_harness.predictors import Angel, AngelRanked, AngelVerbatim
from eval_harness.predictors.parse import model_of, parse_predictor
from eval_harness.result_file import read_results
from tests.conftest import SAMPLE
from tests.eval_harness.toy import COLD, COLOUR

TINY = SAMPLE / "reference" / "tiny"
MENTIONS = [Mention(text, 0, len(text)) for text in ("cold", "nasal catarrh", "colour blindness", "COPD")]
RANKING = Ranking(Weights(0.5, 2.0, 9.0, 1.0), Memory({"nasal catarrh": {COLD: 1}, "colour blindness": {COLOUR: 1}}))


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a ranking."""
    folder = tmp_path_factory.mktemp("model") / "ranked"
    model = AngelForEntityLinking.from_pretrained(TINY)
    model.ranking = RANKING
    model.save_pretrained(folder)
    return folder


def answers(predictor: Angel, knowledge_base: KnowledgeBase) -> list[Linked]:
    predictor.prepare(knowledge_base, (), [Query(one, "1") for one in MENTIONS])
    return predictor.predict(MENTIONS)


def test_the_published_predictors_heed_no_ranking(knowledge_base: KnowledgeBase, ranked: Path) -> None:
    for kind in (Angel, AngelVerbatim):
        published = answers(kind(str(TINY), num_beams=5), knowledge_base)
        assert answers(kind(str(ranked), num_beams=5), knowledge_base) == published
        assert all(one.because == "" for linked in published for one in linked.candidates)


def test_the_ranked_predictor_answers_as_link_does(knowledge_base: KnowledgeBase, ranked: Path) -> None:
    model = AngelForEntityLinking.from_pretrained(ranked).eval()
    model.set_knowledge_base(knowledge_base)
    found = answers(AngelRanked(str(ranked), num_beams=5), knowledge_base)
    assert found == model.link(MENTIONS, 5, BeamSearch(5))
    assert found != answers(Angel(str(ranked), num_beams=5), knowledge_base)
    assert COLD in found[1].candidates[0].concept_ids and COLOUR in found[2].candidates[0].concept_ids
    assert found[1].candidates[0].because == "memory"


def test_of_a_model_without_a_ranking_both_answer_alike(knowledge_base: KnowledgeBase) -> None:
    published = answers(Angel(str(TINY), num_beams=5), knowledge_base)
    assert answers(AngelRanked(str(TINY), num_beams=5), knowledge_base) == published


def test_a_ranking_is_a_part_of_what_a_ranked_predictor_is(ranked: Path) -> None:
    published, own = Angel(str(ranked), name="x"), AngelRanked(str(ranked), name="x")
    assert published.identity == Angel(str(TINY), name="x").identity
    assert own.identity not in (published.identity, AngelRanked(str(TINY), name="x").identity)
    before = own.identity
    own.linker.ranking = RANKING.remembering([("cold", (COLD,))])
    assert own.identity != before
    own.linker.ranking = RANKING
    assert own.identity == before


@pytest.mark.parametrize(
    ("spec", "name"), [("angel-ranked", "angel-ranked"), ("angel-ranked:{}", "angel-ranked-ranked")]
)
def test_a_ranked_predictor_is_named_on_the_command_line(ranked: Path, spec: str, name: str) -> None:
    predictor = parse_predictor(spec.format(ranked), str(ranked), num_beams=5)
    assert type(predictor) is AngelRanked
    assert (predictor.name, model_of(predictor), predictor.num_beams) == (name, str(ranked), 5)


def test_each_fold_of_a_ranked_predictor_has_its_own_ranking(ranked: Path, tmp_path: Path) -> None:
    (tmp_path / "run-0").symlink_to(ranked)
    (tmp_path / "run-1").symlink_to(TINY)
    folded = parse_predictor("angel-ranked", str(tmp_path / "run-{fold}"), num_beams=5, folds=("0", "1"))
    assert isinstance(folded, AngelRanked)
    members = [folded.of_fold(fold) for fold in "01"]
    assert [type(one) for one in members] == [AngelRanked, AngelRanked]
    assert [one.linker.ranking for one in members] == [RANKING, None]
    others = parse_predictor("angel-ranked", str(tmp_path / "run-{fold}"), num_beams=5, folds=("0",))
    assert folded.identity != others.identity


def test_a_run_reports_both(corpus: Corpus, source: Path, ranked: Path, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (corpus.benchmark,))
    out = tmp_path / "out"
    arguments = ["run", "--benchmark", "toy", "--source", str(source), "--protocol", "strict", "--out", str(out)]
    arguments += ["--knowledge-base", str(source.parent / "ontology.safetensors"), "--model", str(ranked)]
    ended = CliRunner().invoke(app, [*arguments, "--predictor", "angel", "angel-ranked"])
    assert ended.exit_code == 0, ended.output
    results = {one.predictor: one.accuracy_at[1] for one in read_results(out / "results.json").results}
    assert set(results) == {"angel", "angel-ranked"}
    assert results["angel-ranked"] > results["angel"], "what it remembers is in the test set"
