"""A text in plain letters that remembers where each letter came from; the letters are those of `reading.fold`."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from angel_hf.text.reading import FOLDABLE, plain


class Folded:
    """A text as `fold` gives it, with the offsets of the text that it was made of.

    Memory is that of both texts and of four numbers for each place where they differ.

    Attributes:
        text: the folded text; the very same string where there was nothing to fold.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # Bounds of each replacement, before and after.
        self._old_starts, self._old_ends = array("q"), array("q")
        self._starts, self._ends = array("q"), array("q")
        if not text.isascii() or "&" in text:
            self._fold(text)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the original text of a span of the folded one.

        A span that begins or ends within what stands for one letter or entity has all of it. Marks on its last letter
        belong to it; what has no width beside it does not.
        """
        first = bisect_right(self._starts, start) - 1
        last = bisect_left(self._starts, end) - 1
        if first >= 0:
            beyond = start - self._ends[first]
            start = self._old_starts[first] if beyond < 0 else self._old_ends[first] + beyond
        if last >= 0:
            end = self._old_ends[last] + max(0, end - self._ends[last])
        return start, end

    def _fold(self, text: str) -> None:
        pieces, done, shift = [], 0, 0
        for found in FOLDABLE.finditer(text):
            replacement = plain(found)
            if replacement == found[0]:
                continue
            start, end = found.span()
            pieces += [text[done:start], replacement]
            done = end
            self._old_starts.append(start)
            self._old_ends.append(end)
            self._starts.append(start + shift)
            shift += len(replacement) - (end - start)
            self._ends.append(end + shift)
        self.text = "".join([*pieces, text[done:]])
