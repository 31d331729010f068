"""The recipes of BART-large run whole on a random BART of two layers: the same code, other numbers."""

import dataclasses
import json
import re

import pytest
import torch
from peft import PeftModel
from transformers import BartConfig, BartForConditionalGeneration, set_seed
from typer.testing import CliRunner

from angel_hf import AngelForEntityLinking
from angel_hf.cli import app
from angel_hf.training.model.base import base_model
from angel_hf.training.recipes.reading import known_recipes, read_recipe
from angel_hf.training.run.pipeline import run_recipe

PUBLISHED = {
    "ncbi": (20_000, 3e-7, 0, 1e-5, 16),
    "bc5cdr": (30_000, 5e-6, 500, 1e-6, 16),
    "cometa": (40_000, 2e-5, 1000, 5e-6, 32),
    "aap": (30_000, 5e-6, 0, 5e-6, 8),
    "medmentions": (40_000, 3e-5, 1000, 5e-6, 16),
}
"""Steps, rate and warm-up of positive training; rate and batch of preference training: the authors' table."""

SMALLER = (
    "model.d_model=32", "model.encoder_layers=2", "model.decoder_layers=2", "model.attention_heads=2",
    "model.ffn_dim=64", "model.max_positions=128", "model.max_source_length=64", "model.max_target_length=48",
    "fine_tuning.steps=4", "fine_tuning.batch_size=4", "fine_tuning.warmup_steps=1", "fine_tuning.save_steps=2",
    "preference.batch_size=2", "preference.rounds=2", "preference.steps=3", "preference.mining.num_beams=5",
)  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory, tokenizer):
    path = tmp_path_factory.mktemp("base")
    set_seed(0)
    sizes = {f"{side}_{part}": 2 for side in ("encoder", "decoder") for part in ("layers", "attention_heads")}
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=128,
        activation_dropout=0.05, **sizes,
    )  # fmt: skip
    BartForConditionalGeneration(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory, concepts):
    """A benchmark in the form of GenBioEL, where the recipes look for NCBI-disease."""
    path = tmp_path_factory.mktemp("benchmarks")
    directory = path / "genbioel" / "ncbi"
    directory.mkdir(parents=True)
    names = {concept.concept_id: [name.lower() for name in concept.names] for concept in concepts}
    (directory / "target_kb.json").write_text(json.dumps(names), encoding="utf-8")
    rows = [("skin tumour", "D1"), ("wilsons disease", "D2"), ("no hearing", "D3"), ("low red cells", "D4")] * 2
    for split in ("train", "dev"):
        sources = [json.dumps([f"case {number} of START {name} END seen."]) for number, (name, _) in enumerate(rows)]
        (directory / f"{split}.source").write_text("\n".join(sources) + "\n", encoding="utf-8")
        (directory / f"{split}label.txt").write_text("".join(f"{label}\n" for _, label in rows), encoding="utf-8")
    return path


def smaller(name, base):
    return read_recipe(name, [*SMALLER, f'model.base="{base}"', f'model.tokenizer="{base}"'])


def test_every_recipe_has_the_published_values():
    for benchmark, values in PUBLISHED.items():
        recipe = read_recipe(f"bart_large_{benchmark}")
        positive, preference = recipe.fine_tuning, recipe.preference
        found = (positive.steps, positive.learning_rate, positive.warmup_steps, preference.learning_rate)
        assert (*found, preference.batch_size) == values, benchmark
        assert (positive.label_smoothing, positive.weight_decay, positive.max_grad_norm) == (0.1, 0.01, 0.1)
        assert (positive.batch_size, positive.schedule, positive.prefix_weight) == (16, "polynomial", 0.0)
        assert positive.nearest_weights == (1.0, 1.0, 1.0)
        assert (preference.beta, preference.loss, preference.rounds, preference.epochs) == (0.1, ("sigmoid",), 10, 1)
        assert (preference.mining.sources, preference.mining.top_k) == (("train",), 5)
        adapted = read_recipe(f"bart_large_{benchmark}_lora")
        assert adapted.adapter is not None and adapted.data == recipe.data and adapted.model == recipe.model
    large = [name for name in known_recipes() if name.startswith("bart_large")]
    assert len(large) == 2 * len(PUBLISHED)


PARAMETERS = 406_291_456
# Rank 16 of both sides of each matrix: four of 1024 x 1024 in 12 + 2 * 12 attentions, two of 1024 x 4096 in 24 layers.
ADAPTERS = 16 * (4 * 36 * (1024 + 1024) + 2 * 24 * (1024 + 4096))


