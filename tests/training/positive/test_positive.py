"""The loss counts the target in full and the prefix in part, and a stopped run ends where an unbroken one does."""

import pytest
import torch
from accelerate import PartialState
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import BartConfig, BartForConditionalGeneration, set_seed

from angel_hf.training.data.encoding import encode_pairs, group_by_length
from angel_hf.training.data.pairs import Mixture, pretraining_pairs
from angel_hf.training.model.adapters import load_weights
from angel_hf.training.model.small_bart import new_model, sinusoids
from angel_hf.training.positive.trainer import PairCollator, train_positive, weighted_loss
from angel_hf.training.recipes.schema import Optimization, PositiveTraining, Shape
from angel_hf.training.stage.artifacts import finished, prepared
from angel_hf.training.stage.trainer import trainer_arguments

ROWS = [
    {"input_ids": [0, 10, 2], "prefix_ids": [11, 12], "target_ids": [13, 14, 2]},
    {"input_ids": [0, 10, 20, 2], "prefix_ids": [12], "target_ids": [15, 2]},
]


def tiny_model(vocabulary_size):
    set_seed(0)
    sizes = {f"{side}_{part}": 2 for side in ("encoder", "decoder") for part in ("layers", "attention_heads")}
    config = BartConfig(
        vocab_size=vocabulary_size, d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, dropout=0.1,
        max_position_embeddings=64, forced_eos_token_id=None, **sizes,
    )  # fmt: skip
    return BartForConditionalGeneration(config)


def test_the_decoder_stream_is_start_prefix_target():
    batch = PairCollator(pad_token_id=1, decoder_start_token_id=2, prefix_weight=0.5)(ROWS)
    assert batch["input_ids"].tolist() == [[0, 10, 2, 1], [0, 10, 20, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch["decoder_input_ids"].tolist() == [[2, 11, 12, 13, 14], [2, 12, 15, 1, 1]]
    assert batch["labels"].tolist() == [[11, 12, 13, 14, 2], [12, 15, 2, 1, 1]]
    assert batch["label_weights"].tolist() == [[0.5, 0.5, 1, 1, 1], [0.5, 1, 1, 0, 0]]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_weighted_mean_of_smoothed_cross_entropies(smoothing):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 7, generator=generator, dtype=torch.float64)
    labels, weights = torch.tensor([3, 0, 6, 2]), torch.tensor([0.5, 1.0, 1.0, 0.0], dtype=torch.float64)
    log_probabilities = logits.log_softmax(-1)
    expected = 0.0
    for row, label, weight in zip(log_probabilities, labels, weights, strict=True):
        expected -= weight * ((1 - smoothing) * row[label] + smoothing * row.mean()) / 2.5
    torch.testing.assert_close(weighted_loss(logits, labels, weights, smoothing), expected)


def test_padding_does_not_change_the_loss_of_a_row(tmp_path):
    from transformers import Seq2SeqTrainingArguments

    from angel_hf.training.positive.trainer import PositiveTrainer

    model = tiny_model(30).eval()
    collate = PairCollator(1, 2)
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(tmp_path), use_cpu=True, report_to=[], label_smoothing_factor=0.1
    )
    trainer = PositiveTrainer(model=model, args=arguments, data_collator=collate)
    with torch.no_grad():
        both = trainer.compute_loss(model, collate(ROWS))
        alone = [trainer.compute_loss(model, collate([row])) for row in ROWS]
    torch.testing.assert_close(both, (alone[0] * 4.0 + alone[1] * 2.5) / 6.5)


@pytest.fixture(scope="module")
def pairs(concept_names, processor):
    rows = encode_pairs(pretraining_pairs(concept_names, [], 800, 1, Mixture()), processor)
    return group_by_length(rows, 16, seed=1)


def optimization(**changes):
    values = {"steps": 10, "batch_size": 16, "learning_rate": 3e-3, "save_steps": 5, "prefix_weight": 0.5}
    return PositiveTraining(**(values | changes))


