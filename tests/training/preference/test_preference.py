"""Preference training compares the policy with the right reference, and nothing else moves between them."""

import copy
import math
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import BartConfig, set_seed

from angel_hf.training.data.encoding import encode_preferences
from angel_hf.training.model.adapters import load_weights, merged, save_weights, with_adapter
from angel_hf.training.model.bart import AngelBart
from angel_hf.training.preference.batches import PreferenceCollator, name_log_probabilities
from angel_hf.training.preference.reference import with_reference
from angel_hf.training.preference.trainer import PreferenceTrainer, dpo_config, dropout_off, train_preference
from angel_hf.training.recipes.schema import Adapter, Preference
from angel_hf.types import Mention

COLLATE = PreferenceCollator(pad_token_id=1, decoder_start_token_id=2)


def preference(**changes):
    # As good as a constant rate.
    schedule = {"schedule": "inverse_sqrt", "schedule_timescale": 1_000_000}
    values = {"steps": 6, "batch_size": 4, "learning_rate": 5e-3, "save_steps": 3, **schedule}
    return Preference(**(values | changes))


@pytest.fixture
def model(tokenizer):
    """With dropout, as models are that positive training leaves."""
    set_seed(0)
    sizes = {f"{side}_{part}": 2 for side in ("encoder", "decoder") for part in ("layers", "attention_heads")}
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, dropout=0.1,
        attention_dropout=0.1, activation_dropout=0.1, max_position_embeddings=64, forced_eos_token_id=None,
        init_std=0.2, **sizes,
    )  # fmt: skip
    return AngelBart(config)


@pytest.fixture
def still_model(model):
    """The same without dropout, as it is while preference training lasts."""
    with dropout_off(model):
        yield model


@pytest.fixture(scope="module")
def rows(processor):
    triples = [
        (Mention("a skin tumour here", 2, 13), "skin tumors", "ovarian cancer"),
        (Mention("wd", 0, 2), "wilson disease", "anemia"),
        (Mention("low red cells", 0, 13), "anemia", "cancer of the ovary"),
        (Mention("no hearing", 0, 10), "hearing loss", "deafness"),
    ]
    return encode_preferences(triples, processor)


def with_lora(model):
    adapted = with_adapter(model, Adapter(rank=4, alpha=8), Path("some/base"), seed=1)
    return adapted


def shaken(model):
    """The model with other weights, where it trains."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


def loss_of(model, rows, tmp_path, **changes):
    """The trainer's loss of all rows as one batch."""
    stage = preference(**changes)
    args = dpo_config(stage, tmp_path, seed=1)
    trainer = PreferenceTrainer(stage, model=model, args=args, data_collator=COLLATE)
    return trainer.compute_loss(model, COLLATE([rows[row] for row in range(len(rows))]))


def test_log_probabilities_are_those_of_each_name_by_itself(model, rows):
    model.eval()
    with torch.no_grad():
        sums, tokens = name_log_probabilities(model, COLLATE(list(rows)))
        for place, (row, side) in enumerate([(row, side) for side in ("chosen_ids", "rejected_ids") for row in rows]):
            decoder = torch.tensor([[2, *row["prefix_ids"], *row[side]]])
            logits = model(input_ids=torch.tensor([row["input_ids"]]), decoder_input_ids=decoder[:, :-1]).logits[0]
            each = logits.log_softmax(-1)[torch.arange(decoder.shape[1] - 1), decoder[0, 1:]]
            assert sums[place].item() == pytest.approx(each[len(row["prefix_ids"]) :].sum().item(), rel=1e-4)
            assert tokens[place] == len(row[side])


def test_the_loss_is_log_2_where_policy_and_reference_are_one(still_model, rows, tmp_path):
    assert loss_of(still_model, with_reference(still_model, rows, COLLATE), tmp_path).item() == pytest.approx(
        math.log(2), abs=1e-6
    )


