"""GenBioEL's `target_kb.json`: one JSON object, `{concept_id: [name, ...]}`, normalised already."""

from __future__ import annotations

from collections.abc import Iterator

from angel_hf.formats.json_terms import FORMS
from angel_hf.formats.json_text import JsonError, JsonText
from angel_hf.formats.rejected import Rejected
from angel_hf.formats.source import Source
from angel_hf.formats.term import Term
from angel_hf.types import Concept

# Keys that say what kind of thing comes, and are nobody's identifiers.
_OF_OTHER_FORMS = frozenset(
    ("id", "concept_id", "name", "label", "names", "synonyms", "terms", "concepts", "nodes", "data", "results", "meta")
)
_EXPECTED = "expected a list of names, as in {concept_id: [name, ...]}"


def read(source: Source) -> Iterator[Term | Rejected]:
    """The concepts in the file's order; the first name is the preferred one.

    A concept that comes twice is yielded twice. What is no list of names costs that concept, what is no text that name.
    """
    text = JsonText(source.text())
    try:
        for concept_id in text.members():
            line, start = text.line, text.position
            names = text.value()
            raw = text.text[start : text.position]
            if concept_id.lower() in _OF_OTHER_FORMS:
                raise ValueError(f"an object with the key {concept_id!r}; {FORMS}")
            if not isinstance(names, list):
                yield Rejected(line, f"concept {concept_id!r} has {_shown(names)}; {_EXPECTED}", raw)
                continue
            kept = [name for name in names if isinstance(name, str) and name.strip()]
            for position, name in enumerate(names, start=1):
                if not isinstance(name, str) or not name.strip():
                    yield Rejected(
                        line, f"concept {concept_id!r}: its name {position} is {_shown(name)}; expected text", raw
                    )
            if not names:
                yield Rejected(line, f"concept {concept_id!r} has no names; expected at least one", raw)
            elif kept:
                yield Term(Concept(concept_id, tuple(dict.fromkeys(kept))))
        text.finish()
    except JsonError as error:
        yield Rejected(error.line, f"{error}; expected {{concept_id: [name, ...]}}", is_rest=True)


def _shown(value: object, limit: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
