"""Preference training in rounds: each mines its part, and the best on dev is kept."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
from datasets import load_from_disk
from safetensors.torch import load_file

from angel_hf.training.model.accuracy import Accuracy
from angel_hf.training.positive.stages import fine_tune
from angel_hf.training.preference import stage as preference_stage
from angel_hf.training.preference.reference import with_reference
from angel_hf.training.run.pipeline import run_recipe
from tests.training.small_recipe import recipe


def test_each_round_mined_its_part_from_every_source(output):
    documents = set()
    for number in (1, 2):
        rows = pq.read_table(output / "preference" / f"round-{number}" / "mined" / "train.parquet").to_pylist()
        assert {row["source"] for row in rows} == {"train", "knowledge-base"}
        own = {row["document_id"] for row in rows if row["source"] == "train"}
        assert len(own) == 1
        documents |= own
        assert not list((output / "preference" / f"round-{number}").glob("*.parquet"))
    assert documents == {"7", "8"}


def test_the_best_round_by_its_own_score_is_kept(fine_tuned, data, monkeypatch):
    """The score of a round is that of the model after it; the start takes part, and of equals the earlier is kept."""
    scores = iter([50.0, 70.0, 70.0])
    monkeypatch.setattr(preference_stage, "_score", lambda *_: next(scores))
    run_recipe(recipe(data), data, fine_tuned)
    stage = fine_tuned / "preference"
    kept, first, second = (
        (stage / name / "model.safetensors").read_bytes()
        for name in ("finished", "round-1/finished", "round-2/finished")
    )
    assert kept == first != second


def test_what_is_measured_of_a_round_is_what_it_leaves(output, fine_tuned, data, monkeypatch):
    """The score goes by the weights: measured before it trains, the second round would have the first one's score."""

    def embeddings(directory):
        return load_file(directory / "model.safetensors")["model.shared.weight"].numpy().tobytes()

    def of_the_weights(model, mentions):
        at_1 = score_of[model.model.shared.weight.detach().numpy().tobytes()]
        return Accuracy(len(mentions), at_1, at_1)

    states = ("start", "round-1/finished", "round-2/finished")
    # The same recipe ran before, to the same weights.
    score_of = {
        embeddings(output / "preference" / name): at_1 for name, at_1 in zip(states, (50.0, 70.0, 60.0), strict=True)
    }
    assert len(score_of) == 3
    monkeypatch.setattr(preference_stage, "accuracy", of_the_weights)
    run_recipe(recipe(data), data, fine_tuned)
    stage = fine_tuned / "preference"
    assert embeddings(stage / "finished") == embeddings(stage / "round-1" / "finished")
    measured = [json.loads((stage / f"{name}.dev.json").read_text(encoding="utf-8"))["at_1"] for name in states]
    assert measured == [50.0, 70.0, 60.0]


def test_the_last_round_is_kept_where_the_recipe_says_so(fine_tuned, data, monkeypatch):
    scores = iter([50.0, 40.0, 30.0])
    monkeypatch.setattr(preference_stage, "_score", lambda *_: next(scores))
    run_recipe(recipe(data, 'preference.keep="last"'), data, fine_tuned)
    stage = fine_tuned / "preference"
    kept, last = (stage / name / "model.safetensors" for name in ("finished", "round-2/finished"))
    assert kept.read_bytes() == last.read_bytes()


def test_nothing_is_measured_where_nothing_depends_on_it(fine_tuned, data, monkeypatch):
    monkeypatch.setattr(preference_stage, "_score", lambda *_: pytest.fail("measured"))
    run_recipe(recipe(data, 'preference.keep="last"', "preference.rounds=1"), data, fine_tuned)
    assert json.loads((fine_tuned / "results.json").read_text(encoding="utf-8"))["dev"]["mentions"] == 5


