"""The tiled model computes what the small one does; parts of a profile add up; targets are judged as measured."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.model.low_precision import in_low_precision
from benchmarks.base_search import (
    BaseSearch,
    LowPrecision,
    compare_precisions,
    print_base_search,
    targets,
    write_base_search,
)
from benchmarks.base_shaped import base_shaped_bart
from benchmarks.data import SAMPLE
from benchmarks.figures import figures
from benchmarks.machine import this_machine
from benchmarks.operations import Work
from benchmarks.our_search import search_ids
from benchmarks.search_profile import PARTS, Peak, PeakMeter, Profile, _Clock
from benchmarks.search_speed import Agreement, Contest, find_names, golden_mentions, ids_of
from benchmarks.thread_scaling import Threads, compare_threads
from benchmarks.timing import Timing

# Of the width that is tiled, and otherwise as small as it may be, with as many layers as BART-base has.
SHAPE = {
    "vocab_size": 30, "d_model": 256, "encoder_layers": 6, "decoder_layers": 6, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 8, "decoder_ffn_dim": 8, "max_position_embeddings": 16,
    "init_std": 0.1, "forced_eos_token_id": None,
}  # fmt: skip


@torch.no_grad()
def test_the_tiled_model_computes_what_the_small_one_does(tmp_path):
    torch.manual_seed(0)
    small = BartForConditionalGeneration(BartConfig(**SHAPE)).eval()
    for parameter in small.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.05)
    small.save_pretrained(tmp_path)
    large = base_shaped_bart(tmp_path)
    assert (large.config.d_model, large.config.vocab_size, len(large.model.decoder.layers)) == (768, 50_265, 6)
    given = {"input_ids": torch.tensor([[0, 5, 6, 2]]), "decoder_input_ids": torch.tensor([[2, 7, 8]])}
    logprobs = large(**given).logits.log_softmax(-1)
    # The small epsilon of the first layer norm weighs more where embeddings are divided.
    torch.testing.assert_close(logprobs[..., :30], small(**given).logits.log_softmax(-1), atol=2e-2, rtol=0)
    assert logprobs[..., 30:].max() < -1000


def test_another_width_cannot_be_tiled(tmp_path):
    BartForConditionalGeneration(BartConfig(**SHAPE | {"d_model": 64})).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"width 64, 6 \+ 6 layers; expected width 256 and at most 6 layers"):
        base_shaped_bart(tmp_path)


def test_a_part_s_time_is_not_that_of_a_part_within(monkeypatch):
    times = iter([1.0, 3.0, 7.0, 15.0])
    monkeypatch.setattr("benchmarks.search_profile.time.process_time", lambda: next(times))
    clock = _Clock()
    with clock.part("decoder"), clock.part("trie"):
        pass
    assert clock.seconds == dict.fromkeys(PARTS, 0.0) | {"decoder": 2.0 + 8.0, "trie": 4.0}


def test_what_is_measured_between_belongs_to_no_part(monkeypatch):
    times = iter([1.0, 3.0, 7.0, 15.0])
    monkeypatch.setattr("benchmarks.search_profile.time.process_time", lambda: next(times))
    clock = _Clock()
    with clock.part("decoder"), clock.stopped():
        pass
    assert clock.seconds == dict.fromkeys(PARTS, 0.0) | {"decoder": 2.0 + 8.0}


def test_the_peak_is_the_mean_of_what_was_measured(monkeypatch):
    # The clock before and after two products, for torch.mm and for packed weights where there are such, twice.
    seconds = iter([0.0, 2.0, 2.0, 3.0, 9.0, 15.0, 15.0, 16.0])
    monkeypatch.setattr("benchmarks.search_profile.can_pack", lambda layer: True)
    packed = SimpleNamespace(product=lambda rows, bias: rows)
    monkeypatch.setattr("benchmarks.search_profile.packed", lambda layers: [packed])
    monkeypatch.setattr("benchmarks.search_profile.time.process_time", lambda: next(seconds))
    meter = PeakMeter()
    meter.measure()
    meter.measure()
    assert meter.peak == Peak(2 * 1024**3 * 4 / 8, 2 * 1024**3 * 4 / 2)
    assert meter.peak.best == meter.peak.packed


@pytest.fixture
def found() -> BaseSearch:
    """Made-up numbers: 4x at batch 32 and 1.5x alone, 75% of the peak, two threads 2x one."""
    contests = (
        Contest(32, 16, 40, Timing((4.0,), 40), Timing((12.0,), 40), Timing((16.0,), 40), 3.2),
        Contest(1, 1, 40, Timing((10.0,), 40), Timing((12.0,), 40), Timing((15.0,), 40), 2.0),
    )
    seconds = dict(zip(PARTS, (2.0, 0.25, 1.0, 0.5, 0.125, 0.125)))
    profile = Profile(40, 32, Work(114, 4, 60), 14e9, 1e9, seconds)
    agreement = Agreement(40, 39, 38, 10, 0)
    return BaseSearch(
        machine=this_machine(),
        mentions=40,
        parameters=139_000_000,
        agreement=agreement,
        contests=contests,
        peak=Peak(1e11, 2e11),
        profile=profile,
        peak_shares=(0.75, 0.5, 0.875),
        threads=Threads((4.0, 9.0, 4.0), (2.0, 1.0, 2.0), (3.0, 3.0, 3.0), (2.0, 2.0, 1.0)),
        precisions=(LowPrecision("int8", 32, Timing((4.0,), 40), Timing((1.6,), 40), 38),),
    )


def test_targets_are_judged_as_measured(found, tmp_path, capsys):
    assert found.peak_share == pytest.approx(15e9 * 40 / 4 / 2e11) == 0.75
    assert list(targets(found).values()) == [True, False, False, True]
    print_base_search(found)
    printed = capsys.readouterr().out
    assert "batch 1 at least 2.0x generate at 1: NOT MET" in printed
    assert "batch 32 at least 3.2x generate at 16: met" in printed
    assert "int8, batch 32: 2.50x float32 (2.50 - 2.50); the first name of 38 is the same" in printed
    assert "two threads, 32 mentions each: 2.00x one; products that share nothing: 1.50x" in printed
    assert "75% of the higher (50% - 88%), 150% of torch.mm's" in printed
    path = Path(tmp_path, "results", "base.json")
    write_base_search(path, found)
    document = json.loads(path.read_text())
    assert document["targets"] == targets(found)
    assert document["peak_share"] == found.peak_share
    assert document["profile"]["seconds"] == found.profile.seconds
    (scaling,) = (figure for figure in figures({"base": document}) if figure.name.startswith("plain products"))
    assert scaling.value == 1.5
    (low,) = (figure for figure in figures({"base": document}) if "int8" in figure.name)
    assert (low.name, low.value) == ("BART-base's shape, batch 32, int8 by float32", 2.5)


@pytest.fixture(scope="module")
def model() -> AngelForEntityLinking:
    names = KnowledgeBase.from_file(SAMPLE / "reference" / "target_kb.json.gz")
    return AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny", knowledge_base=names).eval()


def test_views_in_low_precision_search_the_same_mentions(model):
    mentions = golden_mentions(SAMPLE / "reference" / "tiny")[:3]
    found = list(compare_precisions(model, mentions, 1, ("bfloat16", "int8")))
    assert [(low.precision, low.batch_size) for low in found] == [
        ("bfloat16", 32), ("int8", 32), ("bfloat16", 1), ("int8", 1),
    ]  # fmt: skip
    first = [one[0].name_index for one in search_ids(model, *ids_of(mentions), 10)]
    for low in found:
        own = search_ids(in_low_precision(model, low.precision), *ids_of(mentions), 10)
        assert low.same_first == sum(one[0].name_index == name for one, name in zip(own, first, strict=True))
        assert low.low.work == 3


def test_threads_take_turns_with_products_and_one_is_left(model):
    """On few mentions; which is faster differs from machine to machine."""
    mentions = golden_mentions(SAMPLE / "reference" / "tiny")[:16]
    before = torch.get_num_threads()
    try:
        found = compare_threads(model, mentions, 8, 2)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert [len(own) for own in (found.one, found.two, found.products_one, found.products_two)] == [2] * 4
    assert min(*found.one, *found.two, *found.products_one, *found.products_two) > 0
