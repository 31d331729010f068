"""Mentions and names to ids: against ids computed by hand, and those of the published inference."""

import copy
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from angel_hf import AngelProcessor, Mention
from tests.toy import WORDS, byte_tokenizer, mention, word_tokenizer

IS, START, END, THE, OLD, GENE, ATAXIA, WILSON, DISEASE, FEVER, Q = range(4, 15)
SPACE, LETTER_A = 238, 82
TOKENIZER = byte_tokenizer()


@pytest.fixture
def tokenizer():
    return TOKENIZER


@pytest.fixture
def processor(tokenizer):
    return AngelProcessor(tokenizer)


def test_the_ids_that_these_tests_count_on(tokenizer):
    assert tokenizer.convert_ids_to_tokens([IS, Q, SPACE, LETTER_A]) == ["Ġis", "Ġq", "Ġ", "a"]
    assert tokenizer(" the xa", add_special_tokens=False)["input_ids"] == [THE, SPACE, LETTER_A + 23, LETTER_A]


# By hand


@pytest.mark.parametrize(
    ("marked", "source", "prefix"),
    [
        ("the old [ataxia] gene", [0, THE, OLD, START, ATAXIA, END, GENE, 2], [ATAXIA, IS]),
        ("The OLD [Ataxia] GENE", [0, THE, OLD, START, ATAXIA, END, GENE, 2], [ATAXIA, IS]),
        ("[wilson disease] gene", [0, START, WILSON, DISEASE, END, GENE, 2], [WILSON, DISEASE, IS]),
        ("the [wilson-disease]", [0, THE, START, WILSON, DISEASE, END, 2], [WILSON, DISEASE, IS]),
        ("[ataxia]", [0, START, ATAXIA, END, 2], [ATAXIA, IS]),
        ("\n the \t[ ataxia ]\n", [0, THE, START, ATAXIA, END, 2], [ATAXIA, IS]),
        ("[wilson\ndisease]", [0, START, WILSON, DISEASE, END, 2], [WILSON, DISEASE, IS]),
        ("[xa]", [0, START, SPACE, 105, 82, END, 2], [SPACE, 105, 82, IS]),
        ("the-[ataxia]gene", [0, THE, 18 + 12, START, ATAXIA, END, GENE, 2], [ATAXIA, IS]),  # "-" is the 13th letter
    ],
)
def test_a_mention_becomes_these_ids(processor, marked, source, prefix):
    assert processor.encode_mentions([mention(marked)]) == ([source], [prefix])


def test_a_mention_that_contains_the_end_of_the_prefix_keeps_it(processor):
    source, prefix = processor.encode_mentions([mention("[the gene is old] is the")])
    assert source == [[0, START, THE, GENE, IS, OLD, END, IS, THE, 2]]
    assert prefix == [[THE, GENE, IS, OLD, IS]]


def test_names_follow_the_prefix_without_end_token(processor):
    assert processor.encode_names(["ataxia", "wilson disease", "xa"]) == [
        [ATAXIA],
        [WILSON, DISEASE],
        [SPACE, 105, 82],
    ]
    assert processor.prefix_end_token_id == IS


def test_names_are_read_as_transformers_reads_them_whatever_was_set_before(reference_tokenizer):
    """With the published tokenizer, and with limits and padding left on by another use of it."""
    processor = AngelProcessor(reference_tokenizer)
    names = ["ataxia", "x </s> y", "β-癌  🧬", "a", "alzheimer 's disease type 2"]
    expected = [
        reference_tokenizer(f" {n}", add_special_tokens=False, split_special_tokens=True).input_ids for n in names
    ]
    backend = reference_tokenizer.backend_tokenizer
    backend.enable_truncation(2)
    backend.enable_padding()
    assert processor.encode_names(names) == expected
    assert reference_tokenizer("<s> a", add_special_tokens=False).input_ids[0] == reference_tokenizer.bos_token_id
    assert processor.encode_names([]) == []


@pytest.mark.parametrize(
    ("normalization", "source"),
    [
        # "OLD" and "Ataxia" are letters where case is kept: O is 64, L 61, D 53; A is 50.
        ("as-is", [0, SPACE, 64, 61, 53, START, SPACE, 50, 101, 82, 105, 90, 82, 18 + 12, ATAXIA - 10 + 101, END, 2]),
        ("lowercase", [0, OLD, START, ATAXIA, 18 + 12, 101, END, 2]),
        ("lowercase-punctuation", [0, OLD, START, ATAXIA, 17, END, 2]),
    ],
)
def test_mention_and_context_take_the_form_that_the_model_reads(tokenizer, normalization, source):
    processor = AngelProcessor(tokenizer, normalization=normalization)
    assert processor.encode_mentions([mention("OLD [Ataxia-t]")])[0] == [source]


