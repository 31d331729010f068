"""What negatives add: every variant starts from the same model and has its control; gains are paired by mention."""

import dataclasses
import functools
import json
import logging
import re
import subprocess
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from transformers.utils import logging as transformers_logging
from typer.testing import CliRunner

import benchmarks.negatives.answers as answers_module
import benchmarks.negatives.training as training_module
from benchmarks.negatives.__main__ import app
from benchmarks.negatives.answers import Answers, answer_all
from benchmarks.negatives.comparison import compare
from benchmarks.negatives.folds import answers_as_table, part_of, pooled
from benchmarks.negatives.study import POSITIVE, Study, Variant, control_of, models_of, read_study
from eval_harness.corpus import open_corpus
from tests.cli_stub import run

STUDIES = Path(__file__).parents[2] / "benchmarks" / "studies"
RECIPE = """
name = "small"
description = "A recipe of a test."
seed = 1
data = {knowledge_base = ["medic.txt"], train = ["NCBItrainset_corpus.txt"]}
[model]
vocabulary_size = 400
d_model = 16
encoder_layers = 1
decoder_layers = 1
attention_heads = 2
ffn_dim = 32
max_positions = 128
max_source_length = 32
[pretraining]
steps = 2
batch_size = 8
learning_rate = 1e-3

[preference]
steps = 2
batch_size = 4
learning_rate = 1e-2
mining = {sources = ["train"], num_beams = 3, top_k = 3}
"""
STUDY = """
recipe = "RECIPE"
benchmark = "ncbi"
source = "."
knowledge_base = ["medic.txt"]
splits = ["dev"]
processes = 1
[variants.sums]
seeds = [1, 2]
[variants.means]
changes = ["preference.length_normalized=true"]
control = false
"""
MEDIC = "D1||Skin Neoplasms|Skin Cancer|Skin Tumors\nD2||Wilson Disease|Hepatolenticular Degeneration\nD3||Deafness\n"
RECORD = """7|t|Skin tumour in man.
7|a|It is no Wilson disease.
7\t0\t11\tSkin tumour\tModifier\tD1
7\t29\t43\tWilson disease\tSpecificDisease\tD2
"""


@pytest.fixture
def data(tmp_path):
    (tmp_path / "medic.txt").write_text(MEDIC, encoding="utf-8")
    for number, split in enumerate(("train", "develop", "test"), start=7):
        documents = [re.sub("^7", f"{number}{part}", RECORD, flags=re.MULTILINE) for part in (1, 2)]
        text = "\n".join(documents)
        (tmp_path / f"NCBI{split}set_corpus.txt").write_text(text, encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "study.toml").write_text(STUDY.replace("RECIPE", str(tmp_path / "recipe.toml")), encoding="utf-8")
    return tmp_path


def test_a_study_trains_asks_and_compares_and_goes_on_where_it_was_stopped(data, monkeypatch):
    commands = []
    # What a process of its own may set, and other tests must not be left with.
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(transformers_logging, "disable_progress_bar", lambda: None)

    def in_this_process(command, **_options):
        commands.append(command)
        return subprocess.CompletedProcess(command, run(*command[3:]).exit_code)

    monkeypatch.setattr(training_module, "subprocess", types.SimpleNamespace(run=in_this_process))
    allowed = functools.partial(open_corpus, allow_different=True)
    monkeypatch.setattr(answers_module, "open_corpus", allowed)
    arguments = [str(data / "study.toml"), "--data", str(data), "--runs", str(data / "runs")]
    arguments += ["--output", str(data / "out.json")]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    rows = json.loads((data / "out.json").read_text(encoding="utf-8"))["rows"]
    variants = [POSITIVE, "sums", control_of("sums"), "means"]
    assert [(row["split"], row["variant"], len(row["accuracy"])) for row in rows] == [
        ("dev", variant, seeds) for variant, seeds in zip(variants, (1, 2, 2, 1))
    ]
    assert [row["over_control"] is not None for row in rows] == [False, True, False, False]
    mined = [path.stat().st_ino for path in (data / "runs").glob("*/preference/round-1/mined/train.parquet")]
    assert len(mined) == 5 and len(set(mined)) == 1
    assert len(commands) == 6
    again = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert again.exit_code == 0 and len(commands) == 6
    assert json.loads((data / "out.json").read_text(encoding="utf-8"))["rows"] == rows
    # A thread stands for the processes, which would not allow this data.
    monkeypatch.setattr(answers_module, "ProcessPoolExecutor", lambda *_, **options: ThreadPoolExecutor(1, **options))
    for path in (data / "runs").glob("*/hits-dev.json"):
        path.unlink()
    study = dataclasses.replace(read_study(data / "study.toml"), processes=2)
    found = compare(study, answer_all(study, data, data / "runs", lambda _: None))
    assert [list(row.accuracy) for row in found] == [row["accuracy"] for row in rows]


def test_gains_are_means_over_seeds_paired_by_mention():
    study = Study(recipe="", benchmark="", source="", splits=("test",), variants={"v": Variant(seeds=(1, 2))})
    documents = [("", "a"), ("", "a"), ("", "b"), ("", "b")]
    answers = {
        POSITIVE: Answers(documents, {0: [True, False, False, False]}),
        "v": Answers(documents, {1: [True, True, False, False], 2: [True, True, True, False]}),
        control_of("v"): Answers(documents, {1: [True, False, False, False], 2: [True, True, False, False]}),
    }
    positive, own, control = compare(study, {"test": answers})
    assert (positive.mean, own.mean, control.mean) == (25.0, 62.5, 37.5)
    assert own.spread == pytest.approx(12.5 * 2**0.5) and positive.spread is None
    # Over positive: document a gains 1 of 2, document b 0.5 of 2; over the control: a 0.5, b 0.5.
    assert own.over_positive.difference == pytest.approx(37.5)
    assert (own.over_positive.interval.low, own.over_positive.interval.high) == pytest.approx((25, 50))
    assert own.over_control.difference == own.over_control.interval.low == own.over_control.interval.high == 25
    assert control.over_positive.difference == pytest.approx(12.5) and control.over_control is None


