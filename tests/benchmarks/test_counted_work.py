"""What linking costs in counted work, against formulas and the published rules.

No clock is looked at, so that a busy machine can neither hide a waste nor invent one.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from transformers import BartForConditionalGeneration

from angel_hf import AngelForEntityLinking, KnowledgeBase, Mention, NameTrie
from angel_hf.formats.pubtator import read_pubtator
from angel_hf.inference.packed.products import OpenBlasWeight
from angel_hf.search import BeamSearch, lookahead
from benchmarks.counted_work import CountedWork, count_operators, count_work
from benchmarks.nested_dict import Node, build_nested_dict
from benchmarks.operations import Work, attention_operations, linear_operations
from benchmarks.our_search import search_ids
from benchmarks.trie_process import traced_bytes
from tests.conftest import SAMPLE
from tests.toy import find_names

TINY = SAMPLE / "reference" / "tiny"
BEAMS = 10
BATCH = 32


@pytest.fixture(scope="module")
def model(reference_names) -> AngelForEntityLinking:
    """The reference model over four thousand names."""
    names = KnowledgeBase.from_names({"all": reference_names[::20]}, normalization="lowercase")
    return AngelForEntityLinking.from_pretrained(TINY, knowledge_base=names).eval()


@pytest.fixture(scope="module")
def mentions() -> list[Mention]:
    """A batch of mentions of abstracts, with contexts of many lengths."""
    documents = read_pubtator(SAMPLE / "data" / "ncbi_disease" / "NCBItestset_corpus.txt")
    found = [
        Mention(document.text[: annotation.end + 60 * number], annotation.start, annotation.end)
        for number, document in enumerate(documents)
        for annotation in document.annotations
    ]
    return found[:BATCH]


def counted(model: AngelForEntityLinking, mentions: list[Mention]) -> CountedWork:
    return count_work(lambda: model.link(mentions, search=BeamSearch(BEAMS), batch_size=BATCH))


@contextmanager
def without_lookahead() -> Iterator[None]:
    """The decoder reads the live beams and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookahead, "ROWS", 0)
        yield


@pytest.fixture(scope="module")
def together(model, mentions) -> CountedWork:
    """A batch."""
    assert len(mentions) == BATCH
    with without_lookahead():
        return counted(model, mentions)


@pytest.fixture(scope="module")
def alone(model, mentions) -> list[CountedWork]:
    """Each mention by itself."""
    with without_lookahead():
        return [counted(model, [mention]) for mention in mentions]


@pytest.fixture(scope="module")
def together_ahead(model, mentions) -> CountedWork:
    """A batch, at whose end the decoder is fed ahead."""
    return counted(model, mentions)


@pytest.fixture(scope="module")
def alone_ahead(model, mentions) -> list[CountedWork]:
    """Each mention by itself, the decoder fed ahead."""
    return [counted(model, [mention]) for mention in mentions]


# Rows


def test_every_step_reads_the_live_beams_of_the_published_search_and_no_other(model, reference_names):
    """The rules of the published search, over a nested dict and transformers' own forward pass without a cache."""
    bart = BartForConditionalGeneration.from_pretrained(TINY, dtype=torch.float32).eval()
    names = build_nested_dict(model.trie.sequences(), bart.config.eos_token_id)
    for mention in json.loads((TINY / "golden.json").read_text())["mentions"][:4]:
        source, prefix = mention["input_ids"], mention["decoder_prefix_ids"]
        with without_lookahead():
            work = count_work(lambda source=source, prefix=prefix: search_ids(model, [source], [prefix], BEAMS))
        assert (work.encoder_tokens, work.prefix_tokens) == (len(source), 1 + len(prefix))
        assert list(work.step_rows) == live_beams(bart, names, source, prefix)


@torch.inference_mode()
def live_beams(bart: BartForConditionalGeneration, names: Node, source: list[int], prefix: list[int]) -> list[int]:
    """How many beams live after each step."""
    end, hidden = bart.config.eos_token_id, bart.model.encoder(torch.tensor([source])).last_hidden_state
    live, finished, counts = [(0.0, [], names)], 0, []
    while finished < BEAMS and live:
        decoder_ids = torch.tensor([[bart.config.decoder_start_token_id, *prefix, *tokens] for _, tokens, _ in live])
        logits = bart(encoder_outputs=(hidden.expand(len(live), -1, -1),), decoder_input_ids=decoder_ids).logits
        logprobs = logits[:, -1].log_softmax(-1).tolist()
        extensions = [
            (total + own[token], [*tokens, token], child)
            for (total, tokens, node), own in zip(live, logprobs, strict=True)
            for token, child in node.items()
        ]
        best = sorted(extensions, key=lambda extension: -extension[0])[:BEAMS]
        ended = [rank for rank, (_, tokens, _) in enumerate(best) if tokens[-1] == end]
        finished += sum(rank < BEAMS - finished for rank in ended)
        live = [extension for rank, extension in enumerate(best) if rank not in ended]
        counts.append(len(live))
    return [count for count in counts[:-1] if count] if finished >= BEAMS else counts[: counts.index(0)]


