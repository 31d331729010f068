"""Languages as vocabularies write them: UMLS's three letters, ISO 639-1's two."""

from __future__ import annotations

import difflib

# UMLS's abbreviations (LAT of MRCONSO), which are mostly ISO 639-2/B.
_PAIRS = {
    "BAQ": "eu",
    "CHI": "zh",
    "CZE": "cs",
    "DAN": "da",
    "DUT": "nl",
    "ENG": "en",
    "EST": "et",
    "FIN": "fi",
    "FRE": "fr",
    "GER": "de",
    "GRE": "el",
    "HEB": "he",
    "HUN": "hu",
    "ITA": "it",
    "JPN": "ja",
    "KOR": "ko",
    "LAV": "lv",
    "NOR": "no",
    "POL": "pl",
    "POR": "pt",
    "RUS": "ru",
    "SCR": "hr",
    "SPA": "es",
    "SWE": "sv",
    "TUR": "tr",
    "UKR": "uk",
}
_BY_TWO = {two: three for three, two in _PAIRS.items()}
_LETTERS_OF_UMLS = 3


def umls_language(wanted: str) -> str:
    """`ENG` for `en`, `eng` or `en-GB`.

    Raises:
        ValueError: unknown.
    """
    first = wanted.split("-")[0]
    three = first.upper() if len(first) == _LETTERS_OF_UMLS else _BY_TWO.get(first.lower(), "")
    if three not in _PAIRS:
        near = difflib.get_close_matches(wanted.upper(), _PAIRS, 3) or ["ENG"]
        raise ValueError(f"unknown language {wanted!r}; expected one such as {', '.join(near)}, of {', '.join(_PAIRS)}")
    return three


def two_letters(wanted: str) -> str:
    """`en` for `ENG`, `eng` or `en-GB`.

    Raises:
        ValueError: unknown.
    """
    return _PAIRS[umls_language(wanted)]
