"""`generate`: the search in transformers' manner, and BART's own generation untouched."""

import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration, set_seed

from angel_hf import AngelForEntityLinking, KnowledgeBase
from angel_hf.model.angel_bart import AngelGenerateOutput
from tests.toy import byte_tokenizer, find_names, mention, random_model

TOKENIZER = byte_tokenizer()
MENTIONS = [mention(marked) for marked in ("the old [ataxia] gene", "[q]", "the [gene is old] of the disease")]
NAMES = {"D1": ["ataxia", "old ataxia"], "D2": ["wilson disease", "old"], "D3": ["fever", "old ataxia of the gene"]}


@pytest.fixture
def model() -> AngelForEntityLinking:
    model = random_model(TOKENIZER)
    model.set_knowledge_base(KnowledgeBase.from_names(NAMES))
    return model


@pytest.fixture
def inputs(model):
    return model.processor(MENTIONS)


# Under the trie


@pytest.mark.parametrize(("num_beams", "per_mention"), [(1, 1), (4, 1), (4, 3), (6, 6)])
def test_generate_equals_search(model, inputs, num_beams, per_mention):
    sources, prefixes = model.processor.encode_mentions(MENTIONS)
    found = find_names(model, sources, prefixes, num_beams)
    output = model.generate(
        **inputs,
        num_beams=num_beams,
        num_return_sequences=per_mention,
        return_dict_in_generate=True,
        output_scores=True,
    )
    expected = [(prefix, row) for prefix, own in zip(prefixes, found) for row in own[:per_mention]]
    rows = zip(output.sequences.tolist(), output.sequences_scores, output.token_logprobs, output.name_indices)
    assert len(output.sequences) == len(expected) == len(MENTIONS) * per_mention
    for (prefix, hypothesis), (sequence, score, logprobs, name_index) in zip(expected, rows, strict=True):
        written = [2, *prefix, *hypothesis.token_ids]
        assert sequence == written + [1] * (len(sequence) - len(written))
        assert score.item() == pytest.approx(hypothesis.score, abs=1e-5)
        length = len(hypothesis.token_ids)
        assert logprobs[:length].tolist() == pytest.approx(hypothesis.token_logprobs, abs=1e-5)
        assert logprobs[length:].tolist() == [0.0] * (len(logprobs) - length)
        assert name_index.item() == hypothesis.name_index


def test_what_is_written_is_a_name_after_the_prefix(model, inputs):
    output = model.generate(**inputs, num_beams=6, num_return_sequences=6, return_dict_in_generate=True)
    texts = TOKENIZER.batch_decode(output.sequences, skip_special_tokens=True)
    assert sorted(texts[:6]) == sorted(f" ataxia is {name}" for names in NAMES.values() for name in names)
    names = [model.knowledge_base.entry_name(entry) for entry in output.name_indices.tolist()]
    assert [text.rpartition(" is ")[2] for text in texts] == names


def test_the_kind_of_output_is_transformers(model, inputs):
    plain = model.generate(**inputs)
    assert isinstance(plain, torch.Tensor) and plain.dtype == torch.int64
    output = model.generate(**inputs, return_dict_in_generate=True)
    assert isinstance(output, AngelGenerateOutput)
    assert output.sequences.equal(plain)
    assert output.sequences_scores is None and output.token_logprobs is None
    assert not plain.requires_grad


def test_padding_on_either_side_and_none_are_the_same(model):
    expected = [model.generate(**model.processor(written), num_return_sequences=4).tolist() for written in MENTIONS]
    right = model.processor(MENTIONS)
    left = {}
    for side in ("", "decoder_"):
        ids, mask = right[f"{side}input_ids"], right[f"{side}attention_mask"]
        order = mask.argsort(dim=1, stable=True)  # padding first
        left[f"{side}input_ids"], left[f"{side}attention_mask"] = ids.gather(1, order), mask.gather(1, order)
    assert not left["input_ids"].equal(right["input_ids"])
    for padded in (right, left):
        together = model.generate(**padded, num_return_sequences=4).tolist()
        for row, sequences in enumerate(expected):
            assert [strip(ids) for ids in together[4 * row : 4 * row + 4]] == [strip(ids) for ids in sequences]
    alone = model.processor(MENTIONS[0])
    without_mask = model.generate(input_ids=alone["input_ids"], decoder_input_ids=alone["decoder_input_ids"])
    assert without_mask.tolist() == model.generate(**alone).tolist()


def strip(ids: list[int]) -> list[int]:
    return [token for token in ids if token != 1]


