"""Evaluation of entity linkers: benchmarks, named protocols, predictors and metrics."""
