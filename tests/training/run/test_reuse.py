"""A run reuses the finished stages that its recipe would repeat unchanged."""

import os
import shutil

import pytest

from angel_hf.training.run.pipeline import run_recipe
from tests.training.small_recipe import TWO_STAGES, recipe


def test_folds_share_pretraining_that_reads_no_corpus(output, data, tmp_path):
    text = f"""
name = "folds"
description = "One pretraining for every fold."
seed = 1
data = {{knowledge_base = ["medic.txt"], name_weights = [2], train = ["train.txt"], dev = ["dev.txt"]}}
model = {{base = "{output / "model"}"}}
pretraining = {{steps = 3, batch_size = 4, learning_rate = 1e-3, mixture = {{context_share = 0.0}}}}
fine_tuning = {{steps = 3, batch_size = 4, learning_rate = 1e-3}}
"""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    run_recipe(recipe(tmp_path, text=text), data, first)
    run_recipe(recipe(tmp_path, "data.fold=1", text=text), data, second, reused=first)
    weights_of = [[run / stage / "finished/model.safetensors" for run in (first, second)] for stage in TWO_STAGES]
    assert [one.samefile(other) for one, other in weights_of] == [True, False]
    with_contexts = recipe(tmp_path, "data.fold=1", "pretraining.mixture.context_share=0.1", text=text)
    with pytest.raises(ValueError, match="first cannot be reused: data.fold was 0 and is 1"):
        run_recipe(with_contexts, data, third, reused=first)


def test_ways_of_learning_from_the_same_pairs_share_them(fine_tuned, data, tmp_path):
    one_round = ("preference.rounds=1",)
    run_recipe(recipe(data, *one_round), data, fine_tuned)
    pairs, start = "preference/round-1/mined/train.parquet", "preference/start.dev.json"
    for change, shared in (
        ('preference.method="likelihood"', True),
        ("preference.seed=5", True),
        ("adapter={rank=2, alpha=4}", True),
        ("preference.mining.top_k=2", False),
    ):
        path = tmp_path / change
        run_recipe(recipe(data, *one_round, change), data, path, reused=fine_tuned)
        assert [(path / name).samefile(fine_tuned / name) for name in (pairs, start)] == [shared, shared]
        assert (path / "preference/round-1/finished").is_dir()
    equal = tmp_path / "equal"
    run_recipe(recipe(data, *one_round), data, equal, reused=fine_tuned)
    assert (equal / "preference/finished/model.safetensors").samefile(
        fine_tuned / "preference/finished/model.safetensors"
    )


def test_what_a_stopped_run_has_finished_can_be_reused_and_is_resumed_after_another_stop(fine_tuned, data, tmp_path):
    """The start of preference training was measured, and nothing was mined; of the link to it there was no time."""
    one_round = ("preference.rounds=1",)
    run_recipe(recipe(data, *one_round), data, fine_tuned)
    shutil.rmtree(fine_tuned / "preference" / "round-1")
    path = tmp_path / "run"
    shutil.copytree(fine_tuned / "pretraining", path / "pretraining", copy_function=os.link)
    changed = recipe(data, *one_round, "preference.seed=5")
    run_recipe(changed, data, path, reused=fine_tuned)
    assert (path / "preference/start.dev.json").samefile(fine_tuned / "preference/start.dev.json")
    assert (path / "fine-tuning/finished").is_dir() and (path / "model").is_dir()


def test_what_is_changed_below_the_data_is_noticed(fine_tuned, data, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(data, changed)
    with (changed / "train.txt").open("a", encoding="utf-8") as file:
        file.write("\n")
    (fine_tuned / "recipe.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"holds the work of other data: train\.txt has changed since"):
        run_recipe(recipe(data), changed, fine_tuned)
