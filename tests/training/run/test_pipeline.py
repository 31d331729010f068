"""A recipe runs from its files to a model that links, goes on where it was stopped, and keeps what was best on dev."""

import json
import os
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from datasets import load_from_disk
from safetensors.torch import load_file

from angel_hf import AngelForEntityLinking
from angel_hf.training.model.accuracy import Accuracy
from angel_hf.training.positive.stages import fine_tune
from angel_hf.training.preference import stage as preference_stage
from angel_hf.training.preference.reference import with_reference
from angel_hf.training.recipes.reading import read_recipe
from angel_hf.training.run.pipeline import check_devices, run_recipe
from angel_hf.training.weights_only import write_weights_only

RECIPE = """
name = "small"
description = "Every stage of a recipe, in seconds."
seed = 1

[data]
knowledge_base = ["medic.txt"]
ontologies = ["more.obo"]
train = ["train.txt"]
dev = ["dev.txt"]
expand_abbreviations = true

[model]
vocabulary_size = 500
d_model = 32
encoder_layers = 1
decoder_layers = 1
attention_heads = 2
ffn_dim = 64
max_positions = 128
max_source_length = 32

[pretraining]
steps = 12
batch_size = 8
learning_rate = 3e-3
prefix_weight = 0.5
save_steps = 6

[fine_tuning]
steps = 6
batch_size = 8
learning_rate = 1e-3
replay = true
copy_share = 0.3
released_too = true
save_steps = 3

[preference]
steps = 4
batch_size = 2
learning_rate = 1e-4
loss = ["sigmoid", "sft"]
rounds = 2
save_steps = 2

[preference.mining]
sources = ["train", "knowledge-base"]
names = 6
num_beams = 4
top_k = 3
"""
TWO_STAGES = ("pretraining", "fine-tuning")
OBO = "format-version: 1.2\n\n[Term]\nid: X:1\nname: Low red cells\nxref: MESH:D4\n"


def write_data(path, concepts, record):
    lines = ["|".join([c.concept_id, *c.alternative_ids]) + "||" + "|".join(c.names) for c in concepts]
    (path / "medic.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (path / "more.obo").write_text(OBO, encoding="utf-8")
    records = [re.sub("^7", str(number), record, flags=re.MULTILINE) for number in (7, 8, 9)]
    (path / "train.txt").write_text("\n".join(records[:2]), encoding="utf-8")
    (path / "dev.txt").write_text(records[2], encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory, concepts, record):
    path = tmp_path_factory.mktemp("data")
    write_data(path, concepts, record)
    return path


def recipe(directory, *changes, text=RECIPE):
    path = Path(directory) / "small.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(str(path), changes)


@pytest.fixture(scope="module")
def output(data, tmp_path_factory):
    """A run of the whole recipe."""
    path = tmp_path_factory.mktemp("run") / "output"
    run_recipe(recipe(data), data, path)
    return path


def weights(path):
    return AngelForEntityLinking.from_pretrained(path / "model").state_dict()


def test_the_model_links_and_its_accuracy_is_noted(output, mentions):
    model = AngelForEntityLinking.from_pretrained(output / "model")
    (linked,) = model.link([mentions[0].mention], top_k=3, num_beams=3)
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


@pytest.fixture
def fine_tuned(output, tmp_path):
    """A run that was stopped before its preference training, and may go on under another recipe."""
    path = tmp_path / "output"
    shutil.copytree(output, path, ignore=shutil.ignore_patterns("preference", "model", "recipe.json"))
    return path


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
    # The first model of two learned from the document that the second was asked about, and the other way round.
    assert learned_from == [{mined[1]}, {mined[0]}]
    for number in (0, 1):
        assert (path / "cross-fitting" / "2-folds" / f"without-fold-{number}" / "finished").is_dir()


def test_rounds_ask_the_same_models_of_the_folds(fine_tuned, data):
    """Folds are of the whole corpus, so a round of one document has models that learned from the other."""
    changes = ('preference.mining.sources=["cross-fitted"]', "preference.mining.folds=2", 'preference.keep="last"')
    run_recipe(recipe(data, *changes), data, fine_tuned)
    rounds = [fine_tuned / f"preference/round-{number}/mined/train.parquet" for number in (1, 2)]
    asked = [{row["document_id"] for row in pq.read_table(path).to_pylist()} for path in rounds]
    assert sorted(map(sorted, asked)) == [["7"], ["8"]]
    assert len(list((fine_tuned / "cross-fitting" / "2-folds").iterdir())) == 2


def test_new_adapters_are_the_same_in_a_run_that_goes_on(fine_tuned, data, tmp_path):
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


def test_what_a_stopped_run_has_finished_can_be_reused_and_goes_on_if_that_is_stopped(fine_tuned, data, tmp_path):
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


def test_several_gpus_want_a_process_each(monkeypatch):
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


def test_a_stage_whose_last_checkpoint_was_cut_short_goes_on_from_the_one_before(output, data, tmp_path):
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


def test_pairs_of_a_stopped_run_in_another_number_of_processes_are_mined_again(fine_tuned, output, data):
    """Its first process had mined its share, a part of all pairs."""
    whole, stopped = (path / "preference/round-1" for path in (output, fine_tuned))
    stopped.mkdir(parents=True)
    pairs = pq.read_table(whole / "mined/train.parquet")
    pq.write_table(pairs.slice(0, 1), stopped / "mined.train.0-of-2.parquet")
    run_recipe(recipe(data), data, fine_tuned)
    assert pq.read_table(stopped / "mined/train.parquet").equals(pairs)
    assert not list(stopped.glob("*.parquet"))


def test_what_is_changed_below_the_data_is_noticed(fine_tuned, data, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(data, changed)
    with (changed / "train.txt").open("a", encoding="utf-8") as file:
        file.write("\n")
    (fine_tuned / "recipe.json").unlink(missing_ok=True)
    with pytest.raises(ValueError, match=r"holds the work of other data: train\.txt has changed since"):
        run_recipe(recipe(data), changed, fine_tuned)


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


def test_the_reference_computes_in_what_training_computes_in(fine_tuned, data, monkeypatch):
    def spy(model, rows, collator, bf16):
        seen.append(bf16)
        return with_reference(model, rows, collator, bf16)

    seen = []
    monkeypatch.setattr(preference_stage, "with_reference", spy)
    monkeypatch.setattr("angel_hf.training.stage.trainer.has_bfloat16", lambda device: True)
    run_recipe(recipe(data, "preference.rounds=1", "preference.bf16=true"), data, fine_tuned)
    assert seen == [True]
