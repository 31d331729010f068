"""Whose work a directory holds: noted when it is begun, compared when it is gone on with."""

from __future__ import annotations

from collections.abc import Iterator


def differences(before: object, now: object, key: str = "") -> Iterator[tuple[str, object, object]]:
    """Where two JSON values differ: the dotted key, the former and the new value, in the order of the keys.

    A key that one side lacks counts as None there.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for name in {**before, **now}:
            yield from differences(before.get(name), now.get(name), f"{key}.{name}".removeprefix("."))
    elif before != now:
        yield key, before, now