def test_a_batch_reads_what_its_mentions_read_alone(together, alone):
    for what in ("encoder_tokens", "prefix_tokens", "decoder_rows"):
        assert getattr(together, what) == sum(getattr(work, what) for work in alone), what


def test_a_batch_takes_as_many_steps_as_its_longest_mention(together, alone):
    assert len(together.step_rows) == max(len(work.step_rows) for work in alone)
    assert together.step_rows[0] <= BEAMS * BATCH


def test_mentions_that_are_done_leave_the_batch(together, alone):
    for step, kept in enumerate(together.step_mentions):
        live = sum(len(work.step_rows) > step for work in alone)
        assert live <= kept < live / LEAST_LIVE


LEAST_LIVE = 0.75
"""Share of the mentions in a batch that are still searched; where no more are, the others leave it."""


def test_fed_ahead_a_mention_takes_fewer_passes_of_few_rows(alone, alone_ahead):
    steps, passes = (sum(len(work.step_rows) for work in works) for works in (alone, alone_ahead))
    assert passes <= MOST_PASSES_A_STEP * steps
    for work, plain in zip(alone_ahead, alone, strict=True):
        assert len(work.step_rows) <= len(plain.step_rows)
        assert max(work.step_rows, default=0) <= lookahead.ROWS
        assert list(work.scored_rows) == [1, *work.step_rows]


MOST_PASSES_A_STEP = 0.7


def test_fed_ahead_a_batch_ends_sooner(together, together_ahead, alone):
    plain, ahead = together.step_rows, together_ahead.step_rows
    many = sum(rows > lookahead.ROWS for rows in plain)
    assert 0 < many < len(plain) and ahead[:many] == plain[:many]
    assert len(ahead) - many <= MOST_LAST_PASSES * (len(plain) - many)
    assert max(ahead[many:]) <= lookahead.ROWS
    # Mentions that are done have left, all of them.
    assert together_ahead.step_mentions[many] == sum(len(work.step_rows) > many for work in alone)


MOST_LAST_PASSES = 0.5


# Operations


def test_the_last_row_of_a_prefix_and_every_row_of_a_step_is_scored_once(together, alone):
    assert [list(work.scored_rows) for work in alone] == [[1, *work.step_rows] for work in alone]
    assert together.scored_rows[0] == BATCH
    for scored, live in zip(together.scored_rows[1:], together.step_rows, strict=True):
        assert live <= scored <= filled(live)