def test_folds_that_were_linked_at_different_times_are_pooled(tmp_path):
    study = Study(
        recipe="", benchmark="", source="", splits=("test",), folds=(0, 1), variants={"v": Variant(control=False)}
    )

    def answers_of(fold, documents, positive, own):
        numbered = [(fold, document) for document in documents]
        return {"test": {POSITIVE: Answers(numbered, {0: positive}), "v": Answers(numbered, {1: own})}}

    first = answers_of("0", ["a", "a", "b"], [True, False, False], [True, True, False])
    other = answers_of("1", ["a", "c"], [False, True], [True, True])
    table = json.loads(json.dumps({"answers": answers_as_table(other)}))
    table["study"] = json.loads(json.dumps(dataclasses.asdict(part_of(study, [1], []))))
    # A variant that was tried on the other folds alone is left out.
    table["study"]["variants"]["w"] = {}
    table["answers"]["test"]["hits"]["w"] = {"1": "00"}
    path = tmp_path / "other.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    together, answers = pooled(part_of(study, [0], []), first, [path])
    assert together == study
    both = [("0", "a"), ("0", "a"), ("0", "b"), ("1", "a"), ("1", "c")]
    assert {one: (own.documents, own.hits) for one, own in answers["test"].items()} == {
        POSITIVE: (both, {0: [True, False, False, False, True]}),
        "v": (both, {1: [True, True, False, True, True]}),
    }
    positive, own = compare(together, answers)
    assert (positive.mean, own.mean, own.over_positive.difference) == pytest.approx((40, 80, 40))
    assert pooled(study, first, []) == (study, first)


@pytest.mark.parametrize(
    ("table", "cause"),
    [
        ({"study": {"benchmark": "ncbi"}}, "benchmark is 'ncbi'; expected '', as here"),
        ({"study": {"folds": [2, 0]}}, "fold 0 is here already"),
        ({"study": {"variants": {"w": {}}}}, "variants is {}; expected {'v': "),
        ({"study": {}, "answers": None}, "no answers are in it"),
    ],
)
def test_only_other_folds_of_the_same_study_are_counted_with_it(tmp_path, table, cause):
    study = Study(recipe="", benchmark="", source="", folds=(0,), variants={"v": Variant()})
    same = json.loads(json.dumps(dataclasses.asdict(study))) | {"folds": [1]}
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"answers": {"dev": {}}} | table | {"study": same | table["study"]}), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(cause)):
        pooled(study, {}, [path])


TWO_BY_TWO = Study(
    recipe="", benchmark="", source="", folds=(0, 1), variants={"v": Variant(), "u": Variant(seeds=(2,))}
)


@pytest.mark.parametrize(
    ("folds", "variants", "cause"),
    [([1, 4], [], "--fold 4: expected one of [0, 1]"), ([], ["w"], "--variant w: expected one of ['v', 'u']")],
)
def test_a_fold_or_variant_that_a_study_is_not_about_is_named(folds, variants, cause):
    with pytest.raises(ValueError, match=re.escape(cause)):
        part_of(TWO_BY_TWO, folds, variants)


def test_a_part_of_a_study_is_what_is_named_and_all_where_nothing_is():
    assert part_of(TWO_BY_TWO, [], []) == TWO_BY_TWO
    part = part_of(TWO_BY_TWO, [1], ["u"])
    assert (part.folds, part.variants) == ((1,), {"u": Variant(seeds=(2,))})


def test_every_fold_has_models_of_its_own_and_one_change_removes_the_preference_training(data):
    study = read_study(data / "study.toml")
    models = list(models_of(Study(recipe=study.recipe, benchmark="", source="", folds=(0, 3), variants=study.variants)))
    assert len({model.directory for model in models}) == len(models) == 12
    assert [model.fold for model in models] == ["0"] * 6 + ["3"] * 6
    recipes = [model.recipe(study) for model in models]
    assert [recipe.preference is None for recipe in recipes] == [True, *[False] * 5] * 2
    assert [recipe.data.fold for recipe in recipes] == [0] * 6 + [3] * 6
    assert [recipe.preference.seed for recipe in recipes[1:6]] == [1, 1, 2, 2, 1]
    assert {recipe.preference.keep for recipe in recipes[1:6]} == {"last"}


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("[variants.sums]", f'[variants."{POSITIVE}"]', "expected one variant or more, of other names than"),
        ("control = false", "contrl = false", "variants.means: unknown key 'contrl'; did you mean 'control'"),
        (
            '["dev"]',
            '["dev"]\nchanges = ["fine_tuning={steps=1, batch_size=1, learning_rate=1, dev_too=true}"]',
            "positive only learns from dev and would be measured on it",
        ),
        ('splits = ["dev"]', "splits = 3", "splits: got 3; expected a list"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(data, before, after, cause):
    path = data / "study.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(cause)):
        read_study(path)


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_committed_studies_can_be_read(path):
    study = read_study(path)
    assert path.stem.startswith(study.benchmark)
    directories = [model.directory for model in models_of(study)]
    assert len(directories) == len(set(directories)) > 2
