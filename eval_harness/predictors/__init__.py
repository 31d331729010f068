"""The predictors, one file each. To add one: a file beside these, and its name in PREDICTORS."""

from eval_harness.predictors.angel import Angel
from eval_harness.predictors.exact_match import ExactMatch
from eval_harness.predictors.memory import Memory
from eval_harness.predictors.tfidf import CharacterTfidf

PREDICTORS = (ExactMatch, Memory, CharacterTfidf, Angel)
