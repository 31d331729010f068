"""The record of a job in its directory: written at its start, compared when it resumes."""

from __future__ import annotations

from collections.abc import Iterator


def differences(before: object, now: object, key: str = "") -> Iterator[tuple[str, object, object]]:
    """The differences of two JSON values: dotted key, old and new value, in the order of the keys.

    A missing key counts as None.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            yield from differences(before.get(name), now.get(name), f"{key}.{name}".removeprefix("."))
    elif before != now:
        yield key, before, now