def test_fewer_names_than_sequences_leave_rows_without_a_name(model, inputs):
    model.set_knowledge_base(KnowledgeBase.from_names({"D1": ["ataxia"], "D2": ["old gene"]}))
    output = model.generate(
        **inputs, num_beams=4, num_return_sequences=3, return_dict_in_generate=True, output_scores=True
    )
    assert output.name_indices.reshape(3, 3).sort().values.tolist() == [[-1, 0, 1]] * 3
    missing = output.name_indices == -1
    assert missing.tolist() == [False, False, True] * 3
    assert output.sequences_scores[missing].tolist() == [float("-inf")] * 3
    assert output.token_logprobs[missing].abs().sum() == 0
    _, prefixes = model.processor.encode_mentions(MENTIONS)
    assert [strip(ids) for ids in output.sequences[missing].tolist()] == [[2, *prefix] for prefix in prefixes]


def test_the_length_penalty_reaches_the_search(model, inputs):
    sums = model.generate(
        **inputs, length_penalty=0.0, num_return_sequences=6, return_dict_in_generate=True, output_scores=True
    )
    torch.testing.assert_close(sums.sequences_scores, sums.token_logprobs.sum(1))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"do_sample": True, "top_p": 0.9}, TypeError, "no option do_sample, top_p; pass constrained=False"),
        ({"max_new_tokens": 5}, TypeError, "constrained generation has no option max_new_tokens"),
        (
            {"input_ids": None},
            ValueError,
            r"expected input_ids and decoder_input_ids; model.processor\(mentions\) makes",
        ),
        ({"decoder_input_ids": None}, ValueError, "expected input_ids and decoder_input_ids"),
        ({"num_return_sequences": 11}, ValueError, "expected 1 <= num_return_sequences <= num_beams=10, got 11"),
        ({"num_return_sequences": 0}, ValueError, "got 0"),
    ],
)
def test_what_a_constrained_search_does_not_have_is_refused(model, inputs, change, error, message):
    with pytest.raises(error, match=message):
        model.generate(**{**inputs, **change})


def test_a_prefix_that_ends_otherwise_is_refused(model, inputs):
    inputs["decoder_input_ids"] = inputs["decoder_input_ids"][:, :2]
    inputs["decoder_attention_mask"] = inputs["decoder_attention_mask"][:, :2]
    with pytest.raises(
        ValueError, match=r"mention 0: prefix ends in token 10, expected 4 \(config.prefix_end_token_id\)"
    ):
        model.generate(**inputs)


def test_without_knowledge_base_it_says_so(inputs):
    with pytest.raises(RuntimeError, match="no knowledge base to link to"):
        random_model(TOKENIZER).generate(**inputs)


# Free


@pytest.fixture
def bart(model) -> BartForConditionalGeneration:
    """The same weights in a class that knows of no trie."""
    config = {name: value for name, value in model.config.to_dict().items() if name in BartConfig().to_dict()}
    bart = BartForConditionalGeneration(BartConfig.from_dict(config | {"forced_eos_token_id": None})).eval()
    bart.load_state_dict(model.state_dict())
    return bart


@pytest.mark.parametrize(
    "options",
    [
        {"num_beams": 1, "max_new_tokens": 6},
        {"num_beams": 4, "num_return_sequences": 3, "max_length": 12},
        {"num_beams": 3, "length_penalty": 0.5, "max_new_tokens": 8, "early_stopping": True},
        {"num_beams": 1, "do_sample": True, "top_k": 5, "max_new_tokens": 6, "num_return_sequences": 2},
    ],
    ids=["greedy", "beams", "options of transformers", "sampling"],
)
def test_unconstrained_generation_is_bart_s_own(model, bart, inputs, options):
    set_seed(0)
    ours = model.generate(**inputs, constrained=False, **options)
    set_seed(0)
    assert ours.equal(bart.generate(**inputs, **options))


def test_unconstrained_generation_needs_no_prefix_and_gives_its_own_output(model, bart, inputs):
    options = {"num_beams": 2, "max_new_tokens": 5, "return_dict_in_generate": True, "output_scores": True}
    ours = model.generate(inputs["input_ids"], constrained=False, **options)
    theirs = bart.generate(inputs["input_ids"], **options)
    assert type(ours) is type(theirs)
    assert ours.sequences.equal(theirs.sequences)
    torch.testing.assert_close(ours.sequences_scores, theirs.sequences_scores, rtol=0, atol=0)
    assert len(ours.scores) == len(theirs.scores)
