"""The plan counts what the model and the recipe hold, and says what its estimates rest on."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from transformers import BartForConditionalGeneration

from angel_hf.training.model.adapters import with_adapter
from angel_hf.training.model.small_bart import bart_config
from angel_hf.training.recipes.reading import read_recipe
from angel_hf.training.recipes.schema import (
    Adapter,
    Data,
    FineTuning,
    Mining,
    Model,
    Optimization,
    Preference,
    Recipe,
    Shape,
)
from angel_hf.training.run.plan import adapter_size, format_plan, measured_flops, model_size, plan_stage, plans

SHAPE = Shape(
    vocabulary_size=400, d_model=32, encoder_layers=2, decoder_layers=1, attention_heads=2, ffn_dim=64,
    max_positions=48, max_source_length=32,
)  # fmt: skip


STAGE = {"steps": 10, "batch_size": 16, "learning_rate": 1e-3}


def recipe(**changes):
    data = Data(knowledge_base=("kb",), train=("train",))
    model = Model(**asdict(SHAPE), base="some/base", max_target_length=16)
    return Recipe(name="x", description="x", seed=1, data=data, model=model, **changes)


def test_parameters_are_counted_as_the_model_has_them():
    model = BartForConditionalGeneration(bart_config(SHAPE, 400))
    size = model_size(SHAPE)
    assert size.parameters == sum(parameter.numel() for parameter in model.parameters())
    # Attention has four matrices, a decoder layer two attentions.
    assert size.encoder == 2 * (4 * 32 * 32 + 2 * 32 * 64)
    assert size.decoder == 8 * 32 * 32 + 2 * 32 * 64 + 400 * 32


def test_published_bart_large_is_of_its_known_size():
    large = Shape(
        vocabulary_size=50265, d_model=1024, encoder_layers=12, decoder_layers=12, attention_heads=16, ffn_dim=4096,
        max_positions=1024, max_source_length=512,
    )  # fmt: skip
    assert model_size(large).parameters == 406_291_456


def test_cost_falls_with_processes_and_accumulation(monkeypatch):
    monkeypatch.setattr("angel_hf.training.stage.trainer.has_bfloat16", lambda device: True)

    def plan(processes, **changes):
        return plan_stage("x", Optimization(**(STAGE | changes)), recipe(), processes, flops=1e9)

    one, two, accumulated, half = plan(1), plan(2), plan(1, gradient_accumulation=4), plan(1, bf16=True)
    assert two.seconds == pytest.approx(one.seconds / 2)
    assert accumulated.seconds == one.seconds and accumulated.memory < two.memory < one.memory
    assert 16 * model_size(SHAPE).parameters < half.memory < one.memory
    assert (one.batch, two.batch, accumulated.batch) == ("16 = 1 x 1 x 16", "16 = 2 x 1 x 8", "16 = 1 x 4 x 4")


def test_adapters_are_counted_as_peft_makes_them():
    adapter = Adapter(rank=3, alpha=6)
    model = with_adapter(BartForConditionalGeneration(bart_config(SHAPE, 400)), adapter, Path("some/base"), seed=1)
    assert adapter_size(SHAPE, adapter) == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_a_preference_pair_is_two_names_of_one_source_and_adapters_save_memory():
    plain, preference = Optimization(**STAGE), Preference(**STAGE, rounds=3)
    adapter = Adapter(rank=3, alpha=6)
    positive = plan_stage("fine_tuning", plain, recipe(adapter=adapter), 1, flops=1e9)
    whole = plan_stage("preference", preference, recipe(), 1, flops=1e9)
    adapted = plan_stage("preference", preference, recipe(adapter=adapter), 1, flops=1e9)
    parameters = model_size(SHAPE).parameters
    control = plan_stage("preference", replace(preference, method="likelihood"), recipe(), 1, flops=1e9)
    assert control.seconds == pytest.approx(3 * positive.seconds)
    # 6 operations a parameter and token, at 60% of the speed: the second name of 30 batches of 16 pairs.
    assert whole.seconds - control.seconds == pytest.approx(30 * 16 * 6 * model_size(SHAPE).decoder * 16 / 0.6e9)
    # A layer of activations a token: 34 * width + 5 * heads * length, twice as many bytes in 32 bits; logits thrice.
    name = 1.5 * 2 * (34 * 32 + 5 * 2 * 16) + 3 * 4 * 400
    assert whole.memory - control.memory == pytest.approx(16 * 16 * name)
    assert (whole.steps, whole.batch) == (30, "16 = 1 x 1 x 16")
    assert whole.memory - adapted.memory == 12 * (parameters - adapter_size(SHAPE, adapter))


def test_models_of_folds_are_planned_before_the_stage_that_needs_them():
    mining = Mining(sources=("train", "cross-fitted"), folds=5)
    preference = Preference(**STAGE, mining=mining)
    whole = recipe(fine_tuning=FineTuning(**STAGE), preference=preference)
    planned = {plan.name: plan for plan in plans(whole, 1, flops=1e9)}
    assert list(planned) == ["fine_tuning", "cross-fitting", "preference"]
    assert planned["cross-fitting"].steps == 5 * 10
    assert planned["cross-fitting"].seconds == pytest.approx(5 * planned["fine_tuning"].seconds)
    without = recipe(fine_tuning=FineTuning(**STAGE), preference=Preference(**STAGE))
    assert [plan.name for plan in plans(without, 1, flops=1e9)] == ["fine_tuning", "preference"]


def test_the_plan_names_every_stage_and_calls_its_numbers_estimates():
    text = format_plan(read_recipe("angel_mini_ncbi"), processes=2)
    assert "angel-mini-ncbi" in text and "new weights, 6.1 M parameters, seed 1" in text
    assert "pretraining" in text and "fine_tuning" in text and "32 = 2 x 1 x 16" in text
    assert "Estimates:" in text and "just measured" in text


def test_speed_is_measured():
    assert measured_flops(0.02) > 1e8
