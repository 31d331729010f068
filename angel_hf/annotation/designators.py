"""Numbers and letters that tell the diseases of one name apart: "type 1", "hepatitis B", "complementation group IV"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from angel_hf.annotation.spellings import NUMBERS

_ARABIC, _ROMAN, _LETTER = r"\d{1,3}[A-Za-z]?", r"[IVX]{1,5}[a-hA-H]?", r"[A-H]"
_DESIGNATOR = rf"(?:{_ARABIC}|{_ROMAN}|{_LETTER})"
_LAST = re.compile(rf"(?<![A-Za-z0-9.,-])({_DESIGNATOR})\Z")
_NEXT_IN_LIST = re.compile(rf"\s?,\s?({_DESIGNATOR})(?![\w-]|\.\d)")
_KIND = r"(?:(?:types?|groups?|stages?|subtypes?)\s)?"
_LAST_IN_LIST = re.compile(
    rf"\s?(?:,\s?)?(?:and/or\s|and\s|or\s|to\s|through\s|&\s|/\s?|[-–])\s?{_KIND}({_DESIGNATOR})(?![\w-]|\.\d)"
)
# "type 1 and 2 diabetes": a list before what is shared.
_LIST_BEFORE = re.compile(
    rf"(?<!\w)((?:type|subtype|group|stage|grade|class|phase|factor)s?\s)({_DESIGNATOR})(?:\s?,\s?{_DESIGNATOR}){{0,20}}"
    rf"(?:\s?,)?(?:\s?[-–/]\s?|\s(?:and/or|and|or|to|&)\s)({_DESIGNATOR})((?:\s[\w'-]+){{1,5}})"
)
# "types 1-3", "I to III", "A-C".
_RANGE = re.compile(
    r"(?<![\w.-])(?:(\d{1,2})(?:\s?[-–]\s?|\s(?:to|through)\s)(\d{1,2})"
    r"|([IVX]{1,5})(?:\s?[-–]\s?|\s(?:to|through)\s)([IVX]{1,5})"
    r"|([A-H])(?:\s?[-–]\s?|\s(?:to|through)\s)([A-H]))(?![\w.-])"
)
_WORD_AFTER = re.compile(r"\s[\w'-]+")
_MOST_OF_RANGE = 20
_MOST_IN_LIST = 40
_ROMAN_NUMBERS = {number: roman.upper() for roman, number in NUMBERS.items()}


def has_range(surface: str) -> bool:
    """Whether a mention names a range: "types 1-3"."""
    return any(len(_members(found)) > 1 for found in _RANGE.finditer(surface))


def spelled_ranges(surface: str) -> str:
    """The mention with its ranges as lists: "types 1, 2, 3" for "types 1-3"."""
    return _RANGE.sub(lambda found: ", ".join(_members(found)) or found[0], surface)


def list_end(text: str, start: int, end: int, is_name: Callable[[str], bool]) -> int:
    """The end of the list of designators that a name opens, or that of the name.

    "fever types 1, 2 and 3" is one mention of three diseases; every one of them must be a name with what stands before
    its number.

    Args:
        text: folded.
        start, end: offsets of the name.
        is_name: whether a string is a name.
    """
    surface = text[start:end]
    last = _LAST.search(surface[-8:])
    if last is None:
        return end
    kind, head = _kind(last[1]), surface[: len(surface) - len(last[1])]
    if not head.strip():
        return end
    place, accepted = end, end
    for _ in range(_MOST_IN_LIST):
        closing = _LAST_IN_LIST.match(text, place)
        found = closing or _NEXT_IN_LIST.match(text, place)
        if found is None or _kind(found[1]) != kind or not is_name(f"{head}{found[1]}"):
            break
        place = found.end()
        # A comma alone may be any: the list must end with a word such as "and".
        accepted = place if closing else accepted
    return accepted


def lists_before(text: str, is_name: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Offsets of lists of designators with the words after them that are names with the first and with the last.

    "type 1 and 2 diabetes" is one mention of two diseases, although "2 diabetes" is no name.

    Args:
        text: folded.
        is_name: whether a string is a name.
    """
    for found in _LIST_BEFORE.finditer(text):
        counted, first, last, after = found.groups()
        if _kind(first) != _kind(last):
            continue
        words = list(_WORD_AFTER.finditer(after))
        for word in reversed(words):
            shared = after[: word.end()]
            if is_name(f"{counted}{first}{shared}") and is_name(f"{counted}{last}{shared}"):
                yield found.start(), found.start(4) + word.end()
                break


def _kind(designator: str) -> str:
    if designator[0].isdigit():
        return _ARABIC
    is_letter = len(designator) == 1 and designator not in "IVX"
    return _LETTER if is_letter else _ROMAN


def _members(found: re.Match[str]) -> list[str]:
    """What a range stands for; nothing where it does not ascend, or is long."""
    first, last = (part for part in found.groups() if part)
    if first.isdigit():
        numbers = range(int(first), int(last) + 1)
        members = [str(number) for number in numbers]
    elif found[3]:
        numbers = range(int(NUMBERS.get(first.lower(), "0")), int(NUMBERS.get(last.lower(), "0")) + 1)
        members = [_ROMAN_NUMBERS.get(str(number), "") for number in numbers]
    else:
        numbers = range(ord(first), ord(last) + 1)
        members = [chr(code) for code in numbers]
    return members if 1 < len(members) <= _MOST_OF_RANGE and all(members) else []
