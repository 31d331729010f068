"""From raw text to mentions: detection, abbreviations, composite mentions."""

from angel_hf.mentions.abbreviations import Abbreviation, expand_abbreviations, find_abbreviations

__all__ = ["Abbreviation", "expand_abbreviations", "find_abbreviations"]