def losses_of(caplog):
    return [
        float(r.getMessage().split("loss ")[1].split(",")[0]) for r in caplog.records if ", loss " in r.getMessage()
    ]


def train(model, rows, path, development=None, **changes):
    train_positive("test", model, rows, development, path, optimization(**changes), seed=1)
    return model.state_dict()


def assert_equal_weights(first, second):
    for (name, expected), actual in zip(first.items(), second.values(), strict=True):
        assert torch.equal(expected, actual), name


def test_the_loss_falls(pairs, tokenizer, tmp_path, caplog):
    caplog.set_level("INFO")
    train(tiny_model(len(tokenizer)), pairs, tmp_path, steps=50)
    losses = losses_of(caplog)
    assert len(losses) == 10
    assert losses[-1] < 0.8 * losses[0]


def test_a_resumed_run_equals_an_unbroken_one(pairs, tokenizer, tmp_path):
    rows = pairs.select(range(16 * 10))
    development = rows.select(range(8))
    unbroken = train(tiny_model(len(tokenizer)), rows, tmp_path / "a", development)
    # Stops after six steps, with the schedule of ten.
    with pytest.raises(InterruptedError):
        train(tiny_model(len(tokenizer)), StopsAfter(rows, 16 * 6), tmp_path / "b", development)
    assert (tmp_path / "b" / "checkpoint-5").is_dir()
    resumed = train(tiny_model(len(tokenizer)), rows, tmp_path / "b", development)
    assert_equal_weights(unbroken, resumed)
    assert not torch.equal(
        tiny_model(len(tokenizer)).state_dict()["model.shared.weight"], unbroken["model.shared.weight"]
    )


def test_accumulated_batches_are_one_batch(pairs, tokenizer, tmp_path, caplog):
    """Batches hold unlike numbers of tokens here, so that a mean of means would differ from the mean."""
    caplog.set_level("INFO")
    rows = pairs.shuffle(seed=2)
    measured = {}
    for parts in (1, 4):
        caplog.clear()
        model = tiny_model(len(tokenizer))
        without_dropout(model)
        # Clipping at a very small norm would hide a wrong scale; the logged norm is the one before it.
        train(model, rows, tmp_path / str(parts), steps=4, gradient_accumulation=parts, save_steps=1)
        lines = [record.getMessage() for record in caplog.records if "grad_norm" in record.getMessage()]
        measured[parts] = [[float(part.split()[-1]) for part in line.split(", ")[1:3]] for line in lines]
    assert len(measured[1]) == 4
    torch.testing.assert_close(torch.tensor(measured[1]), torch.tensor(measured[4]), rtol=1e-3, atol=0)


def without_dropout(model):
    for module in model.modules():
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def test_a_batch_that_does_not_divide_is_refused(pairs, tokenizer, tmp_path):
    with pytest.raises(ValueError, match="a batch of 16 pairs does not divide into 1 processes x 3 accumulated"):
        train(tiny_model(len(tokenizer)), pairs, tmp_path, gradient_accumulation=3)


@pytest.mark.parametrize("instructions", [True, False])
def test_bfloat16_where_the_machine_gains_by_it(monkeypatch, instructions):
    monkeypatch.setattr("angel_hf.training.stage.trainer.has_bfloat16", lambda device: instructions)
    assert trainer_arguments(Optimization(steps=1, batch_size=1, learning_rate=1, bf16=True), 1)["bf16"] is instructions
    assert trainer_arguments(Optimization(steps=1, batch_size=1, learning_rate=1), 1)["bf16"] is False


def test_bfloat16_trains(monkeypatch, pairs, tokenizer, tmp_path):
    monkeypatch.setattr("angel_hf.training.stage.trainer.has_bfloat16", lambda device: True)
    model = tiny_model(len(tokenizer))
    before = model.model.shared.weight.clone()
    train(model, pairs, tmp_path, steps=2, bf16=True)
    assert model.model.shared.weight.dtype == torch.float32
    assert not torch.equal(before, model.model.shared.weight)
    # What comes next computes in float32 again.
    plain = tiny_model(len(tokenizer))
    plain.load_state_dict(model.state_dict())
    ids = torch.tensor([[0, 10, 11, 2]])
    with torch.no_grad():
        expected, actual = (one.eval()(input_ids=ids, decoder_input_ids=ids).logits for one in (plain, model))
    assert torch.equal(expected, actual)


