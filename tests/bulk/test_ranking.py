"""Bulk linking with ranking stages: as the model alone, and resumed with the same ranking only."""

import json
from dataclasses import replace

import pytest

from angel_hf import AngelForEntityLinking, Mention
from angel_hf.bulk.output import MANIFEST
from angel_hf.ranking.memory import Memory
from angel_hf.ranking.ranking import Ranking, Weights
from angel_hf.search import BeamSearch
from tests.bulk_world import contents, documents, linked_rows, run_locally, save_model, shards, write

RANKING = Ranking(Weights(0.5, 2.0, 3.0, 0.5), Memory({"ataxie": {"X1": 1}, "fever": {"D001260": 2, "X1": 1}}))


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("bare"))


def ranked(folder, bare, ranking=RANKING):
    """The same model with a ranking, in a folder of its own."""
    model = AngelForEntityLinking.from_pretrained(bare)
    model.ranking = ranking
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def model(tmp_path, bare):
    return ranked(tmp_path / "ranked", bare)


@pytest.mark.parametrize("options", [{}, {"context_tokens": 0}, {"batch_size": 3}], ids=str)
def test_each_mention_gets_what_the_model_answers_for_it_alone(tmp_path, model, bare, options):
    rows = documents(30)
    source = write(tmp_path / "in.parquet", rows)
    run_locally(source, tmp_path / "out", model, window=7, top_k=3, search=BeamSearch(4), **options)
    linker = AngelForEntityLinking.from_pretrained(model).eval()
    mentions = [Mention(row["text"], span["start"], span["end"]) for row in rows for span in row["spans"]]
    context = options.get("context_tokens")
    alone = [linker.link(one, 3, BeamSearch(4), context_tokens=context) for one in mentions]
    found = linked_rows(tmp_path / "out")
    assert [one["surface"] for one in found] == [one.surface for one in mentions]
    for got, expected in zip(found, alone, strict=True):
        assert [one["name"] for one in got["candidates"]] == [one.name for one in expected.candidates]
        assert [one["concept_ids"] for one in got["candidates"]] == [
            list(one.concept_ids) for one in expected.candidates
        ]
        scores = [one.score for one in expected.candidates]
        assert [one["score"] for one in got["candidates"]] == pytest.approx(scores, abs=1e-5)
    run_locally(source, tmp_path / "plain", bare, window=7, top_k=3, search=BeamSearch(4), **options)
    assert [one["name"] for one in linked_rows(tmp_path / "plain")] != [one["name"] for one in found]


def test_a_run_goes_on_with_the_same_ranking_to_the_same_bytes(tmp_path, model):
    source = write(tmp_path / "in.parquet", documents(20))
    run_locally(source, tmp_path / "out", model, window=5, search=BeamSearch(2))
    whole = contents(tmp_path / "out")
    shards(tmp_path / "out")[1].unlink()
    reports, _ = run_locally(source, tmp_path / "out", model, window=5, search=BeamSearch(2))
    assert len(reports) == 1
    assert contents(tmp_path / "out") == whole
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["model"]["ranking"]


@pytest.mark.parametrize(
    "other",
    [
        None,
        replace(RANKING, weights=replace(RANKING.weights, similarity=2.5)),
        replace(RANKING, proposals=5),
        replace(RANKING, neighbours=2),
        RANKING.remembering([("fever", ("X1",))]),
        Ranking(RANKING.weights),
    ],
    ids=("none", "weights", "proposals", "neighbours", "remembered", "forgotten"),
)
def test_a_run_with_another_ranking_is_not_gone_on_with(tmp_path, model, bare, other):
    source = write(tmp_path / "in.parquet", documents(10))
    run_locally(source, tmp_path / "out", model, window=5, search=BeamSearch(2))
    before = contents(tmp_path / "out")
    with pytest.raises(ValueError, match="holds the work of another run: model.ranking was '.*' and is (None|'.*')"):
        run_locally(source, tmp_path / "out", ranked(tmp_path / "other", bare, other), window=5, search=BeamSearch(2))
    assert contents(tmp_path / "out") == before


def test_a_run_of_a_published_model_is_not_gone_on_with_once_it_remembers(tmp_path, bare):
    source = write(tmp_path / "in.parquet", documents(10))
    model = AngelForEntityLinking.from_pretrained(bare).eval()
    run_locally(source, tmp_path / "out", model, search=BeamSearch(2))
    model.remember([Mention("fever", 0, 5)], ["X1"])
    with pytest.raises(ValueError, match="another run: model.ranking was None and is '"):
        run_locally(source, tmp_path / "out", model, search=BeamSearch(2))
