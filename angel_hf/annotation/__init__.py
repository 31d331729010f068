"""From raw text to linked mentions: detection, abbreviations, composite mentions."""

from angel_hf.annotation.abbreviations import Abbreviation, find_abbreviations
from angel_hf.annotation.composites import split_composite
from angel_hf.annotation.detector import MentionDetector
from angel_hf.annotation.dictionary import DictionaryDetector
from angel_hf.annotation.expansion import expand_abbreviations
from angel_hf.annotation.token_classification import TokenClassificationDetector

__all__ = [
    "Abbreviation",
    "DictionaryDetector",
    "MentionDetector",
    "TokenClassificationDetector",
    "expand_abbreviations",
    "find_abbreviations",
    "split_composite",
]
