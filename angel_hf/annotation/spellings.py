"""One form for the spellings of a word: singular and plural, British and American, Roman and Arabic numbers.

The rules are rough. A form need not be a word, only the same for variants and different for different diseases.
"""

from __future__ import annotations

import re

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi", "xvii")
NUMBERS = {roman: str(number) for number, roman in enumerate(_ROMAN, start=1)}
"""Roman numbers, lowercase, and what they are; I, V and X are also letters."""

_WITH_LETTER = re.compile(r"([ivx]+)([a-h])")  # type IIb

_IRREGULAR_PLURALS = """
    appendix/appendices atrium/atria axis/axes bacterium/bacteria calyx/calyces cervix/cervices child/children
    cortex/cortices criterion/criteria crisis/crises femur/femora foot/feet foramen/foramina genus/genera
    helix/helices index/indices larynx/larynges len/lenses louse/lice lumen/lumina man/men mouse/mice ovum/ova
    pharynx/pharynges phalanx/phalanges phenomenon/phenomena sepsis/sepses septum/septa serum/sera testis/testes
    tooth/teeth varix/varices vertex/vertices woman/women
    """
# Genitives in the names of germs: "Clostridium tetani" is no tetanus.
_GENITIVES = """
    anginae cholerae diphtheriae gonorrhoeae influenzae leprae malariae pneumoniae rubeolae scarlatinae tetani typhi
    variolae
    """
_OSE = """
    close dose expose glucose hose lose nose overdose pose purpose rose
    """
# British and American, or what is rarer and what is more usual: wherever it stands in a word of five letters or more,
_BRITISH = """
    our/or ae/e oe/e leuc/leuk sulphaem/sulfhem sulph/sulf fibre/fiber centre/center
    """
# and whole words.
_BRITISH_WORDS = """
    ageing/aging aluminium/aluminum analogue/analog artefact/artifact catalogue/catalog dietician/dietitian disc/disk
    grey/gray haem/heme manoeuvre/maneuver mould/mold neurone/neuron programme/program sceptic/skeptic
    """
# German names, in which "oe" and "ue" stand for letters that most texts write as "o" and "u".
_GERMAN = """
    sjoegren moebius waldenstroem loefgren loeffler schoenlein roentgen koebner moeller koehler schoenberg
    mueller schueller huebner huenermann juengling guenther bruecke duehring
    """


def _pairs(table: str) -> list[tuple[str, str]]:
    return [(left, right) for left, _, right in (pair.partition("/") for pair in table.split())]


_IRREGULAR = {plural: singular for singular, plural in _pairs(_IRREGULAR_PLURALS)} | {"deficient": "deficiency"}
_UNCHANGED = frozenset(_GENITIVES.split())
_NO_OSIS = frozenset(f"{word}s" for word in _OSE.split())
_NO_PLURAL = ("ss", "us", "is", "os")
_USE = re.compile(r"(?:^|[ao]|^ab|f|[xc]c|mis|dis|^re|over)uses$")  # causes and abuses, but not viruses
# The first that fits: the end of a plural, the end of its singular, and the least length.
_PLURALS = {
    "s": (
        ("ies", "y", 5),
        ("itides", "itis", 8),
        ("stases", "stasis", 6),
        ("yses", "ysis", 5),
        ("eses", "esis", 6),
        ("axes", "axis", 6),
        ("sses", "ss", 5),
        ("shes", "sh", 5),
        ("xes", "x", 5),
    ),
    "a": (("mata", "ma", 7), ("cula", "culum", 6)),
    "e": (("ae", "a", 5),),
    "i": (("i", "us", 4),),
}
_WORDS = dict(_pairs(_BRITISH_WORDS)) | {name: name.replace("oe", "o").replace("ue", "u") for name in _GERMAN.split()}
_AMERICAN = dict(_pairs(_BRITISH))
_REPLACED = re.compile("|".join(_AMERICAN))
_END_OF_ISE = ("ise", "ised", "iser", "ising", "isation", "yse", "ysed", "yser", "ysing")
_ISE = re.compile(r"(?<=[a-z]{3}[iy])s(?=[a-z]+$)")
_ER = ("bre", "tre")  # calibre, titre, metre


def word_form(word: str) -> str:
    """Lowercase, in the singular, in American spelling, Roman numbers but I, V and X as digits.

    "Tumours" gives "tumor", "anaemia" "anemia", "metastases" "metastasis", "non-syndromic" "nonsyndromic", "II" "2",
    "IVb" "4b", and "deficient" "deficiency".
    """
    form = word.lower().replace("-", "")
    if form in _IRREGULAR:
        return _IRREGULAR[form]
    if len(form) < 2:
        return form
    if form[0] in "ivx" and (number := number_form(word)) and not (len(form) == 2 and form[1] in "abcdefgh"):
        return number
    form = _singular(form)
    if form in _WORDS or len(form) < 5:
        return _WORDS.get(form, form)
    form = _REPLACED.sub(_american, form)
    if form.endswith(_ER):
        form = f"{form[:-2]}er"
    return _ISE.sub("z", form) if form.endswith(_END_OF_ISE) else form


def number_form(word: str) -> str | None:
    """The digits of a Roman number, which a letter may follow, "IIb" as "2b"; None for any other word."""
    form = word.lower()
    if form in NUMBERS:
        return NUMBERS[form]
    found = _WITH_LETTER.fullmatch(form)
    if found is None or found[1] not in NUMBERS or (found[1] == "vi" and word.islower()):  # "via", "vie"
        return None
    return f"{NUMBERS[found[1]]}{found[2]}"


def _singular(form: str) -> str:
    rules = _PLURALS.get(form[-1])
    if rules is None or len(form) < 4 or form in _UNCHANGED:
        return form
    if form.endswith("uses") and not _USE.search(form):
        return form[:-2]
    if form.endswith("oses") and len(form) > 6 and form not in _NO_OSIS:
        return f"{form[:-2]}is"
    for plural, singular, least in rules:
        if len(form) >= least and form.endswith(plural):
            return f"{form[: -len(plural)]}{singular}"
    return form[:-1] if form[-1] == "s" and not form.endswith(_NO_PLURAL) else form


def _american(found: re.Match[str]) -> str:
    return _AMERICAN[found[0]]
