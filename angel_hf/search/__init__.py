"""Searches for the names of the best score: ids only, no text.

A search is a frozen value that is called on a batch: `BeamSearch(num_beams=10)`.
"""

from angel_hf.search.adaptive import AdaptiveBeamSearch
from angel_hf.search.beam import BeamSearch
from angel_hf.search.best_first import BestFirstSearch
from angel_hf.search.verbatim import VerbatimFirst

__all__ = ["AdaptiveBeamSearch", "BeamSearch", "BestFirstSearch", "VerbatimFirst"]
