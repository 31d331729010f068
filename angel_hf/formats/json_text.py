"""JSON read value by value, so that one bad record of a list costs that record, and no tree of all is held."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_MOST_SHOWN = 80


class JsonError(ValueError):
    """Text that is no JSON, with the line, counted from 1."""

    def __init__(self, line: int, cause: str) -> None:
        super().__init__(cause)
        self.line = line


class RepeatedKeys(dict[str, Any]):
    """A JSON object in which a key comes twice: its last value is kept, and `repeated` names the key."""

    repeated = ""


class JsonText:
    """A cursor in a JSON text.

    Attributes:
        text: all of it.
        position: of the next character.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._decoder = json.JSONDecoder(object_pairs_hook=_object)
        self._counted = (0, 1)  # a position and its line

    @property
    def line(self) -> int:
        """The line of the next value, counted from 1."""
        self.peek()
        position, line = self._counted
        line += self.text.count("\n", position, self.position)
        self._counted = (self.position, line)
        return line

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        found = _SPACE.match(self.text, self.position)
        assert found is not None, "white space may be empty"
        self.position = found.end()
        return self.text[self.position : self.position + 1]

    def value(self) -> Any:
        """The next value, whole.

        Raises:
            JsonError: no JSON from here on, or nested too deeply.
        """
        self.peek()
        try:
            value, self.position = self._decoder.raw_decode(self.text, self.position)
        except json.JSONDecodeError as error:
            raise JsonError(error.lineno, f"not JSON ({error.msg} at column {error.colno})") from None
        except RecursionError:
            raise JsonError(self.line, "not JSON (nested too deeply)") from None
        except ValueError as error:  # a number of more digits than Python reads
            raise JsonError(self.line, f"not JSON ({error})") from None
        return value

    def elements(self) -> Iterator[None]:
        """Stops at each element of the list that comes next; each must be read before the next one."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield
            if self.peek() == "]":
                self._take("]")
                return
            self._take(",")

    def members(self) -> Iterator[str]:
        """Stops at the value of each key of the object that comes next; each must be read before the next one."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            key = self.value() if self.peek() == '"' else None
            if not isinstance(key, str):
                raise self._unexpected("a key in double quotes")
            self._take(":")
            yield key
            if self.peek() == "}":
                self._take("}")
                return
            self._take(",")

    def finish(self) -> None:
        """Refuse anything but white space after the value.

        Raises:
            JsonError: there is something.
        """
        if self.peek():
            raise self._unexpected("the end of the file")

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise self._unexpected(f"`{character}`")
        self.position += 1

    def _unexpected(self, expected: str) -> JsonError:
        rest = self.text[self.position : self.position + _MOST_SHOWN]
        return JsonError(self.line, f"not JSON ({repr(rest) if rest else 'the file ends'}, where {expected} should be)")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = RepeatedKeys(found)
    doubled.repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return doubled
