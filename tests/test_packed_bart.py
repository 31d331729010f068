"""The packed forward pass equals transformers' own, sequence by sequence."""

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration

from angel_hf.packed_bart import PackedBart

SOURCES = [[0, 5, 2], [0, 9, 8, 2], [0, 7, 7, 2], [0, 4, 5, 6, 7, 8, 2]]
PREFIXES = [[2, 5, 6], [2, 6], [2, 9, 9, 9, 6], [2, 7, 6]]
BEAMS = 3


@pytest.fixture(params=[False, True], ids=["plain", "scaled embeddings"])
def bart(request) -> BartForConditionalGeneration:
    torch.manual_seed(0)
    config = BartConfig(
        vocab_size=12, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=64,
        init_std=0.4, scale_embedding=request.param, forced_eos_token_id=None,
    )  # fmt: skip
    model = BartForConditionalGeneration(config).eval()
    model.final_logits_bias.normal_()  # zero in every published model, and added all the same
    return model


@torch.no_grad()
def expected_logits(bart, source: list[int], decoder: list[int]) -> torch.Tensor:
    return bart(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([decoder])).logits[0, -1]


@torch.inference_mode()
def test_encoder(bart):
    for source, hidden in zip(SOURCES, PackedBart(bart).encode(SOURCES), strict=True):
        expected = bart.model.encoder(torch.tensor([source])).last_hidden_state[0]
        torch.testing.assert_close(hidden, expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_prefixes_of_different_lengths(bart):
    packed = PackedBart(bart)
    _, hidden = packed.start(packed.encode(SOURCES), PREFIXES, BEAMS)
    for row, logits in enumerate(packed.logits(hidden)):
        torch.testing.assert_close(logits, expected_logits(bart, SOURCES[row], PREFIXES[row]), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_beams_that_branch_move_and_leave(bart):
    """Random beams over enough steps for the cache to grow, with mentions dropped on the way."""
    packed = PackedBart(bart)
    state, _ = packed.start(packed.encode(SOURCES), PREFIXES, BEAMS)
    generator = torch.Generator().manual_seed(1)
    histories = {(mention, 0): prefix for mention, prefix in enumerate(PREFIXES)}
    mentions = list(range(len(SOURCES)))
    capacity = state.seen.shape[1]
    for step in range(15):
        if step in (4, 9):
            mentions_kept = [position for position in range(len(mentions)) if position != 1]
            state.keep(torch.tensor(mentions_kept))
            histories = {(mentions_kept.index(m), k): h for (m, k), h in histories.items() if m in mentions_kept}
            mentions = [mentions[position] for position in mentions_kept]
        heirs, parents, tokens = {}, [], []
        for position in range(len(mentions)):
            own = [key for key in histories if key[0] == position]
            for beam in range(int(torch.randint(1, BEAMS + 1, (1,), generator=generator))):
                parent = own[int(torch.randint(len(own), (1,), generator=generator))]
                token = int(torch.randint(4, 12, (1,), generator=generator))
                heirs[position, beam] = [*histories[parent], token]
                parents.append(parent[0] * BEAMS + parent[1])
                tokens.append(token)
        histories = heirs
        slots = torch.tensor([position * BEAMS + beam for position, beam in heirs])
        logits = packed.logits(packed.step(state, torch.tensor(tokens), slots, torch.tensor(parents)))
        for row, ((position, _), history) in enumerate(heirs.items()):
            expected = expected_logits(bart, SOURCES[mentions[position]], history)
            torch.testing.assert_close(logits[row], expected, atol=2e-5, rtol=0)
    assert state.seen.shape[1] > capacity, "the cache never grew, so its growth was not tested"
    assert len(mentions) == 2
