"""Some refused items do not keep the others from their answers."""

from hypothesis import given
from hypothesis import strategies as st

from angel_hf.jobs.refusal import answered_or_refused


def halves(items):
    """Refuses odd numbers, all items together."""
    for item in items:
        if item % 2:
            raise ValueError(f"{item} is odd")
    return [item // 2 for item in items]


@given(st.lists(st.integers(0, 9)))
def test_every_item_has_its_answer_or_its_own_error(items):
    found = answered_or_refused(items, halves)
    assert [str(one) if isinstance(one, ValueError) else one for one in found] == [
        f"{item} is odd" if item % 2 else item // 2 for item in items
    ]


def test_items_that_none_refuses_are_answered_in_one_call():
    calls = []
    answered_or_refused([2, 4, 6], lambda items: calls.append(items) or halves(items))
    assert calls == [[2, 4, 6]]
