"""How a text is read: its letters, its normal form, the context window of a mention, marked text."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

from ..types import Mention

NORMALIZATIONS = ("lowercase-punctuation", "lowercase", "as-is")

# Every tokenizer that marks where words start begins a token here, with the space, whatever stands before it.
_BETWEEN_WORDS = re.compile(r"(?<=\S) (?=\S)")
_MARKED = re.compile(r"\[\[(.*?)\]\]")

# What Unicode does not decompose into plain letters, after these; what looks Greek is, and has the name of its letter.
_MEANT = """-:‐‑‒–—―−⁃ ':‘’‚‛‹›′ʹʼ´ ":“”„‟«» .:·∙⋅ /:⁄∕÷ +/-:± >=:≥⩾ <=:≤⩽ !=:≠ ->:→ <-:← x:× :™℠®© o:ø O:Ø l:ł L:Ł d:đð
    D:ĐÐ h:ħ H:Ħ i:ı t:ŧ T:Ŧ n:ŋ th:þ Th:Þ ae:æ Ae:Æ oe:œ Oe:Œ SS:ẞ f:ƒ α:ɑ γ:ɣ ε:ɛ Δ:∆"""
_PLAIN = {ord(one): plain for plain, _, meant in (pair.partition(":") for pair in _MEANT.split()) for one in meant}
_PLAIN |= dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF], "")
_MARKS = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f]+"
# An entity of HTML, escaped once or more; Greek text, which stays as it is; a letter with marks; any other but Asian.
FOLDABLE = re.compile(
    r"&(?:amp;)*(#\d{1,7}|#[xX][\da-fA-F]{1,6}|[A-Za-z]\w{1,31});"
    rf"|([\u0370-\u03ff\u1f00-\u1fff]{{4,}})|[^\W_]?{_MARKS}|[^\x00-\x7f\u3041-\u30fa\u3400-\u9fff\uac00-\ud7a3]"
)


def fold(text: str) -> str:
    """The text in ASCII, as far as that spells it: "Sjögren", "ﬁbrosis", "TNFα" as "Sjogren", "fibrosis", "TNF alpha".

    Compatibility forms (NFKD) and entities are resolved, marks on letters and what has no width dropped; dashes, quotes
    and letters such as "ø" get their plain look, and Greek letters are spelled as words. Other scripts stay.
    """
    return text if text.isascii() and "&" not in text else FOLDABLE.sub(plain, text)


def plain(found: re.Match[str]) -> str:
    """What `fold` writes for what FOLDABLE finds."""
    letter = html.unescape(f"&{found[1]};") if found[1] else found[0]
    letter = unicodedata.normalize("NFKD", letter.translate(_PLAIN))
    letter = unicodedata.normalize("NFC", re.sub(_MARKS, "", letter)).translate(_PLAIN)
    before = found.string[max(0, found.start() - 2) : found.start()].lower()
    after = found.string[found.end() : found.end() + 1]
    if letter == "ß":  # of German after a vowel; elsewhere often put for a beta: "TGFß", "ß-globin"
        in_word = after.isalpha() or before[:-1].isalpha()
        letter = "ss" if in_word and before.endswith(tuple("aeiouyäöü")) else "β"
    elif letter == "μ" and after.isascii() and after.isalpha():
        letter = "u"  # of a unit: "µg"
    name = unicodedata.name(letter, "") if len(letter) == 1 else ""
    if not name.startswith("GREEK"):
        return found[2] or letter
    name = name.split()[-1].replace("LAMDA", "LAMBDA")
    left = " " if before[-1:].isalnum() or before.endswith(";") else ""
    right = " " if after.isalnum() and after != "ß" and not "Ͱ" <= after <= "Ͽ" else ""
    return left + (name.capitalize() if letter.isupper() else name.lower()) + right


class _PunctuationToSpace(dict[int, str]):
    """A table for str.translate, filled with each character at its first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = " " if unicodedata.category(character)[0] in "PS" else character
        return self[code]


_PUNCTUATION_TO_SPACE = _PunctuationToSpace()


def normalize(text: str, normalization: str) -> str:
    """The form of a name or mention that the model reads and writes.

    "lowercase-punctuation", the published form: lowercase, punctuation and symbols (Unicode categories P and S) as
    space, of which one is kept; a text of these alone keeps them. "lowercase" is for files that were normalised before.
    ValueError where the normalization is not one of NORMALIZATIONS.
    """
    if normalization == "as-is":
        return text
    if normalization == "lowercase":
        return text.lower()
    if normalization == "lowercase-punctuation":
        lowercased = text.lower()
        return " ".join(lowercased.translate(_PUNCTUATION_TO_SPACE).split()) or lowercased.strip()
    raise ValueError(f"unknown normalization {normalization!r}; expected one of {', '.join(NORMALIZATIONS)}")


class Context(NamedTuple):
    """The text on one side of a mention, stripped; `is_whole` where nothing within reach was cut off."""

    text: str
    is_whole: bool


def left_context(mention: Mention, size: int, reach: int) -> Context:
    """At most `size` characters before a mention, from where a word starts, and nothing farther away than `reach`."""
    text = mention.text[max(0, mention.start - 2 * reach) : mention.start].rstrip()
    if len(text) < reach < mention.start:  # white space between, which may go on for long
        text = mention.text[: mention.start].rstrip()
    text = text[max(0, len(text) - reach) :].lstrip()
    if len(text) <= size:
        return Context(text, True)
    cut = _BETWEEN_WORDS.search(text, len(text) - size)
    return Context(text[cut.end() :] if cut else "", False)


def right_context(mention: Mention, size: int, reach: int) -> Context:
    """At least `size` characters after a mention, to the end of a word; see `left_context`."""
    text = mention.text[mention.end : mention.end + 2 * reach].lstrip()
    if len(text) < reach:
        text = mention.text[mention.end :].lstrip()
    text = text[:reach].rstrip()
    cut = _BETWEEN_WORDS.search(text, size)
    return Context(text[: cut.start()], False) if cut else Context(text, True)


def parse_marked(marked: str) -> tuple[Mention, ...]:
    """The mentions of a text without its marks `[[` and `]]`; ValueError where none is marked, or a pair is wrong."""
    pieces = _MARKED.split(marked)  # text, mention, text, mention, ..., text
    if any("[[" in piece or "]]" in piece for piece in pieces):
        raise ValueError(f"the marks in {marked!r} do not pair up; expected each mention once in [[ and ]]")
    if len(pieces) == 1:
        raise ValueError(f"no mention is marked in {marked!r}; expected [[ and ]] around each, as in 'a [[mention]]'")
    text, spans = pieces[0], []
    for mention, following in zip(pieces[1::2], pieces[2::2]):
        spans.append((len(text), len(text) + len(mention)))
        text += mention + following
    if any(not text[start:end].strip() for start, end in spans):
        raise ValueError(f"an empty mention in {marked!r}; expected text between [[ and ]]")
    return tuple(Mention(text, start, end) for start, end in spans)