@pytest.mark.parametrize(
    ("name", "trained"), [("bart_large_ncbi", PARAMETERS), ("bart_large_ncbi_lora", ADAPTERS)], ids=["all", "adapters"]
)
def test_a_dry_run_shows_the_stages_and_the_memory(name, trained, tmp_path, monkeypatch):
    """Weights of 4 bytes, a gradient and two moments of each that trains, and activations of the longest 16 pairs."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["train", "--recipe", name, "--dry-run"])
    assert result.exit_code == 0, result.stderr
    assert "from dmis-lab/ANGEL_pretrained, 406.3 M parameters, seed 0" in result.stdout
    kept = 4 * PARAMETERS + 12 * trained
    # Bytes a token: 34 * width + 5 * heads * length in 16 bits, twice that in 32, in each of 12 layers.
    encoder = 12 * 16 * 1024 * 2 * (34 * 1024 + 5 * 16 * 1024)
    # A layer that also looks at the source is half as much again, and logits are there three times.
    decoder = 12 * 16 * 256 * 2 * (34 * 1024 + 5 * 16 * 256) * 3 // 2 + 3 * 4 * 16 * 256 * 50265
    rows = re.findall(r"^(\S+) +(\S+)  16 = 1 x 1 x 16 +(\S+) GB +\S+ \S+$", result.stdout, re.MULTILINE)
    assert [row[:2] for row in rows] == [("fine_tuning", "20,000"), ("preference", "<=10,000")]
    # A pair is one source and two names.
    expected = [(kept + encoder + names * decoder) / 1e9 for names in (1, 2)]
    assert [float(memory) for _, _, memory in rows] == pytest.approx(expected, abs=0.05)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("dropout", "expected"), [(0.3, (0.3, 0.3, 0.05)), (0.0, (0.0, 0.0, 0.0))])
def test_dropout_is_the_recipes_and_between_feed_forward_layers_the_checkpoints(base, dropout, expected):
    recipe = read_recipe("bart_large_ncbi", [*SMALLER, f'model.base="{base}"', f'model.tokenizer="{base}"'])
    layer = base_model(dataclasses.replace(recipe.model, dropout=dropout)).model.encoder.layers[0]
    assert (layer.dropout, layer.self_attn.dropout, layer.activation_dropout) == expected


def test_the_whole_recipe_runs(base, data, tmp_path):
    run_recipe(smaller("bart_large_ncbi", base), data, tmp_path)
    model = AngelForEntityLinking.from_pretrained(tmp_path / "model")
    started = BartForConditionalGeneration.from_pretrained(base)
    assert not torch.equal(model.model.shared.weight, started.model.shared.weight)
    assert model.knowledge_base.num_concepts == 5
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["dev"]["mentions"] == 8
    assert not (tmp_path / "adapter").exists()


def test_one_adapter_goes_through_all_stages(base, data, tmp_path):
    """It is all that trains, and with its base it is the finished model."""
    changes = ["fine_tuning.learning_rate=1e-2", "preference.learning_rate=1e-2"]
    recipe = read_recipe(
        "bart_large_ncbi_lora", [*SMALLER, f'model.base="{base}"', f'model.tokenizer="{base}"', *changes]
    )
    run_recipe(recipe, data, tmp_path)
    whole = AngelForEntityLinking.from_pretrained(tmp_path / "model").eval()
    by_peft = PeftModel.from_pretrained(BartForConditionalGeneration.from_pretrained(base), str(tmp_path / "adapter"))
    assert by_peft.peft_config["default"].base_model_name_or_path == str(tmp_path / "base")
    adapted = AngelForEntityLinking.from_pretrained(tmp_path / "adapter").eval()
    assert adapted.trie.fingerprint == whole.trie.fingerprint
    assert adapted.processor.fingerprint == whole.processor.fingerprint
    started = BartForConditionalGeneration.from_pretrained(base)
    assert torch.equal(whole.model.shared.weight, started.model.shared.weight)
    ids, decoder = torch.tensor([[0, 10, 11, 2]]), torch.tensor([[2, 12, 13]])
    with torch.no_grad():
        expected = by_peft.eval()(input_ids=ids, decoder_input_ids=decoder).logits
        for one in (whole, adapted):
            torch.testing.assert_close(one(input_ids=ids, decoder_input_ids=decoder).logits, expected)
        assert not torch.allclose(started.eval()(input_ids=ids, decoder_input_ids=decoder).logits, expected, atol=1e-4)


def test_a_checkpoint_of_another_shape_is_refused(base, data, tmp_path):
    recipe = read_recipe("bart_large_ncbi", [*SMALLER[1:], f'model.base="{base}"', f'model.tokenizer="{base}"'])
    with pytest.raises(ValueError, match=r"d_model is 32; the recipe's \[model\] says 1024"):
        run_recipe(recipe, data, tmp_path)
