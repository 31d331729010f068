"""A recipe with a pretrained encoder, from its start to a saved model that links."""

import pytest
import torch
from transformers import BertConfig, BertModel

from angel_hf import AngelForEntityLinking
from angel_hf.training.run.pipeline import run_recipe
from angel_hf.types import Mention
from tests.training.model.test_pretrained_encoder import VOCABULARY, wordpiece_tokenizer
from tests.training.small_recipe import RECIPE, recipe

REPLACED = "vocabulary_size d_model encoder_layers attention_heads ffn_dim max_positions"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(1)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(VOCABULARY), **shape), add_pooling_layer=False).save_pretrained(path)
    wordpiece_tokenizer().save_pretrained(path)
    return path


def test_all_stages_train_and_the_saved_model_links(encoder, data, tmp_path):
    lines = [line for line in RECIPE.splitlines() if line.split(" ")[0] not in REPLACED.split()]
    text = "\n".join(lines).replace("[model]", f'[model]\nencoder = "{encoder}"')
    run_recipe(recipe(tmp_path, text=text), data, tmp_path / "out")
    model = AngelForEntityLinking.from_pretrained(tmp_path / "out" / "model").eval()
    assert model.config.layer_norm_eps == 1e-12
    assert model.model.encoder.layernorm_embedding.eps == 1e-12
    (linked,) = model.link([Mention("a case of wilson disease.", 10, 24)], top_k=2)
    assert linked.best is not None
