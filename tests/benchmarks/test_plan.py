"""The plan says what follows from the measurements, and the operations are those that torch counts."""

import json
import re

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from angel_hf import KnowledgeBase
from angel_hf.inference.packed.products import OpenBlasWeight
from benchmarks.bulk_cost import OperatorTime, work_of
from benchmarks.data import REPOSITORY
from benchmarks.operations import Work, attention_operations, linear_operations
from benchmarks.plan import render
from tests.toy import CONCEPTS, byte_tokenizer, mention, random_model

MEASURED = REPOSITORY / "results" / "bulk.json"


def test_the_plan_in_the_documentation_is_that_of_the_measurements():
    plan = render(json.loads(MEASURED.read_text(encoding="utf-8")), "results/bulk.json")
    assert (REPOSITORY / "docs" / "plan.md").read_text(encoding="utf-8") == plan


@pytest.fixture
def plan() -> str:
    """A plan of round numbers: 380 million mentions at 9 ms, at 18 * 10^9 operations, at 2 * 10^10 of them a second."""
    work = {"source_tokens": 64, "prefix_tokens": 4, "beam_rows": 50}
    measured = {
        "command": "python -m benchmarks.bulk",
        "corpus": "2 abstracts",
        "machine": {"cpu": "Abacus", "instructions": "beads", "load": 0.5, "versions": {"torch": "2"}},
        "angel-mini": {
            "documents": 2, "characters": 1300.0, "mentions": 10, "work": work, "cpu_seconds": [0.08, 0.09, 0.2],
            "host_seconds": [0.0011, 0.0009, 0.0008], "output_bytes": 500,
        },
        "bart-large": {
            "parameters": 406e6, "work": {"near": work}, "operations": {"near": 1.8e10}, "mentions": 4,
            "operations_per_second": [1e10, 2e10, 3e10],
        },
    }  # fmt: skip
    return render(measured, "bulk.json")


def test_core_hours_are_mentions_times_the_median_time_of_one(plan):
    # 380e6 * 0.009 s / 3600, over 24 * 64
    assert "| angel-mini | 64 tokens around the mention | 9.0 | 950 | 0.6 |" in plan
    assert "| BART-large's shape | near | 900.0 | 95,000 | 61.8 |" in plan


def test_gpu_hours_are_operations_over_a_share_of_the_peak_or_the_host_where_it_is_slower(plan):
    (row,) = re.findall(r"\| NVIDIA A100 SXM \| (.*) \|", plan)
    assert row == "325 | 95 h"  # 380e6 * 18e9 / (0.3 * 19.5e12) / 3600; 380e6 * 0.0009 / 3600
    assert "19 GB at the measured size of a row" in plan


def test_operations_of_the_linear_maps_are_those_that_torch_counts_in_the_plain_forward_pass():
    """Seven rows of the decoder, each with its next token: one of a prefix, and six more of beams."""
    model = random_model(byte_tokenizer())
    source, target = torch.arange(4, 13)[None], torch.arange(4, 11)[None]
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        model(input_ids=source, decoder_input_ids=target, use_cache=False)
    assert counted.get_total_flops() == linear_operations(model.config, Work(9, 1, 7))


def test_the_host_s_time_is_what_operators_leave(monkeypatch):
    """Products by numpy, which torch does not know of, are no work of the host's either."""
    clock = iter(range(100))
    monkeypatch.setattr("benchmarks.bulk_cost.time.thread_time", lambda: next(clock))
    weight, rows, bias = OpenBlasWeight(torch.eye(2)), torch.ones(3, 2), torch.ones(2)
    with OperatorTime() as operators:
        rows + rows  # one tick
        assert operators.seconds == 1
        weight.multiply(rows, bias)  # its own operators tick too, and count as part of it
    ticks = next(clock) - 2
    assert operators.seconds == 1 + ticks - 1 > 2


def test_beams_are_counted_at_every_step():
    model = random_model(byte_tokenizer())
    model.set_knowledge_base(KnowledgeBase.from_names({"1": ["old", "old gene"]}))
    # One beam at the start, one at " old" and one at " gene", whatever the model thinks of them.
    assert work_of(model, [mention("a [fever] q")]).beam_rows == 3


def test_attention_is_four_operations_a_pair_and_unit_of_width():
    model = random_model(byte_tokenizer())
    model.set_knowledge_base(KnowledgeBase.from_concepts(CONCEPTS))
    work = work_of(model, [mention("a [fever] q")])
    source, rows = work.source_tokens, work.prefix_tokens + work.beam_rows - 1
    config = model.config
    pairs = config.encoder_layers * source * source + config.decoder_layers * rows * source
    assert attention_operations(config, work) == 4 * config.d_model * pairs
