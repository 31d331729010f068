"""A recipe runs from its files to a model that links, and resumes where it was stopped."""

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from angel_hf import AngelForEntityLinking
from angel_hf.search import BeamSearch
from angel_hf.training.recipes.reading import read_recipe
from angel_hf.training.run.pipeline import check_devices, run_recipe
from angel_hf.training.weights_only import write_weights_only
from tests.training.small_recipe import RECIPE, recipe, weights


def test_the_model_links_and_its_accuracy_is_noted(output, mentions):
    model = AngelForEntityLinking.from_pretrained(output / "model")
    (linked,) = model.link([mentions[0].mention], top_k=3, search=BeamSearch(3))
    assert len(linked.candidates) == 3
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    assert results["recipe"] == "small" and results["dev"]["mentions"] == 5
    assert model.processor.max_source_length == 32


def test_the_recipe_for_ones_own_corpus_runs_whole(data, tmp_path):
    own = {"medic.txt": "names.txt", "train.txt": "train.pubtator", "dev.txt": "dev.pubtator"}
    for name, as_recipe in own.items():
        shutil.copy(data / name, tmp_path / as_recipe)
    few = ["steps=2", "batch_size=2"]
    changes = [f"{stage}.{change}" for stage in ("fine_tuning", "preference") for change in few]
    run_recipe(read_recipe("own_corpus", changes), tmp_path, tmp_path / "run")
    mined = pq.read_table(tmp_path / "run" / "preference" / "round-1" / "mined" / "train.parquet")
    assert set(mined["source"].to_pylist()) == {"train", "knowledge-base"}
    assert json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))["dev"]["mentions"] == 5
    model = AngelForEntityLinking.from_pretrained(tmp_path / "run" / "model")
    assert model.knowledge_base.num_concepts == 5


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_corpus_of_other_identifiers_is_refused_before_anything_is_trained(data, tmp_path, split):
    shutil.copytree(data, tmp_path / "data")
    text = (data / f"{split}.txt").read_text(encoding="utf-8")
    renamed = re.sub(r"(MESH:|OMIM:| )?D?(\d+)(\|D5)?$", r"DOID:\2", text, flags=re.MULTILINE)
    (tmp_path / "data" / f"{split}.txt").write_text(renamed, encoding="utf-8")
    cause = rf"{split}: 0 of \d+ mentions have .* it lacks DOID:.*; expected identifiers of the knowledge base, as D1"
    with pytest.raises(ValueError, match=cause):
        run_recipe(recipe(tmp_path), tmp_path / "data", tmp_path / "run")
    assert not (tmp_path / "run" / "pretraining").exists()


@pytest.mark.parametrize(
    "lost",
    [
        ["model", "results.json"],
        ["model", "preference/finished", "preference/round-2/finished", "preference/round-2/pairs"],
        ["model", "preference", "fine-tuning/finished"],
        ["model", "preference", "fine-tuning", "pretraining", "tokenizer", "development"],
    ],
    ids=["model", "second-round", "fine-tuning", "everything"],
)
def test_a_stopped_run_ends_as_an_unbroken_one(output, data, tmp_path, lost):
    path = tmp_path / "output"
    shutil.copytree(output, path)
    for name in lost:
        target = path / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    run_recipe(recipe(data), data, path)
    for (name, expected), actual in zip(weights(output).items(), weights(path).values(), strict=True):
        assert torch.equal(expected, actual), name


def test_new_adapters_are_the_same_in_a_resumed_run(fine_tuned, data, tmp_path):
    changes = ("adapter={rank=2, alpha=4}", "preference.rounds=1", 'preference.keep="last"')
    paths = fine_tuned, tmp_path / "again"
    # One run comes to its adapters from fine-tuning, and random numbers that this has left behind.
    shutil.rmtree(fine_tuned / "fine-tuning")
    run_recipe(recipe(data, *changes), data, paths[0])
    shutil.copytree(fine_tuned, paths[1], ignore=shutil.ignore_patterns("preference", "adapter", "base", "model"))
    run_recipe(recipe(data, *changes), data, paths[1])
    one, other = ((path / "adapter" / "adapter_model.safetensors").read_bytes() for path in paths)
    assert one == other