def filled(rows: int) -> int:
    """Rows of several mentions may be filled up to eights, so that products are of few sizes."""
    return -(-rows // 8) * 8


def test_linear_operations_of_a_mention_alone_are_those_of_the_formula(model, alone):
    """Hardly a token of padding, keys and values of a source once a mention, scores of a row once."""
    for work in alone:
        least = linear_operations(model.config, mean(work, 1))
        assert least <= work.linear_operations <= least + 7 * a_source_token(model)


def test_linear_operations_of_a_batch_are_those_of_the_formula(model, together):
    config = model.config
    least = BATCH * linear_operations(config, mean(together, BATCH))
    a_row = config.decoder_layers * (12 * config.d_model**2 + 4 * config.d_model * config.decoder_ffn_dim)
    scores = 2 * config.d_model * config.vocab_size
    filling = sum(filled(rows) - rows for rows in together.step_rows) * (a_row + scores) + 7 * a_row
    # Sources are read in groups, of which two neighbours have more than 768 tokens.
    groups = 1 + 2 * together.encoder_tokens // 768
    most = least + filling + groups * 7 * a_source_token(model)
    assert least <= together.linear_operations <= most < 1.1 * least


def a_source_token(model: AngelForEntityLinking) -> int:
    """Operations of the encoder's linear layers."""
    config = model.config
    return config.encoder_layers * (8 * config.d_model**2 + 4 * config.d_model * config.encoder_ffn_dim)


def test_attention_alone_reads_the_source_and_one_cache_that_all_beams_share(model, alone):
    for work in alone:
        least = attention_operations(model.config, mean(work, 1))
        past = own_past(model, work.prefix_tokens, [1] * len(work.step_rows))
        assert least <= work.attention_operations <= least + past


def test_attention_in_a_batch_pads_to_the_longest_source_and_to_all_beams(model, mentions, together):
    sources, prefixes = model.processor.encode_mentions(mentions)
    longest, longest_prefix = max(map(len, sources)), 1 + max(map(len, prefixes))
    kept = together.step_mentions
    encoder = model.config.encoder_layers * sum(len(ids) ** 2 for ids in sources)
    to_source = model.config.decoder_layers * longest * (BATCH * longest_prefix + BEAMS * sum(kept))
    most = 4 * model.config.d_model * (encoder + to_source) + own_past(model, longest_prefix, kept)
    assert together.attention_operations <= most


def mean(work: CountedWork, mentions: int) -> Work:
    """Of a mention."""
    # Every row that was scored: the last of each prefix, and those of the steps.
    scored = mentions + work.decoder_rows
    return Work(work.encoder_tokens / mentions, work.prefix_tokens / mentions, scored / mentions)


def own_past(model: AngelForEntityLinking, prefix: int, mentions: Sequence[int]) -> int:
    """Most operations by which beams look at prefixes and at the slots of all steps before; `mentions` of each step."""
    pairs = max(mentions) * prefix**2
    pairs += sum(count * BEAMS * (prefix + BEAMS * step) for step, count in enumerate(mentions, start=1))
    return 4 * model.config.d_model * model.config.decoder_layers * pairs


# Calls and memory


def test_a_step_takes_as_many_operators_for_a_batch_as_for_a_mention(model, together, alone):
    a_step = together.step_calls / len(together.step_rows)
    assert a_step <= MOST_CALLS_A_LAYER * model.config.decoder_layers
    assert a_step <= 1.1 * max(work.step_calls / len(work.step_rows) for work in alone)


MOST_CALLS_A_LAYER = 60


def test_tensors_are_those_of_rows_and_tokens_and_not_of_beams_times_sources(model, together):
    config = model.config
    token = config.encoder_layers * (12 * config.d_model + 2 * config.encoder_ffn_dim)
    row = config.decoder_layers * (24 * config.d_model + 2 * config.decoder_ffn_dim)
    decoded = together.prefix_tokens + together.decoder_rows
    scored = BATCH + together.decoder_rows
    numbers = token * together.encoder_tokens + row * decoded + config.vocab_size * scored
    assert together.tensor_bytes <= 1.5 * 4 * numbers


@pytest.mark.parametrize("names", [2_000, 20_000])
def test_building_a_trie_takes_so_many_bytes_a_name_and_a_token(names):
    generator = np.random.default_rng(7)
    offsets = np.concatenate([[0], generator.integers(3, 14, names).cumsum()])
    token_ids = generator.integers(4, 8000, offsets[-1]).astype(np.uint16)
    trie = NameTrie.build(token_ids, offsets)[0]
    # A node: its token and its first child; a name: the node that it ends at, and its index.
    arrays = (2 + 4) * trie.num_nodes + (4 + 4) * trie.num_names
    assert trie.nbytes == pytest.approx(arrays, abs=16)
    held, peak = traced_bytes("name-trie", token_ids, offsets)
    assert held <= arrays + 20_000
    assert peak <= arrays + MOST_BYTES_A_NAME * names + MOST_BYTES_A_TOKEN * int(offsets[-1])


MOST_BYTES_A_NAME, MOST_BYTES_A_TOKEN = 80, 3
"""Beside the finished trie: ten words a name to sort them, and a copy of the tokens."""


# The counter


def test_operations_and_memory_of_single_operators():
    rows, weight = torch.ones(3, 4), torch.ones(5, 4)
    linear = count_operators(lambda: torch.nn.functional.linear(rows, weight, torch.ones(5)))
    assert (linear.linear_operations, linear.attention_operations) == (2 * 3 * 4 * 5, 0)
    many = count_operators(lambda: torch.ones(2, 3, 4) @ torch.ones(2, 4, 6))
    assert (many.linear_operations, many.attention_operations) == (0, 2 * 2 * 3 * 4 * 6)
    query, key = torch.ones(1, 2, 3, 4), torch.ones(1, 2, 7, 4)
    attention = torch.nn.functional.scaled_dot_product_attention
    assert count_operators(lambda: attention(query, key, key)).attention_operations == 2 * 2 * (2 * 3 * 7 * 4)
    with torch.inference_mode():
        assert count_operators(lambda: torch.nn.functional.linear(rows, weight)).linear_operations == 2 * 3 * 4 * 5
        assert count_operators(lambda: attention(query, key, key)).attention_operations == 2 * 2 * (2 * 3 * 7 * 4)


def test_views_and_results_written_in_place_take_no_memory():
    rows = torch.ones(10, 4)
    assert count_operators(lambda: rows.view(4, 10).t().mul_(2)).tensor_bytes == 0
    assert count_operators(lambda: rows.t() + 1).tensor_bytes == 160


def test_products_of_numpy_are_counted_as_those_of_torch():
    rows, bias, weight = torch.randn(5, 7), torch.randn(3), torch.randn(3, 7)
    with torch.inference_mode():
        packed = OpenBlasWeight(weight)
        numpy_s = count_operators(lambda: packed.product(rows, bias))
        torch_s = count_operators(lambda: torch.addmm(bias, rows, weight.T))
    assert numpy_s.operations == torch_s.operations == 2 * 5 * 7 * 3
    assert (numpy_s.calls, numpy_s.tensor_bytes) == (1, torch_s.tensor_bytes)
