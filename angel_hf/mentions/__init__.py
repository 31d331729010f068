"""From raw text to mentions: detection, abbreviations, composite mentions."""

from angel_hf.mentions.abbreviations import Abbreviation, expand_abbreviations, find_abbreviations
from angel_hf.mentions.composites import split_composite
from angel_hf.mentions.detector import MentionDetector
from angel_hf.mentions.dictionary import DictionaryDetector
from angel_hf.mentions.token_classification import TokenClassificationDetector

__all__ = [
    "Abbreviation",
    "DictionaryDetector",
    "MentionDetector",
    "TokenClassificationDetector",
    "expand_abbreviations",
    "find_abbreviations",
    "split_composite",
]
