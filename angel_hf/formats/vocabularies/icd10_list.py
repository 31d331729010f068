"""ICD-10-CM and ICD-10-PCS as lists of fixed width: the order file, `icd10cm_order_2026.txt`, and the codes file.

A line of the order file is an order number (5 characters), the code (7), whether it is billable (1), the short
description (60) and the long one, each after a space (CMS's layout of the order file). A line of the codes file
(`icd10cm_codes_2026.txt`) is the code (7), a space and the description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.formats.vocabularies.names import distinct_names, shown
from angel_hf.types import Concept

_ORDERED = re.compile(r"\d{5} (?P<code>[A-Z0-9]{3,7}) *[01] (?P<short>.{60}) (?P<long>.*)")
_UNORDERED = re.compile(r"(?P<code>[A-Z][0-9][0-9A-Z]{1,5}|[0-9A-Z]{7}) +(?P<long>\S.*)")
_UNPOINTED = re.compile(r"[A-Z]\d[0-9A-Z]{1,5} {1,5}\S")
_CATEGORY = 3
"""Characters of a category's code; in ICD-10-CM a point follows them."""
_EXPECTED = "expected `00001 A00     0 Cholera ... Cholera` of an order file, or `A000    Cholera ...` of a codes file"


def is_icd10_list(head: str) -> bool:
    """Whether a file starts like an order file or a codes file."""
    lines = [line.rstrip("\r") for line in head.split("\n")[:20] if line.strip()]
    lines = lines[:-1] or lines  # the last may be cut
    fitting = max(sum(form.match(line) is not None for line in lines) for form in (_ORDERED, _UNPOINTED))
    return 2 * fitting > len(lines)  # one of them may be bad


def read(source: Source) -> Iterator[Term | Rejected]:
    """Stream the codes with their long descriptions; the short ones are cut and abbreviated, and are no names.

    ICD-10-CM's codes get the point that claims leave out: `A000` is `A00.0`. The parent of a code is the longest
    code before it in the file that it starts with.
    """
    has_points = None
    above: list[str] = []  # the codes that the last line's code starts with, and itself
    for line in source.lines():
        text = line.text.rstrip()
        if not text:
            continue
        match = _ORDERED.fullmatch(line.text) or _ORDERED.fullmatch(text) or _UNORDERED.fullmatch(text)
        name = " ".join(match["long"].split()) if match else ""
        if line.fault is not None or match is None or not name:
            yield Rejected(line.number, line.fault or f"{shown(text)}; {_EXPECTED}", line.text)
            continue
        code = match["code"]
        if has_points is None:
            has_points = not code[0].isdigit()  # ICD-10-PCS starts with 001
        while above and not code.startswith(above[-1]):
            above.pop()
        parents = (_pointed(above[-1], has_points),) if above and above[-1] != code else ()
        above.append(code)
        yield Term(Concept(_pointed(code, has_points), distinct_names((name,)), parents=parents))


def _pointed(code: str, has_point: bool) -> str:
    return f"{code[:_CATEGORY]}.{code[_CATEGORY:]}" if has_point and len(code) > _CATEGORY else code
