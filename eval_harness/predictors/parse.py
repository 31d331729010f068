"""Predictors from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval_harness.predictors import (
    PREDICTORS,
    Angel,
    AngelRanked,
    AngelVerbatim,
    Bm25,
    CharacterTfidf,
    Dense,
    ExactMatch,
    FromFile,
    Memory,
)
from eval_harness.predictors.predictor import Predictor


def parse_predictor(
    spec: str, model: str, num_beams: int = 10, batch_size: int = 32, folds: Sequence[str] = ("",)
) -> Predictor:
    """The predictor of `KIND` or `KIND:WHAT`, such as `tfidf`, `angel`, `dense:org/encoder`, `file:answers.parquet`.

    Args:
        spec: as given.
        model: for `angel`, `angel-verbatim` and `angel-ranked` without anything after a colon.
        num_beams: for ANGEL models.
        batch_size: likewise.
        folds: of the benchmark, for a model with "{fold}" in its name.

    Raises:
        ValueError: there is no such kind, or it needs something after the colon.
        ImportError: it needs a library that is not installed.
    """
    kind, _, what = spec.partition(":")
    for angel in (Angel, AngelVerbatim, AngelRanked):
        if kind == angel.kind:
            name = f"{kind}-{Path(what).name}" if what else kind
            return angel(what or model, num_beams, batch_size, name, folds)
    for made_of in (Dense, FromFile):
        if kind == made_of.kind:
            if not what:
                raise ValueError(f"predictor {spec!r}; expected `{kind}:` and a checkpoint or file")
            return made_of(what)
    for floor in (ExactMatch, Memory, CharacterTfidf, Bm25):
        if kind == floor.kind:
            if what:
                raise ValueError(f"predictor {spec!r}; {kind} takes nothing after a colon")
            return floor()
    raise ValueError(f"predictor {spec!r}; expected one of {', '.join(one.kind for one in PREDICTORS)}")


def model_of(predictor: Predictor) -> str:
    """The source of a predictor's answers, for reports: a checkpoint with its commit, a file, or its kind."""
    if isinstance(predictor, Angel) and not predictor.is_of_folds:
        commit = getattr(predictor.linker.config, "_commit_hash", None)
        return f"{predictor.model}@{commit}" if commit else predictor.model
    if isinstance(predictor, (Angel, Dense)):
        return predictor.model
    return Path(predictor.path).name if isinstance(predictor, FromFile) else predictor.kind