def test_a_rate_that_falls_to_an_end_has_no_timescale(pairs, tokenizer, tmp_path):
    train(tiny_model(len(tokenizer)), pairs, tmp_path, steps=1, schedule="linear", schedule_timescale=100)
    assert trainer_arguments(optimization(schedule_timescale=100), 1)["lr_scheduler_kwargs"] == {}
    kept = optimization(schedule="inverse_sqrt", schedule_timescale=100)
    assert trainer_arguments(kept, 1)["lr_scheduler_kwargs"] == {"timescale": 100}


def test_the_polynomial_schedule_is_a_straight_line_down_to_1e_7(pairs, tokenizer, tmp_path):
    """The rates that the optimizer applies: at published peaks of 3e-7 a line down to 0 is another one."""
    rates = []
    hook = register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    try:
        changes = {"learning_rate": 3e-7, "warmup_steps": 2, "schedule": "polynomial"}
        train(tiny_model(len(tokenizer)), pairs, tmp_path, steps=10, **changes)
    finally:
        hook.remove()
    # Up in two steps and down by 2e-7 / 8 a step; the end would be the rate of an eleventh.
    expected = [0, 1.5e-7, 3e-7, 2.75e-7, 2.5e-7, 2.25e-7, 2e-7, 1.75e-7, 1.5e-7, 1.25e-7]
    assert rates == pytest.approx(expected, rel=1e-6)


class StopsAfter(torch.utils.data.Dataset):
    """Rows of which a late one cannot be read, as if the process were killed there."""

    def __init__(self, rows, limit):
        self.rows, self.limit = rows, limit

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, position):
        if position >= self.limit:
            raise InterruptedError
        return self.rows[position]


def test_prepared_builds_once(pairs, tmp_path):
    PartialState(cpu=True)
    built = []

    def build():
        built.append(1)
        return pairs

    first, second = prepared(tmp_path / "rows", build), prepared(tmp_path / "rows", build)
    assert built == [1] and first[0] == second[0] == pairs[0]


def test_a_finished_directory_is_whole_and_is_read_back(tokenizer, tmp_path):
    model, other = tiny_model(len(tokenizer)), new_model(tokenizer, SHAPE, dropout=0.0, seed=3)
    path = tmp_path / "finished"

    def stopped(partial):
        model.save_pretrained(partial)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        finished(path, stopped)
    assert not path.exists()
    finished(path, model.save_pretrained)
    again = tiny_model(len(tokenizer))
    torch.nn.init.zeros_(again.model.shared.weight)
    load_weights(again, path)
    assert_equal_weights(model.state_dict(), again.state_dict())
    with pytest.raises((ValueError, RuntimeError), match="do not fit|size mismatch"):
        load_weights(other, path)


SHAPE = Shape(
    vocabulary_size=400, d_model=64, encoder_layers=2, decoder_layers=1, attention_heads=4, ffn_dim=128,
    max_positions=64, max_source_length=64,
)  # fmt: skip


def test_positions_start_as_sinusoids_at_the_embeddings_scale(tokenizer):
    model = new_model(tokenizer, SHAPE, dropout=0.0, seed=1)
    positions, tokens = model.model.encoder.embed_positions.weight, model.model.shared.weight
    assert positions.requires_grad
    assert positions.std().item() == pytest.approx(0.02, rel=1e-3) and tokens.std().item() == pytest.approx(
        0.02, rel=0.05
    )
    table = sinusoids(*positions.shape)
    torch.testing.assert_close(positions / 0.02 * table.std(), table)
    neighbours = torch.nn.functional.cosine_similarity(positions[10], positions[[11, 40]])
    assert neighbours[0] > neighbours[1]