def test_the_loss_and_its_gradient_are_dpo_written_by_hand(still_model, rows, tmp_path):
    """In float64, with another reference than the policy."""
    policy, reference = shaken(copy.deepcopy(still_model)).double(), copy.deepcopy(still_model).double()
    margins = []
    for row in rows:
        ratios = []
        for side in ("chosen_ids", "rejected_ids"):
            decoder = torch.tensor([[2, *row["prefix_ids"], *row[side]]])
            logps = []
            for one in (policy, reference):
                logits = one(input_ids=torch.tensor([row["input_ids"]]), decoder_input_ids=decoder[:, :-1]).logits[0]
                each = logits.log_softmax(-1)[torch.arange(decoder.shape[1] - 1), decoder[0, 1:]]
                logps.append(each[len(row["prefix_ids"]) :].sum())
            ratios.append(logps[0] - logps[1])
        margins.append(ratios[0] - ratios[1])
    expected = (1 + torch.exp(-0.3 * torch.stack(margins))).log().mean()
    expected_gradient = torch.autograd.grad(expected, policy.model.shared.weight)[0]
    loss = loss_of(policy, with_reference(reference, rows, COLLATE), tmp_path, beta=0.3)
    gradient = torch.autograd.grad(loss, policy.model.shared.weight)[0]
    assert abs(expected.item() - math.log(2)) > 0.01
    # The trainer keeps sums in float32.
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-4, atol=1e-7)


def test_the_reference_is_the_model_before_training_or_with_its_adapters_off(still_model, rows, tmp_path):
    plain = copy.deepcopy(still_model)
    prepared = [with_reference(still_model, rows, COLLATE)]
    adapted = shaken(with_lora(still_model))
    with adapted.disable_adapter():
        prepared.append(with_reference(adapted, rows, COLLATE))
    prepared.append(with_reference(plain, rows, COLLATE))
    losses = [loss_of(adapted, each, tmp_path, beta=5.0) for each in prepared]
    assert abs(losses[0].item() - math.log(2)) > 1e-2
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-5, atol=0)
    torch.testing.assert_close(losses[0], losses[2], rtol=1e-5, atol=0)


def test_the_likelihood_control_has_no_use_for_rejected_names(still_model, rows, tmp_path):
    changed = rows.map(lambda row: {"rejected_ids": [7, 2]})
    losses = [loss_of(still_model, each, tmp_path, method="likelihood") for each in (rows, changed)]
    sums, tokens = name_log_probabilities(still_model, COLLATE(list(rows)))
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(losses[0], -sums[:4].sum() / tokens[:4].sum())


def test_dropout_is_really_off_and_comes_back(model, rows):
    """The model is in training mode; BART's rates are not in modules of their own."""
    batch = COLLATE(list(rows))
    model.train()

    def differs():
        return not torch.equal(name_log_probabilities(model, batch)[0], name_log_probabilities(model, batch)[0])

    with torch.no_grad():
        assert differs()
        with dropout_off(model):
            assert not differs()
            trained = name_log_probabilities(model, batch)[0]
        assert differs()
        model.eval()
        torch.testing.assert_close(trained, name_log_probabilities(model, batch)[0])
    assert model.model.encoder.layers[0].activation_dropout == 0.1


def test_preference_training_knows_no_chance(model, rows, tmp_path):
    """The pairs come in their order, so the trainer's seed could only decide about dropout."""
    dataset = with_reference(model, rows, COLLATE).select([0, 1, 2, 3] * 2)
    models = [copy.deepcopy(model) for _ in range(2)]
    for seed, one in enumerate(models):
        train_preference("test", one, dataset, tmp_path / str(seed), preference(steps=2), seed=seed)
    for (name, expected), actual in zip(models[0].state_dict().items(), models[1].state_dict().values(), strict=True):
        assert torch.equal(expected, actual), name
    assert not torch.equal(models[0].model.shared.weight, model.model.shared.weight)