def test_adapters_are_left_beside_the_model_and_its_base(fine_tuned, data, monkeypatch):
    path = fine_tuned
    changes = (
        "adapter.rank=2",
        "adapter.alpha=4",
        "preference.learning_rate=1e-2",
        'preference.keep="last"',
    )
    # As a user names it, and from where nobody will load it.
    monkeypatch.chdir(path.parent)
    run_recipe(recipe(data, *changes), data, Path(path.name))
    monkeypatch.chdir("/")
    config = json.loads((path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["peft_type"], config["r"]) == ("LORA", 2)
    assert Path(config["base_model_name_or_path"]) == path / "base"
    base = AngelForEntityLinking.from_pretrained(path / "base")
    assert base.knowledge_base is not None
    adapted, whole = (AngelForEntityLinking.from_pretrained(path / name).eval() for name in ("adapter", "model"))
    assert adapted.trie.fingerprint == whole.trie.fingerprint
    ids, decoder = torch.tensor([[0, 10, 11, 2]]), torch.tensor([[2, 12, 13]])
    with torch.no_grad():
        logits = [one(input_ids=ids, decoder_input_ids=decoder).logits for one in (base.eval(), adapted, whole)]
    torch.testing.assert_close(logits[1], logits[2], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(logits[0], logits[1], atol=1e-3)


def test_a_short_recipe_fine_tunes_a_finished_model_on_another_corpus(output, data, tmp_path):
    """Shape, vocabulary and the way of marking mentions are those of the model."""
    short = """
name = "own"
description = "A user's own names and texts."
seed = 1
data = {knowledge_base = ["medic.txt"], train = ["dev.txt"], dev = ["train.txt"]}
fine_tuning = {steps = 3, batch_size = 4, learning_rate = 1e-3}
"""
    text = short + f'model = {{base = "{output / "model"}"}}\n'
    run_recipe(recipe(tmp_path, text=text), data, tmp_path / "own")
    before, after = (AngelForEntityLinking.from_pretrained(path / "model") for path in (output, tmp_path / "own"))
    assert after.processor.max_source_length == before.processor.max_source_length == 32
    assert after.processor.fingerprint == before.processor.fingerprint
    assert after.config.d_model == 32 and not (tmp_path / "own" / "tokenizer").exists()
    assert not torch.equal(before.model.shared.weight, after.model.shared.weight)
    torch.testing.assert_close(before.model.shared.weight, after.model.shared.weight, atol=2e-2, rtol=0)


def test_a_recipe_may_start_from_weights_that_go_with_the_files_of_another_model(output, data, tmp_path):
    """Preference training alone, from a stage of another run; and no stage at all, which leaves the model as it is."""
    write_weights_only(output / "fine-tuning" / "finished", str(output / "model"), tmp_path / "weights")
    start = (f'model={{base="{tmp_path / "weights"}"}}', "pretraining={}", "fine_tuning={}")
    run_recipe(recipe(data, *start, "preference={}"), data, tmp_path / "as it is")
    last = recipe(data, *start, 'preference.keep="last"')
    run_recipe(last, data, tmp_path / "preference", reused=tmp_path / "as it is")
    weights, same, preferred, whole = (
        AngelForEntityLinking.from_pretrained(path)
        for path in (tmp_path / "weights", tmp_path / "as it is/model", tmp_path / "preference/model", output / "model")
    )
    assert torch.equal(weights.model.shared.weight, same.model.shared.weight)
    assert not torch.equal(same.model.shared.weight, preferred.model.shared.weight)
    assert same.processor.fingerprint == whole.processor.fingerprint
    assert same.processor.max_source_length == whole.processor.max_source_length


def test_several_gpus_need_a_process_each(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    check_devices(4)
    with pytest.raises(ValueError, match="one process and 4 GPUs; .* torchrun --nproc-per-node 4"):
        check_devices(1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check_devices(1)


def test_dev_is_learned_from_once_nothing_is_to_be_chosen_by_it(output, data, tmp_path):
    from angel_hf.training.stage.materials import Materials

    changes = ("fine_tuning.dev_too=true", "preference.rounds=2", "preference.patience=1")
    path = tmp_path / "run"
    run_recipe(recipe(data, *changes), data, path, reused=output)
    assert (path / "pretraining/finished/model.safetensors").samefile(output / "pretraining/finished/model.safetensors")
    assert not (path / "results.json").exists() and not list(path.glob("preference/*.dev.json"))
    logged = json.loads(next(path.glob("fine-tuning/checkpoints/*/trainer_state.json")).read_text(encoding="utf-8"))
    assert logged["log_history"] and not any("eval_loss" in row for row in logged["log_history"])
    rounds = [path / f"preference/round-{number}/mined/train.parquet" for number in (1, 2)]
    rows = [row for mined in rounds for row in pq.read_table(mined).to_pylist() if row["source"] == "train"]
    assert {row["document_id"] for row in rows} == {"7", "8", "9"}
    materials = Materials(recipe(data, *changes), data, path)
    assert len(materials.learned) == len(materials.train) + len(materials.dev) and materials.unseen == []
    last, kept = (path / "preference" / name / "model.safetensors" for name in ("round-2/finished", "finished"))
    assert last.read_bytes() == kept.read_bytes()


def test_a_stage_whose_last_checkpoint_was_cut_short_resumes_from_the_one_before(output, data, tmp_path):
    path = tmp_path / "run"
    shutil.copytree(output, path, ignore=shutil.ignore_patterns("preference", "model", "finished"))
    shutil.copytree(output / "pretraining/finished", path / "pretraining/finished")
    last = path / "fine-tuning/checkpoints/checkpoint-6"
    # As a kill leaves it while it is written: the mark is made at the end.
    for name in ("trainer_state.json", "whole"):
        (last / name).unlink()
    (last / "model.safetensors").write_bytes(b"cut")
    run_recipe(recipe(data), data, path)
    expected, resumed = (run / "fine-tuning/finished/model.safetensors" for run in (output, path))
    assert resumed.read_bytes() == expected.read_bytes()


def test_sources_that_the_base_cannot_read_are_refused(output, data, tmp_path):
    longer = (
        f'model={{base="{output / "model"}", max_source_length=129}}',
        "pretraining={}",
        "fine_tuning.replay=false",
    )
    with pytest.raises(ValueError, match="max_source_length is 129; expected at most the model's 128 positions"):
        run_recipe(recipe(data, *longer), data, tmp_path / "run")


def test_a_batch_that_does_not_divide_is_refused_before_anything_is_done(data, tmp_path):
    with pytest.raises(ValueError, match="a batch of .* does not divide into 1 processes x 7 accumulated"):
        run_recipe(recipe(data, "preference.gradient_accumulation=7"), data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_directory_of_another_recipe_is_refused(output, data):
    with pytest.raises(ValueError, match=r"holds the work of another recipe: fine_tuning.steps was 6 and is 7; name"):
        run_recipe(recipe(data, "fine_tuning.steps=7"), data, output)


def test_a_missing_file_is_named(data, tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape("recipe small: no file") + ".*absent.txt; --data is"):
        run_recipe(recipe(data, 'data.dev=["absent.txt"]'), data, tmp_path)


def test_mentions_with_written_out_abbreviations_are_kept_as_they_stand_too(data, tmp_path):
    from angel_hf.training.stage.materials import Materials

    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    materials = Materials(read_recipe(tmp_path / "recipe.toml"), data, tmp_path / "out")
    released = materials.released(materials.train)
    # The record defines one abbreviation and annotates it once; the training file has the record twice.
    assert [annotated.mention.surface for annotated in released] == ["WD", "WD"]
    assert "Wilson disease" in {annotated.mention.surface for annotated in materials.train}
    assert "WD" not in {annotated.mention.surface for annotated in materials.train}
