"""What stands around a mention is found in its neighbourhood, whatever the length of the text."""

from hypothesis import given
from hypothesis import strategies as st

from angel_hf.text.reading import Context, left_context, right_context
from angel_hf.types import Mention

TEXTS = st.text(alphabet="ab \n\u00a0β", max_size=60)


def whole_left(mention, size, reach):
    """As defined, by copies of all that precedes the mention."""
    text = mention.text[: mention.start].rstrip()
    near = text[max(0, len(text) - reach) :].lstrip()
    if len(near) <= size:
        return Context(near, True)
    spaces = [i for i in range(1, len(near) - 1) if near[i] == " " and not (near[i - 1] + near[i + 1]).isspace()]
    spaces = [i for i in spaces if not near[i - 1].isspace() and not near[i + 1].isspace()]
    cut = next((i for i in spaces if i >= len(near) - size), None)
    return Context(near[cut + 1 :] if cut is not None else "", False)


@given(TEXTS, TEXTS, st.integers(1, 20), st.integers(1, 30))
def test_the_left_side_is_that_of_the_whole_text(left, right, size, reach):
    mention = Mention(f"{left}X{right}", len(left), len(left) + 1)
    assert left_context(mention, size, reach) == whole_left(mention, size, reach)


@given(TEXTS, TEXTS, st.integers(1, 20), st.integers(1, 30))
def test_the_right_side_reads_what_it_would_read_of_a_short_text(left, right, size, reach):
    mention = Mention(f"{left}X{right}", len(left), len(left) + 1)
    alone = Mention(f"X{right.lstrip()[:reach].rstrip()}", 0, 1)
    assert right_context(mention, size, reach) == right_context(alone, size, reach)
