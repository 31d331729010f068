"""Mentions with another surface, in as much of their text as a model reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_hf import AngelForEntityLinking
from angel_hf.annotation import respelling
from angel_hf.annotation.respelling import respelled
from angel_hf.types import Mention
from tests.conftest import SAMPLE

SENTENCE = "A 2-year-old child with copper toxicosis, hepatosplenomegaly and Kayser-Fleischer rings had {}, too. "


@pytest.fixture(scope="module")
def processor():
    return AngelForEntityLinking.from_pretrained(SAMPLE / "reference" / "tiny").processor


@pytest.mark.parametrize("sentences", [0, 1, 60, 400, 800])
def test_the_model_reads_what_it_would_read_in_the_whole_text(processor, sentences):
    """At the start, in the middle and at the end of a text of 80,000 characters."""
    before, after = SENTENCE.format("WD") * sentences, SENTENCE.format("gout") * (800 - sentences)
    mention = Mention(f"{before}WD {after}", len(before), len(before) + 2)
    whole = Mention(f"{before}Wilson disease {after}", len(before), len(before) + 14)
    short = respelled(mention, "Wilson disease")
    assert len(short.text) < 9_000 < len(whole.text)
    for context_tokens in (None, 0, 64):
        assert processor.encode_mentions([short], context_tokens) == processor.encode_mentions([whole], context_tokens)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 20))
def test_each_side_keeps_half_of_the_room_and_what_the_other_leaves(left, right, half):
    mention = Mention("l" * left + "WD" + "r" * right, left, left + 2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(respelling, "_MOST_CONTEXT", 2 * half)
        found = respelled(mention, "Wilson")
    kept_left, kept_right = found.start, len(found.text) - found.end
    assert found.text == "l" * kept_left + "Wilson" + "r" * kept_right
    assert kept_left + kept_right == min(left + right, 2 * half)
    assert kept_left >= min(left, half) and kept_right >= min(right, half)