def test_another_seed_of_the_stage_changes_the_order_of_the_same_pairs(fine_tuned, data, tmp_path):
    rows, mined = [], []
    for seed in ("", "preference.seed=1", "preference.seed=2"):
        path = tmp_path / (seed or "the recipe's")
        shutil.copytree(fine_tuned, path)
        run_recipe(recipe(data, "preference.rounds=1", "preference.steps=6", *filter(None, [seed])), data, path)
        mined.append(pq.read_table(path / "preference/round-1/mined/train.parquet"))
        rows.append(load_from_disk(str(path / "preference/round-1/pairs"))[:])
    assert mined[0].equals(mined[1]) and mined[0].equals(mined[2])
    assert rows[0] == rows[1]
    assert rows[0]["chosen_ids"] != rows[2]["chosen_ids"]
    # A pair has the same reference wherever it stands.
    references = [
        {str(row[:3]): row[3] for row in zip(one["input_ids"], one["chosen_ids"], one["rejected_ids"], pairs)}
        for one in (rows[0], rows[2])
        for pairs in [one["reference_chosen"]]
    ]
    shared = references[0].keys() & references[1].keys()
    assert shared
    assert [references[0][key] for key in shared] == pytest.approx([references[1][key] for key in shared], abs=1e-5)


def test_rounds_without_a_gain_end_the_stage(fine_tuned, data, monkeypatch):
    scores = iter([50.0, 40.0])
    monkeypatch.setattr(preference_stage, "_score", lambda *_: next(scores))
    run_recipe(recipe(data, "preference.patience=1"), data, fine_tuned)
    stage = fine_tuned / "preference"
    assert not (stage / "round-2").exists()
    assert (stage / "finished" / "model.safetensors").read_bytes() == (
        stage / "start" / "model.safetensors"
    ).read_bytes()


def test_models_of_the_folds_mine_what_they_never_saw(fine_tuned, data, monkeypatch):
    path = fine_tuned
    changes = ('preference.mining.sources=["cross-fitted"]', "preference.mining.folds=2", "preference.rounds=1")
    learned_from = []

    def spy(materials, model, stage, mentions, fold_path):
        learned_from.append({annotated.document_id for annotated in mentions})
        fine_tune(materials, model, stage, mentions, fold_path)

    monkeypatch.setattr(preference_stage, "fine_tune", spy)
    run_recipe(recipe(data, *changes), data, path)
    rows = pq.read_table(path / "preference" / "round-1" / "mined" / "train.parquet").to_pylist()
    assert {row["source"] for row in rows} == {"cross-fitted"}
    mined = list(dict.fromkeys(row["document_id"] for row in rows))
    assert sorted(mined) == ["7", "8"]
    # The first model of two learned from the document that the second mined, and the other way round.
    assert learned_from == [{mined[1]}, {mined[0]}]
    for number in (0, 1):
        assert (path / "cross-fitting" / "2-folds" / f"without-fold-{number}" / "finished").is_dir()


def test_rounds_use_the_same_models_of_the_folds(fine_tuned, data):
    """Folds are of the whole corpus, so a round of one document has models that learned from the other."""
    changes = ('preference.mining.sources=["cross-fitted"]', "preference.mining.folds=2", 'preference.keep="last"')
    run_recipe(recipe(data, *changes), data, fine_tuned)
    rounds = [fine_tuned / f"preference/round-{number}/mined/train.parquet" for number in (1, 2)]
    mined = [{row["document_id"] for row in pq.read_table(path).to_pylist()} for path in rounds]
    assert sorted(map(sorted, mined)) == [["7"], ["8"]]
    assert len(list((fine_tuned / "cross-fitting" / "2-folds").iterdir())) == 2


def test_pairs_of_a_stopped_run_in_another_number_of_processes_are_mined_again(fine_tuned, output, data):
    """Its first process had mined its share, a part of all pairs."""
    whole, stopped = (path / "preference/round-1" for path in (output, fine_tuned))
    stopped.mkdir(parents=True)
    pairs = pq.read_table(whole / "mined/train.parquet")
    pq.write_table(pairs.slice(0, 1), stopped / "mined.train.0-of-2.parquet")
    run_recipe(recipe(data), data, fine_tuned)
    assert pq.read_table(stopped / "mined/train.parquet").equals(pairs)
    assert not list(stopped.glob("*.parquet"))


def test_the_reference_computes_in_what_training_computes_in(fine_tuned, data, monkeypatch):
    def spy(model, rows, collator, bf16):
        seen.append(bf16)
        return with_reference(model, rows, collator, bf16)

    seen = []
    monkeypatch.setattr(preference_stage, "with_reference", spy)
    monkeypatch.setattr("angel_hf.training.stage.trainer.has_bfloat16", lambda device: True)
    run_recipe(recipe(data, "preference.rounds=1", "preference.bf16=true"), data, fine_tuned)
    assert seen == [True]
