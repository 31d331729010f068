"""The predictors, one file each. To add one: a file beside these, and its name in PREDICTORS."""

from eval_harness.predictors.angel import Angel, AngelRanked, AngelVerbatim
from eval_harness.predictors.bm25 import Bm25
from eval_harness.predictors.dense import Dense
from eval_harness.predictors.exact_match import ExactMatch
from eval_harness.predictors.from_file import FromFile
from eval_harness.predictors.memory import Memory
from eval_harness.predictors.tfidf import CharacterTfidf

PREDICTORS = (ExactMatch, Memory, CharacterTfidf, Bm25, Dense, Angel, AngelVerbatim, AngelRanked, FromFile)