def test_merged_adapters_compute_what_the_adapters_do(model, rows):
    batch = COLLATE(list(rows))
    before = copy.deepcopy(model).eval()
    adapted = shaken(with_lora(model)).eval()
    whole = merged(adapted)
    assert not isinstance(whole, PeftModel) and whole.state_dict().keys() == before.state_dict().keys()
    with torch.no_grad():
        expected = name_log_probabilities(adapted, batch)[0]
        assert not torch.allclose(expected, name_log_probabilities(before, batch)[0], atol=1e-2)
        torch.testing.assert_close(name_log_probabilities(whole.eval(), batch)[0], expected, rtol=1e-4, atol=1e-4)
    assert isinstance(adapted, PeftModel), "the model that was merged still has its adapters"


def test_adapters_are_written_as_peft_writes_them_and_read_back(model, rows, tmp_path):
    base = copy.deepcopy(model)
    adapted = shaken(with_lora(model)).eval()
    save_weights(adapted, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
    by_peft = PeftModel.from_pretrained(copy.deepcopy(base), str(tmp_path)).eval()
    by_us = with_lora(base)
    load_weights(by_us, tmp_path)
    batch = COLLATE(list(rows))
    with torch.no_grad():
        expected = name_log_probabilities(adapted, batch)[0]
        for loaded in (by_peft, by_us.eval()):
            torch.testing.assert_close(name_log_probabilities(loaded, batch)[0], expected)
    assert by_peft.peft_config["default"].base_model_name_or_path == "some/base"


@pytest.mark.parametrize("lora", [False, True])
def test_training_prefers_the_chosen_names(still_model, rows, tmp_path, lora):
    policy = with_lora(still_model) if lora else still_model
    dataset = with_reference(policy, rows, COLLATE).select([0, 1, 2, 3] * 6)
    before = {name: value.clone() for name, value in policy.state_dict().items()}
    train_preference("test", policy, dataset, tmp_path, preference(), seed=1)
    changed = {name for name, value in policy.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all("lora_" in name for name in changed) == lora
    assert loss_of(policy, dataset.select(range(4)), tmp_path / "x").item() < 0.75 * math.log(2)


def test_a_resumed_run_equals_an_unbroken_one(model, rows, tmp_path):
    models = [copy.deepcopy(model) for _ in range(2)]
    dataset = with_reference(model, rows, COLLATE).select([0, 1, 2, 3] * 6)
    for place, one in enumerate(models):
        train_preference("test", one, dataset, tmp_path / str(place), preference(), seed=1)
        if place == 0:
            # As if stopped at its first checkpoint.
            (tmp_path / "0" / "checkpoint-3").rename(tmp_path / "kept")
            (tmp_path / "1").mkdir()
            (tmp_path / "kept").rename(tmp_path / "1" / "checkpoint-3")
    for (name, expected), actual in zip(models[0].state_dict().items(), models[1].state_dict().values(), strict=True):
        assert torch.equal(expected, actual), name


def test_accumulated_batches_are_one_batch(model, rows, tmp_path):
    """Of a loss that is a mean over pairs; in float64, and not clipped, which would hide a wrong scale."""
    model.double()
    dataset = with_reference(model, rows, COLLATE).select([0, 0, 1, 1, 2, 2, 3, 3] * 3)
    gradients, weights = {1: [], 4: []}, {}
    for parts, seen in gradients.items():
        policy = copy.deepcopy(model)
        hook = register_optimizer_step_pre_hook(
            lambda *_, policy=policy, seen=seen: seen.append([one.grad.clone() for one in policy.parameters()])
        )
        try:
            stage = preference(steps=3, batch_size=8, gradient_accumulation=parts, max_grad_norm=1e9)
            train_preference("test", policy, dataset, tmp_path / str(parts), stage, seed=1)
        finally:
            hook.remove()
        weights[parts] = policy.state_dict()
    assert len(gradients[1]) == len(gradients[4]) == 3
    for one, four in zip(gradients[1], gradients[4]):
        assert max(gradient.abs().max().item() for gradient in one) > 1e-3
        torch.testing.assert_close(four, one, rtol=1e-4, atol=1e-7)
    for name, expected in weights[1].items():
        torch.testing.assert_close(weights[4][name], expected, atol=1e-5, rtol=0)