def test_markers_and_prefix_are_the_processor_s(tokenizer):
    processor = AngelProcessor(tokenizer, mention_start="q", mention_end="t", prefix_template="the {mention} gene of")
    assert processor.encode_mentions([mention("old [ataxia]")]) == (
        [[0, OLD, Q, ATAXIA, 17, 2]],
        [[THE, ATAXIA, GENE, 15]],
    )
    assert processor.prefix_end_token_id == 15


def test_markers_may_be_special_tokens_but_a_text_never_spells_one(tokenizer):
    plain = AngelProcessor(tokenizer, normalization="as-is")
    ours = AngelProcessor(tokenizer, mention_start="<unk>", mention_end="<pad>", normalization="as-is")
    written = mention("</s> <pad> [a</s><unk>] <s>")
    for processor, markers in ((plain, []), (ours, [3, 1])):
        (source,), (prefix,) = processor.encode_mentions([written])
        assert [token for token in source if token < 4] == [0, *markers, 2]
        assert [token for token in prefix if token < 4] == []
        assert tokenizer.decode(prefix) == " a</s><unk> is"
    assert all(token > 3 for token in plain.encode_names(["x </s> y"])[0])


def test_the_published_inference_reads_the_same_ids(reference_model):
    processor = AngelProcessor(AutoTokenizer.from_pretrained(reference_model), normalization="lowercase")
    golden = json.loads((reference_model / "golden.json").read_text())["mentions"]
    mentions = []
    for row in golden:
        left, _, rest = row["src"].partition("START ")
        surface, _, right = rest.partition(" END")
        assert surface == row["mention"]
        mentions.append(Mention(left + surface + right, len(left), len(left) + len(surface)))
    encoder_ids, prefix_ids = processor.encode_mentions(mentions)
    assert encoder_ids == [row["input_ids"] for row in golden]
    assert prefix_ids == [row["decoder_prefix_ids"] for row in golden]


# The window

plain_words = st.sampled_from(("is", *WORDS[3:]))  # no markers
context_words = st.lists(plain_words, max_size=20)


@settings(deadline=None)
@given(context_words, st.lists(plain_words, min_size=1, max_size=3), context_words, st.integers(0, 20))
def test_the_window_holds_the_marked_mention_and_as_much_around_it_as_fits(left, surface, right, room):
    """Every word is one id, so that room can be counted in words."""
    marked = [START, *ids(surface), END]
    processor = AngelProcessor(TOKENIZER, max_source_length=len(marked) + 2 + room)
    before = "".join(f"{word} " for word in left)
    text = before + " ".join([*surface, *right])
    (source,), _ = processor.encode_mentions([Mention(text, len(before), len(before) + len(" ".join(surface)))])

    assert (source[0], source[-1]) == (0, 2)
    fits = [split for split in range(len(left) + 1) if source[1 + split : 1 + split + len(marked)] == marked]
    expected = [
        (kept_left, kept_right)
        for kept_left in range(min(len(left), room) + 1)
        for kept_right in range(min(len(right), room - kept_left) + 1)
        if source[1:-1] == [*ids(left[len(left) - kept_left :]), *marked, *ids(right[:kept_right])]
    ]
    assert fits and expected, "the window is a stretch of the text with the marked mention in it"
    kept_left, kept_right = max(expected, key=sum)
    assert kept_left + kept_right == min(room, len(left) + len(right)), "no room is left over"
    if kept_left < len(left):
        assert kept_left >= room // 2, "the left gives up less than half only where it has no more"
    if kept_right < len(right):
        assert kept_right >= room // 2


def ids(words: list[str]) -> list[int]:
    return [4 + WORDS.index(word) for word in words]


@settings(deadline=None)
@given(
    st.text(max_size=60), st.text(min_size=1, max_size=4).filter(str.strip), st.text(max_size=60), st.integers(0, 40)
)
def test_a_window_of_any_text_is_a_stretch_of_its_ids(left, surface, right, room):
    written = Mention(left + surface + right, len(left), len(left) + len(surface))
    whole = AngelProcessor(TOKENIZER, max_source_length=10_000).encode_mentions([written])[0][0]
    marked = whole[whole.index(START) : len(whole) - whole[::-1].index(END)]
    processor = AngelProcessor(TOKENIZER, max_source_length=len(marked) + 2 + room)
    (source,), _ = processor.encode_mentions([written])
    assert len(source) == min(len(whole), len(marked) + 2 + room)
    before = whole.index(START) - source.index(START)  # ids that the window leaves out on the left
    assert source[1:-1] == whole[1 + before : len(source) - 1 + before]
    assert source[source.index(START) :][: len(marked)] == marked


