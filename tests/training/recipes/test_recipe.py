"""Recipes are literal: every key known, every value of its type, and the package's own can be read."""

import dataclasses
import re

import pytest

from angel_hf.training.recipes.reading import RECIPES, known_recipes, read_recipe

SMALL = """
name = "small"
description = "A recipe of a test."
seed = 1

[data]
knowledge_base = ["kb.txt"]
train = ["fold{fold}/train.txt"]

[model]
vocabulary_size = 400
d_model = 32
encoder_layers = 1
decoder_layers = 1
attention_heads = 2
ffn_dim = 64
max_positions = 128
max_source_length = 32

[pretraining]
steps = 4
batch_size = 8
learning_rate = 1e-3

[pretraining.mixture]
nearest_share = 1
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def test_a_recipe_is_read_with_its_defaults(path, tmp_path):
    recipe = read_recipe(str(path))
    assert recipe.data.knowledge_base == ("kb.txt",)
    assert recipe.pretraining.learning_rate == 1e-3
    assert recipe.pretraining.mixture.nearest_share == 1.0
    assert recipe.pretraining.mixture.context_share == 0.15
    assert recipe.fine_tuning is None
    assert recipe.data.paths(recipe.data.train, tmp_path) == [tmp_path / "fold0" / "train.txt"]


def test_single_values_are_replaced(path, tmp_path):
    recipe = read_recipe(str(path), ["seed=3", "pretraining.mixture.nearest_share=0.5", "data.fold=7"])
    assert (recipe.seed, recipe.pretraining.mixture.nearest_share) == (3, 0.5)
    assert recipe.data.paths(recipe.data.train, tmp_path) == [tmp_path / "fold7" / "train.txt"]
    assert read_recipe(str(path), ["pretraining={}", "model={base='x'}"]).pretraining is None
    assert read_recipe(str(path), ['data.dev=["a", "b"]']).data.dev == ("a", "b")
    for change, cause in (("seed", "expected key=value"), ("name=small", "texts stand in quotes")):
        with pytest.raises(ValueError, match=cause):
            read_recipe(str(path), [change])


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ("learning_rate", "lerning_rate", "pretraining: unknown key 'lerning_rate'; did you mean 'learning_rate'?"),
        ("nearest_share", "nearest_shares", "mixture: unknown key 'nearest_shares'; did you mean 'nearest_share'?"),
        ("[pretraining]", "[zzz]", "unknown key 'zzz'; expected one of name, description, seed, data, model"),
        ("steps = 4", "", "pretraining: 'steps' missing; expected a value for each"),
        ("steps = 4", 'steps = "4"', "pretraining: steps: got '4'; expected int"),
        ("d_model = 32", "", "model: d_model missing; a new model needs its whole shape, or name a base"),
        (
            "max_source_length = 32",
            "max_source_length = 129",
            "model: max_source_length is 129; expected at most the model's 128 positions",
        ),
        ("steps = 4", "steps = 4.0", "pretraining: steps: got 4.0; expected int"),
        ("steps = 4", "steps = true", "pretraining: steps: got True; expected int"),
        ("steps = 4", "steps = 0", "pretraining: steps is 0; expected 1 or more"),
        ("seed = 1", "seed = ", "not TOML"),
        ('train = ["fold{fold}/train.txt"]', 'train = "x"', "data: train: got 'x'; expected a list"),
        ("steps = 4", 'steps = 4\nschedule = "cosine"', "schedule: got 'cosine'; expected one of 'linear'"),
        ('["kb.txt"]', '["kb.txt", 3]', "data: knowledge_base: got 3; expected str"),
        ('["kb.txt"]', '["kb.txt"]\nname_weights = [1, 2]', "name_weights is (1.0, 2.0) for 1 files; expected"),
        ('["kb.txt"]', '["kb.txt"]\nname_weights = [0]', "name_weights is (0.0,) for 1 files; expected"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(path, before, after, cause):
    path.write_text(SMALL.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(cause)) as error:
        read_recipe(str(path))
    assert str(error.value).startswith(str(path))


def test_a_recipe_from_a_checkpoint_needs_one(path):
    path.write_text(SMALL[: SMALL.index("[pretraining]")], encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape("model.base is missing; a recipe without [pretraining]")):
        read_recipe(str(path))


def test_what_pretraining_learned_is_repeated_only_where_there_is_pretraining(path):
    changes = ["fine_tuning={steps=1, batch_size=1, learning_rate=1e-3, replay=true}"]
    assert read_recipe(str(path), changes).fine_tuning.replay
    with pytest.raises(ValueError, match="replay = true, but there is no .pretraining. whose pairs it repeats"):
        read_recipe(str(path), [*changes, "pretraining={}", "model={base='x'}"])


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (['preference.loss=["sigmoyd"]'], "preference: loss: got 'sigmoyd'; expected one of 'sigmoid', 'sft'"),
        (["preference.loss=[]"], "loss is empty; expected one or more names of losses"),
        (["preference.loss_weight=0.1"], "unknown key 'loss_weight'; did you mean 'loss_weights'?"),
        (["preference.label_smoothing=0.1"], "preference: unknown key 'label_smoothing'"),
        (["preference.prefix_weight=0.1"], "preference: unknown key 'prefix_weight'"),
        (["name.x=1"], "'name.x=1': name is 'small'; expected a section"),
    ],
)
def test_preference_training_that_cannot_be_is_refused_before_hours_of_other_training(path, changes, cause):
    stage = "preference={steps=1, batch_size=1, learning_rate=1e-3}"
    assert read_recipe(str(path), [stage]).preference.loss == ("sigmoid",)
    with pytest.raises(ValueError, match=re.escape(cause)):
        read_recipe(str(path), [stage, *changes])


@pytest.mark.parametrize("name", known_recipes())
def test_the_packages_recipes_are_read_by_name(name):
    recipe = read_recipe(name)
    assert recipe.description
    assert recipe == read_recipe(str(RECIPES / f"{name}.toml"))
    assert dataclasses.asdict(recipe) == recipe.as_table()


def test_the_page_of_the_recipes_lists_each():
    page = (RECIPES / "README.md").read_text(encoding="utf-8")
    (braces,) = re.findall(r"`bart_large_\{(.*?)\}`", page)
    listed = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    for benchmark in braces.split(","):
        listed |= {f"bart_large_{benchmark}", f"bart_large_{benchmark}_lora"}
    assert listed == set(known_recipes())


def test_the_error_of_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(ValueError, match="no recipe 'angel_maxi'; expected a file, or one of angel_mini"):
        read_recipe("angel_maxi")
