"""Two records of a job differ where their values do."""

import pytest

from angel_hf.jobs.claim import differences


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": {"c": 2}}, {"b": {"c": 3}, "d": 4}, [("a", 1, None), ("b.c", 2, 3), ("d", None, 4)]),
        ({"a": [1, 2]}, {"a": [2, 1]}, [("a", [1, 2], [2, 1])]),
        ({"a": {"b": 1}}, {"a": 1}, [("a", {"b": 1}, 1)]),
        (1, 2, [("", 1, 2)]),
    ],
)
def test_differences_come_by_dotted_key(before, now, expected):
    assert list(differences(before, now)) == expected