odd_words = st.sampled_from(
    [
        "ataxia",
        "the",
        "Wilson's",
        "mucopolysaccharidosis",
        "ΑΣ",
        "İ",
        "e\u0301",
        "\u0301",
        "癌症",
        "🧬",
        "½",
        "--",
        "'s",
    ]
)
odd_spaces = st.sampled_from([" "] * 6 + ["  ", "\n", " \t", "\u00a0", "\u2028", "\x1c", "\x85", ""])
long_runs = st.builds(
    str.__mul__, st.sampled_from(["a", "ab", "癌", "Σ", "-", "\n", " ", "ab  ", "a "]), st.integers(0, 300)
)
long_texts = st.lists(st.one_of(st.builds(str.__add__, odd_words, odd_spaces), long_runs), max_size=60).map("".join)


@settings(deadline=None)
@given(long_texts, long_texts, st.integers(8, 40), st.sampled_from(["as-is", "lowercase"]))
def test_a_window_is_that_of_all_text_within_reach(reference_tokenizer, left, right, length, normalization):
    """Although no more than what is near is tokenised, wherever words start."""
    processor = AngelProcessor(reference_tokenizer, normalization=normalization, max_source_length=length)
    (source,), _ = processor.encode_mentions([Mention(f"{left} q {right}", len(left) + 1, len(left) + 2)])
    reach = length * max(map(len, reference_tokenizer.get_vocab()))
    parts = [left.rstrip()[-reach:].lstrip(), "START q END", right.lstrip()[:reach].rstrip()]
    if normalization != "as-is":
        parts = [parts[0].lower(), parts[1], parts[2].lower()]
    before, marked, after = (
        reference_tokenizer(part and f" {part}", add_special_tokens=False, split_special_tokens=True).input_ids
        for part in parts
    )
    room = length - 2 - len(marked)
    kept = min(len(before), max(room // 2, room - len(after)))
    assert source[1:-1] == [*before[len(before) - kept :], *marked, *after[: room - kept]]


@pytest.mark.parametrize("before", [0, 500, 999])  # at an end, one side leaves its room to the other
def test_of_a_long_text_what_is_near_is_tokenised(reference_tokenizer, monkeypatch, before):
    """However long a token of the vocabulary may be: one of bart-large has 128 characters."""
    processor = AngelProcessor(reference_tokenizer, max_source_length=100)
    monkeypatch.setattr(processor, "_longest_token", 128)
    tokenized, tokenize = [], processor._tokenize
    monkeypatch.setattr(processor, "_tokenize", lambda pieces, **k: tokenized.extend(pieces) or tokenize(pieces, **k))
    text = "the ataxia of wilson disease " * 1000
    (source,), _ = processor.encode_mentions([Mention(text, 29 * before + 4, 29 * before + 10)])
    assert len(source) == 100
    assert sum(map(len, tokenized)) < 1500, "of more than 12,000 characters within reach"


def test_white_space_beside_the_mention_takes_no_room(tokenizer):
    processor = AngelProcessor(tokenizer, max_source_length=7)
    far = mention("gene the" + " " * 5000 + "[ataxia]" + "\n" * 5000 + "old gene")
    assert processor.encode_mentions([far])[0] == [[0, THE, START, ATAXIA, END, OLD, 2]]


def test_a_mention_that_cannot_be_read_is_refused(tokenizer):
    processor = AngelProcessor(tokenizer, max_source_length=6)
    assert processor.encode_mentions([mention("the [ataxia q] gene")])[0] == [[0, START, ATAXIA, Q, END, 2]]
    with pytest.raises(
        ValueError, match="mention 'ataxia q old'... takes 5 tokens with its markers; the encoder reads 4"
    ):
        processor.encode_mentions([mention("the [ataxia q] gene"), mention("[ataxia q old]")])
    fitting = [mention("the [ataxia q] gene"), mention("[ataxia q old]"), mention("[q]"), mention("[ataxia q old]")]
    assert processor.fits(fitting) == [True, False, True, False]


# What cannot be a processor


@pytest.mark.parametrize(
    "template",
    [
        "", "is", "{mention}", "{mention} ", "is {mention}", "{mention}is", "({mention}) is", "{mention} is ",
        " {mention} is", "{mention}  is", "{mention} is {mention}", "{mention} is {mention} is",
    ],
)  # fmt: skip
def test_a_template_that_gives_a_name_no_start_is_refused(tokenizer, template):
    with pytest.raises(ValueError, match=r"prefix template .*: expected words .* as in '\{mention\} is'"):
        AngelProcessor(tokenizer, prefix_template=template)


def test_an_unknown_normalization_is_refused(tokenizer):
    with pytest.raises(ValueError, match="unknown normalization 'upper'; expected one of lowercase-punctuation"):
        AngelProcessor(tokenizer, normalization="upper")


def test_a_tokenizer_without_ends_of_a_sequence_is_refused(tokenizer):
    bare = copy.deepcopy(tokenizer)
    bare.bos_token = bare.pad_token = None
    with pytest.raises(ValueError, match="the tokenizer has no bos_token and no pad_token; expected one that has them"):
        AngelProcessor(bare)


@pytest.mark.parametrize("mentions", ["ataxia", ["ataxia"], [mention("[ataxia]"), "ataxia"]])
def test_a_string_is_no_mention(processor, mentions):
    with pytest.raises(TypeError, match=r"got the string 'ataxia'; expected a Mention: Mention\(text, start, end\)"):
        processor(mentions)


def test_no_mentions_make_no_batch(processor):
    assert processor.encode_mentions([]) == ([], [])
    with pytest.raises(ValueError, match="got no mentions; expected one at least to make a batch"):
        processor([])


# Batches

BATCH = [mention(marked) for marked in ("the old [ataxia] gene", "[q]", "[the gene is old]", "of the [wilson disease]")]


def test_a_mention_alone_is_the_mention_in_a_batch(processor):
    together = processor.encode_mentions(BATCH)
    alone = [processor.encode_mentions([written]) for written in BATCH]
    assert together == ([source for (source,), _ in alone], [prefix for _, (prefix,) in alone])


def test_a_batch_is_padded_on_the_right_and_masked(processor):
    batch = processor(BATCH[:2])
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        "input_ids": [[0, THE, OLD, START, ATAXIA, END, GENE, 2], [0, START, Q, END, 2, 1, 1, 1]],
        "attention_mask": [[1] * 8, [1] * 5 + [0] * 3],
        "decoder_input_ids": [[2, ATAXIA, IS], [2, Q, IS]],
        "decoder_attention_mask": [[1, 1, 1], [1, 1, 1]],
    }
    assert all(tensor.dtype == torch.int64 for tensor in batch.values())
    assert list(batch) == processor.model_input_names


def test_prefixes_of_different_lengths_are_padded_too(processor):
    batch = processor(BATCH[1:3])
    assert batch["decoder_input_ids"].tolist() == [[2, Q, IS, 1, 1, 1], [2, THE, GENE, IS, OLD, IS]]
    assert batch["decoder_attention_mask"].tolist() == [[1, 1, 1, 0, 0, 0], [1] * 6]


def test_one_mention_makes_a_batch_of_one(processor):
    one, listed, generated = processor(BATCH[0]), processor(BATCH[:1]), processor(iter(BATCH[:1]))
    for name in processor.model_input_names:
        assert one[name].tolist() == listed[name].tolist() == generated[name].tolist()


# Files


def test_saved_and_loaded_with_all_settings(tokenizer, tmp_path):
    settings_ = {
        "mention_start": "q", "mention_end": "t", "prefix_template": "the {mention} gene of",
        "normalization": "as-is", "max_source_length": 17,
    }  # fmt: skip
    processor = AngelProcessor(tokenizer, **settings_)
    processor.save_pretrained(tmp_path)
    assert settings_.items() <= json.loads((tmp_path / "processor_config.json").read_text()).items()
    loaded = AngelProcessor.from_pretrained(tmp_path)
    assert {name: getattr(loaded, name) for name in settings_} == settings_
    assert loaded.encode_mentions(BATCH) == processor.encode_mentions(BATCH)
    assert loaded.encode_names(["ataxia xa"]) == processor.encode_names(["ataxia xa"])
    assert loaded.fingerprint == processor.fingerprint


def test_the_fingerprint_tells_tokenizers_apart(tokenizer, processor):
    assert AngelProcessor(byte_tokenizer(), normalization="as-is").fingerprint == processor.fingerprint
    assert AngelProcessor(word_tokenizer()).fingerprint != processor.fingerprint
