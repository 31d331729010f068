"""The passes of both engines equal transformers' own, sequence by sequence."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import BartConfig, BartForConditionalGeneration

from angel_hf.inference.engine import Engine, Step, TreeDecoder
from angel_hf.inference.packed import engine as packed_engine
from angel_hf.inference.packed.engine import PackedEngine
from angel_hf.inference.plain import PlainEngine

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


@pytest.fixture(autouse=True, params=[1, 8], ids=["rows as they come", "round numbers of rows"])
def multiple(request, monkeypatch) -> int:
    """Of which each number of rows is one: what the libraries of all machines ask for."""
    monkeypatch.setattr(packed_engine, "rows_multiple", lambda layer: request.param)
    return request.param


@torch.no_grad()
def expected_logprobs(bart, source: list[int], decoder: list[int]) -> torch.Tensor:
    logits = bart(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([decoder])).logits[0, -1]
    return logits.float().log_softmax(-1)


@pytest.fixture(params=[PlainEngine, PackedEngine], ids=["plain engine", "packed engine"])
def make_engine(request) -> type[Engine]:
    return request.param


def all_logprobs(engine: Engine, decoder: TreeDecoder, rows: int) -> torch.Tensor:
    """Of all tokens after each row that was read last, [rows, vocabulary]."""
    tokens = torch.arange(engine.vocab_size)
    return torch.stack([decoder.logprobs(torch.full_like(tokens, row), tokens) for row in range(rows)])


def hidden_states(sources) -> list[torch.Tensor]:
    """Of each source, without padding."""
    if isinstance(sources.states, list):
        return sources.states
    return [states[mask.flatten()] for states, mask in zip(sources.states, sources.mask)]


@torch.inference_mode()
def test_encoder(bart, make_engine):
    for source, hidden in zip(SOURCES, hidden_states(make_engine(bart).encode(SOURCES)), strict=True):
        expected = bart.model.encoder(torch.tensor([source])).last_hidden_state[0]
        torch.testing.assert_close(hidden, expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_prefixes_of_different_lengths(bart, make_engine):
    engine = make_engine(bart)
    decoder = engine.start(engine.encode(SOURCES), PREFIXES, BEAMS)
    for row, logprobs in enumerate(all_logprobs(engine, decoder, len(PREFIXES))):
        torch.testing.assert_close(logprobs, expected_logprobs(bart, SOURCES[row], PREFIXES[row]), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_chosen_sources_are_those_of_the_mentions(bart, make_engine):
    engine = make_engine(bart)
    decoder = engine.start(engine.encode(SOURCES).select([3, 1]), [PREFIXES[3], PREFIXES[1]], BEAMS)
    for row, logprobs in zip((3, 1), all_logprobs(engine, decoder, 2)):
        torch.testing.assert_close(logprobs, expected_logprobs(bart, SOURCES[row], PREFIXES[row]), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_beams_that_branch_move_and_leave(bart, make_engine):
    """Random beams over enough steps for the cache to grow, with mentions dropped on the way."""
    engine = make_engine(bart)
    decoder = engine.start(engine.encode(SOURCES), PREFIXES, BEAMS)
    generator = torch.Generator().manual_seed(1)
    histories = {(mention, 0): prefix for mention, prefix in enumerate(PREFIXES)}
    mentions = list(range(len(SOURCES)))
    capacity = cache_size(decoder)
    for step in range(15):
        if step in (4, 9):
            # The second engine drops one of four at once, the plain one only when half of them are finished.
            going = [position for position in range(len(mentions)) if position != 1 and (step == 4 or position != 0)]
            order = decoder.keep(torch.tensor(going), rows=99)
            kept = [*range(len(mentions))] if order is None else order.tolist()
            assert order is None or sorted(kept) == going
            histories = {
                (kept.index(m), k): history for (m, k), history in histories.items() if m in kept and m in going
            }
            mentions = [mentions[position] for position in kept]
        heirs, parents, tokens = {}, [], []
        for position in range(len(mentions)):
            own = [key for key in histories if key[0] == position]
            for beam in range(int(torch.randint(1, BEAMS + 1, (1,), generator=generator)) if own else 0):
                parent = own[int(torch.randint(len(own), (1,), generator=generator))]
                token = int(torch.randint(4, 12, (1,), generator=generator))
                heirs[position, beam] = [*histories[parent], token]
                parents.append(parent[0] * BEAMS + parent[1])
                tokens.append(token)
        histories = heirs
        mention, slot = torch.tensor([(position, position * BEAMS + beam) for position, beam in heirs]).T
        unused = torch.zeros_like(slot)
        decoder.step(Step(unused, torch.tensor(parents), mention, slot, torch.tensor(tokens)))
        logprobs = all_logprobs(engine, decoder, len(heirs))
        for row, ((position, _), history) in enumerate(heirs.items()):
            expected = expected_logprobs(bart, SOURCES[mentions[position]], history)
            torch.testing.assert_close(logprobs[row], expected, atol=2e-5, rtol=0)
    assert cache_size(decoder) > capacity, "the cache never grew, so its growth was not tested"
    assert len(mentions) < len(SOURCES), "no mention was dropped"


def cache_size(decoder) -> int:
    """Positions that there is room for."""
    return decoder._cache.shape[4] if hasattr(decoder, "_cache") else decoder.state.targets[0].shape[1]


@torch.inference_mode()
def test_trees_of_tokens_are_read_in_passes_of_any_size(bart, make_engine):
    """Random trees of some mentions, whose tokens follow others of the same pass and of former ones."""
    engine = make_engine(bart)
    decoder = engine.start(engine.encode(SOURCES), PREFIXES, BEAMS)
    capacity = cache_size(decoder)
    generator = np.random.default_rng(3)
    # Of each mention, what each row has read and which cached positions it sees.
    trees = [[(prefix, tuple(range(len(prefix))))] for prefix in PREFIXES]
    for sizes in ((1, 0, 2, 1), (3, 2, 0, 5), (8, 0, 0, 1), (0, 0, 16, 0), (1, 1, 1, 1)):
        cached, read = decoder.length, []
        for mention, (tree, size) in enumerate(zip(trees, sizes, strict=True)):
            for column in range(size):
                history, seen = tree[int(generator.integers(len(tree)))]
                tree.append(([*history, int(generator.integers(4, 12))], (*seen, cached + column)))
                read.append((mention, *tree[-1]))
        decoder.step_tree(
            np.array([history[-1] for _, history, _ in read]),
            np.array([mention for mention, _, _ in read]),
            np.array([len(history) - 1 for _, history, _ in read]),
            [seen for _, _, seen in read],
        )
        for logprobs, (mention, history, _) in zip(all_logprobs(engine, decoder, len(read)), read):
            torch.testing.assert_close(logprobs, expected_logprobs(bart, SOURCES[mention], history), atol=2e-5, rtol=0)
    assert cache_size(decoder) > capacity, "the cache never grew, so its growth was not tested"
    assert max(len(history) for history, _ in trees[2]) > len(PREFIXES[2]) + 3


@torch.inference_mode()
def test_more_tokens_than_are_encoded_together(bart, make_engine):
    """Groups of sources, a source longer than a group, and numbers of tokens that are padded to a multiple."""
    lengths = [3, 30, 45] * 12 + [2]
    generator = torch.Generator().manual_seed(2)
    sources = [[0, *torch.randint(4, 12, (length,), generator=generator).tolist(), 2] for length in lengths]
    assert sum(map(len, sources)) > packed_engine._TOKENS_TOGETHER
    padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in sources], batch_first=True)
    mask = (torch.arange(padded.shape[1]) < torch.tensor(lengths)[:, None] + 2).long()
    expected = bart.model.encoder(padded, attention_mask=mask).last_hidden_state
    for row, hidden in enumerate(hidden_states(make_engine(bart).encode(sources))):
        torch.testing.assert_close(hidden, expected[row, : len(sources[row])], atol=1e-5, rtol=0)
    groups = packed_engine._groups([400, 300, 200, 900, 1], 768)
    assert groups == [slice(0, 2), slice(2, 3), slice(3, 4), slice(4, 5)]


def after_prefixes(make_engine, model) -> torch.Tensor:
    engine = make_engine(model)
    decoder = engine.start(engine.encode(SOURCES), PREFIXES, BEAMS)
    return all_logprobs(engine, decoder, len(PREFIXES))


@torch.inference_mode()
@pytest.mark.parametrize(
    "targets", [["q_proj", "v_proj"], ["fc1", "fc2", "out_proj"], ["lm_head"]], ids=["attention", "others", "head"]
)
def test_adapters_are_passed_through(bart, make_engine, targets):
    plain = after_prefixes(make_engine, bart)
    adapted = get_peft_model(bart, LoraConfig(r=2, target_modules=targets, init_lora_weights=False)).eval()
    inner = adapted.get_base_model()
    logprobs = after_prefixes(make_engine, inner)
    assert (logprobs - plain).abs().max() > 1e-2
    for row, own in enumerate(logprobs):
        torch.testing.assert_close(own, expected_logprobs(inner, SOURCES[row], PREFIXES[row]), atol=2e-5, rtol=0)
    # Merging changes weights that were packed above in ways that their version counters do not show.
    merged = adapted.merge_and_unload()  # of the head into the embeddings too, which are the same matrix
    for row, own in enumerate(after_prefixes(make_engine, merged)):
        torch.testing.assert_close(own, expected_logprobs(merged, SOURCES[row], PREFIXES[row]), atol=2e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions(bart, make_engine, dtype):
    expected = after_prefixes(make_engine, bart)
    tolerance = 0.3 if dtype is torch.bfloat16 else 1e-5
    torch.testing.assert_close(after_prefixes(make_engine, bart.to(dtype)), expected, atol=tolerance, rtol=0)
