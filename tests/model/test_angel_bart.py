"""A body that normalises before its blocks: written out by hand, packed, generating, saved and loaded."""

import pytest
import torch
from torch.nn.functional import gelu, layer_norm, linear, scaled_dot_product_attention
from transformers import BartConfig, BartForConditionalGeneration

from angel_hf.inference.engine import Step
from angel_hf.inference.packed.decoder import PackedDecoder
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.model.angel_bart import AngelBart


def small_config(normalize_before: bool) -> BartConfig:
    return BartConfig(
        vocab_size=40,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=32,
        init_std=0.4,
        forced_eos_token_id=None,
        normalize_before=normalize_before,
    )


@pytest.fixture
def pre_norm() -> AngelBart:
    torch.manual_seed(0)
    model = AngelBart(small_config(normalize_before=True)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)  # no layer norm at its start
    return model


SOURCE = torch.tensor([[0, 5, 6, 7, 8, 2]])
TARGET = torch.tensor([[2, 9, 10, 11]])


def written_out(model: AngelBart) -> torch.Tensor:
    """Logits by the definition of a pre-norm transformer, from the parameters alone."""
    weights = model.state_dict()

    def norm(name: str, hidden: torch.Tensor) -> torch.Tensor:
        return layer_norm(hidden, hidden.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    def project(name: str, hidden: torch.Tensor) -> torch.Tensor:
        return linear(hidden, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def attend(name: str, queries: torch.Tensor, memory: torch.Tensor, causal: bool = False) -> torch.Tensor:
        def heads(kind: str, hidden: torch.Tensor) -> torch.Tensor:
            return project(f"{name}.{kind}_proj", hidden).view(len(hidden), 2, -1).transpose(0, 1)

        read = scaled_dot_product_attention(
            heads("q", queries), heads("k", memory), heads("v", memory), is_causal=causal
        )
        return project(f"{name}.out_proj", read.transpose(0, 1).reshape(len(queries), -1))

    def feed_forward(name: str, hidden: torch.Tensor) -> torch.Tensor:
        return project(f"{name}.fc2", gelu(project(f"{name}.fc1", norm(f"{name}.final_layer_norm", hidden))))

    def embed(stack: str, ids: torch.Tensor) -> torch.Tensor:
        positions = weights[f"{stack}.embed_positions.weight"][2 : 2 + len(ids)]
        return norm(f"{stack}.layernorm_embedding", weights["model.shared.weight"][ids] + positions)

    memory = embed("model.encoder", SOURCE[0])
    for depth in range(2):
        layer = f"model.encoder.layers.{depth}"
        before = norm(f"{layer}.self_attn_layer_norm", memory)
        memory = memory + attend(f"{layer}.self_attn", before, before)
        memory = memory + feed_forward(layer, memory)
    memory = norm("model.encoder.layer_norm", memory)
    hidden = embed("model.decoder", TARGET[0])
    for depth in range(2):
        layer = f"model.decoder.layers.{depth}"
        before = norm(f"{layer}.self_attn_layer_norm", hidden)
        hidden = hidden + attend(f"{layer}.self_attn", before, before, causal=True)
        hidden = hidden + attend(f"{layer}.encoder_attn", norm(f"{layer}.encoder_attn_layer_norm", hidden), memory)
        hidden = hidden + feed_forward(layer, hidden)
    return linear(norm("model.decoder.layer_norm", hidden), weights["model.shared.weight"])


@torch.no_grad()
def test_the_forward_pass_is_a_pre_norm_transformer(pre_norm):
    logits = pre_norm(input_ids=SOURCE, decoder_input_ids=TARGET).logits[0]
    torch.testing.assert_close(logits, written_out(pre_norm), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_cached_step_equals_the_whole_pass(pre_norm):
    whole = pre_norm(input_ids=SOURCE, decoder_input_ids=TARGET).logits[:, -1]
    first = pre_norm(input_ids=SOURCE, decoder_input_ids=TARGET[:, :-1], use_cache=True)
    step = pre_norm(
        encoder_outputs=(first.encoder_last_hidden_state,),
        attention_mask=torch.ones_like(SOURCE),
        decoder_input_ids=TARGET[:, -1:],
        past_key_values=first.past_key_values,
    )
    torch.testing.assert_close(step.logits[:, -1], whole, rtol=1e-4, atol=1e-5)


def logprobs(decoder: PackedDecoder, row: int) -> torch.Tensor:
    tokens = torch.arange(40)
    return decoder.logprobs(torch.full_like(tokens, row), tokens)


@torch.no_grad()
def test_the_packed_pass_equals_it(pre_norm):
    packed = PackedEngine(pre_norm)
    others = [[0, 7, 2], SOURCE[0].tolist()]
    decoder = packed.start(packed.encode(others), [[2, 12], TARGET[0, :-1].tolist()], num_beams=2)
    torch.testing.assert_close(
        logprobs(decoder, 1),
        pre_norm(input_ids=SOURCE, decoder_input_ids=TARGET[:, :-1]).logits[0, -1].log_softmax(-1),
        rtol=1e-4,
        atol=1e-5,
    )
    slot, mention = torch.tensor([2]), torch.tensor([1])
    decoder.step(Step(mention, slot, mention, slot, TARGET[0, -1:]))
    torch.testing.assert_close(logprobs(decoder, 0), written_out(pre_norm)[-1].log_softmax(-1), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_it_is_saved_and_loaded_whole(pre_norm, tmp_path):
    pre_norm.save_pretrained(tmp_path)
    loaded, notes = AngelBart.from_pretrained(tmp_path, output_loading_info=True)
    assert not notes["missing_keys"] and not notes["unexpected_keys"]
    assert loaded.lm_head.weight is loaded.model.shared.weight is loaded.model.decoder.embed_tokens.weight
    torch.testing.assert_close(
        loaded(input_ids=SOURCE, decoder_input_ids=TARGET).logits,
        pre_norm(input_ids=SOURCE, decoder_input_ids=TARGET).logits,
        rtol=0,
        atol=0,
    )


@torch.no_grad()
def test_without_the_setting_it_is_bart():
    torch.manual_seed(0)
    ours = AngelBart(small_config(normalize_before=False)).eval()
    theirs = BartForConditionalGeneration(small_config(normalize_before=False)).eval()
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(
        ours(input_ids=SOURCE, decoder_input_ids=TARGET).logits,
        theirs(input_ids=SOURCE, decoder_input_ids=TARGET).logits,
        rtol=0,
        atol=0,
    )
